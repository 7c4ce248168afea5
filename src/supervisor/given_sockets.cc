#include "supervisor/given_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "baton/base/descriptor_kind.h"
#include "net/sockaddr.h"

namespace baton::supervisor {
namespace {

constexpr int first_given = 3;
constexpr int most_given = 1024;
constexpr std::string_view nameless = "unknown";

std::string_view given_variable(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a process of Baton has one thread.
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int given_number(const char* name) {
  const std::string_view text = given_variable(name);
  int number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size() ? number : 0;
}

}  // namespace

std::vector<GivenSocket> given_sockets() {
  std::vector<GivenSocket> given;
  if (given_number("LISTEN_PID") != ::getpid()) return given;
  std::string_view names = given_variable("LISTEN_FDNAMES");
  const int count = std::min(given_number("LISTEN_FDS"), most_given);
  for (int number = first_given; number < first_given + count; ++number) {
    const std::string_view name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    const DescriptorKind kind = descriptor_kind(number);
    const bool udp = kind == DescriptorKind::udp;
    if (!udp && kind != DescriptorKind::tcp_listener && kind != DescriptorKind::unix_listener) continue;
    Fd copy(::fcntl(number, F_DUPFD_CLOEXEC, first_given));
    if (!copy) continue;
    ListenSocket what(std::string(name.empty() ? nameless : name), net::local_endpoint(number));
    given.push_back({std::move(copy), std::move(what.udp(udp))});
  }
  return given;
}

Fd take_given(std::vector<GivenSocket>& given, const ListenSocket& wanted) {
  const auto is_meant = [&](const GivenSocket& one) {
    if (one.what.is_udp() != wanted.is_udp()) return false;
    const bool same_name = wanted.name() != nameless && one.what.name() == wanted.name();
    return same_name || one.what.endpoint().to_string() == wanted.endpoint().to_string();
  };
  const auto found = std::ranges::find_if(given, is_meant);
  if (found == given.end()) return {};
  Fd taken = std::move(found->socket);
  given.erase(found);
  return taken;
}

}  // namespace baton::supervisor
