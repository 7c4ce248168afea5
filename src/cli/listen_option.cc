#include "cli/listen_option.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "cli/address.h"

namespace baton::cli {
namespace {

using supervisor::ListenSocket;

constexpr std::string_view file_prefix = "unix:";
constexpr std::string_view udp_prefix = "udp:";
constexpr std::size_t longest_name = 255;  // sd_listen_fds(3)

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

Parsed<unsigned> whole_number(std::string_view text, int base, unsigned most) {
  unsigned number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || stop != text.data() + text.size() || number > most) {
    return std::unexpected("'" + std::string(text) + "' is no such number");
  }
  return number;
}

Parsed<void> set_mode(ListenSocket& socket, std::string_view text) {
  const auto mode = whole_number(text, 8, 0777);
  if (!mode) return std::unexpected("mode: '" + std::string(text) + "' is not a mode such as 660");
  return socket.mode(*mode), Parsed<void>();
}

// One thread, and nothing of the answer is kept: NOLINTBEGIN(concurrency-mt-unsafe)
Parsed<void> set_owner(ListenSocket& socket, std::string_view text) {
  if (const auto number = whole_number(text, 10, 0xfffffffeU)) return socket.owner(*number), Parsed<void>();
  const passwd* user = ::getpwnam(std::string(text).c_str());
  if (user == nullptr) return std::unexpected("owner: there is no user '" + std::string(text) + "'");
  return socket.owner(user->pw_uid), Parsed<void>();
}

Parsed<void> set_group(ListenSocket& socket, std::string_view text) {
  if (const auto number = whole_number(text, 10, 0xfffffffeU)) return socket.group(*number), Parsed<void>();
  const group* found = ::getgrnam(std::string(text).c_str());
  if (found == nullptr) return std::unexpected("group: there is no group '" + std::string(text) + "'");
  return socket.group(found->gr_gid), Parsed<void>();
}
// NOLINTEND(concurrency-mt-unsafe)

// What stands behind a path: the first ',' with a word and '=' behind it ends that.
std::size_t end_of_path(std::string_view text) {
  for (std::size_t comma = text.find(','); comma != text.npos; comma = text.find(',', comma + 1)) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz", comma + 1);
    if (end != text.npos && end > comma + 1 && text[end] == '=') return comma;
  }
  return text.size();
}

Parsed<void> set_one(ListenSocket& socket, std::string_view option) {
  const std::size_t equals = option.find('=');
  const std::string_view key = option.substr(0, equals);
  const std::string_view value = equals == option.npos ? "" : option.substr(equals + 1);
  if (key == "mode") return set_mode(socket, value);
  if (key == "owner") return set_owner(socket, value);
  if (key == "group") return set_group(socket, value);
  return std::unexpected("'" + std::string(option) + "' is none of mode=, owner= and group=");
}

Parsed<ListenSocket> parse_file(std::string name, std::string_view text) {
  const std::size_t end = end_of_path(text);
  auto endpoint = parse_address(text.substr(0, end));
  if (!endpoint) return std::unexpected(std::move(endpoint).error());
  ListenSocket socket(std::move(name), *std::move(endpoint));
  for (text.remove_prefix(end); !text.empty();) {
    text.remove_prefix(1);
    const std::size_t size = std::min(text.find(','), text.size());
    if (auto set = set_one(socket, text.substr(0, size)); !set)
      return std::unexpected(std::move(set).error());
    text.remove_prefix(size);
  }
  return socket;
}

}  // namespace

Parsed<ListenSocket> parse_listen(std::string_view text) {
  std::string name = "unknown";
  const std::size_t equals = text.find('=');
  // A path may have such a sign in it.
  if (equals != text.npos && !text.substr(0, equals).contains('/')) {
    name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    if (!good_name(name)) {
      return std::unexpected("'" + name + "' is not a name: visible ASCII without ':', at most 255 of it");
    }
  }
  if (text.starts_with(file_prefix)) return parse_file(std::move(name), text);
  const bool udp = text.starts_with(udp_prefix);
  if (udp) text.remove_prefix(udp_prefix.size());
  auto endpoint = parse_address(text);
  if (!endpoint) return std::unexpected(std::move(endpoint).error());
  if (udp && endpoint->family() == -1) return std::unexpected("udp: takes an address with a port");
  return ListenSocket(std::move(name), *std::move(endpoint)).udp(udp);
}

}  // namespace baton::cli
