#include "spawn/proc_file_linux.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "baton/base/fd.h"

namespace baton::spawner {
namespace {

std::optional<uint64_t> to_number(std::string_view text) {
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

Result<std::string> read_proc_file(const std::string& path, size_t most) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return failure(errno, "read " + path, "open");
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got == 0 || text.size() >= most) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(errno, "read " + path, "read");
    text.append(buffer, static_cast<size_t>(got));
  }
}

StatFields::StatFields(std::string_view stat) {
  // The name, field 2, stands in parentheses and may contain anything, parentheses too.
  const size_t name_end = stat.rfind(')');
  if (name_end != std::string_view::npos && name_end + 2 <= stat.size()) rest_ = stat.substr(name_end + 2);
}

std::string_view StatFields::text(int field) const {
  std::string_view rest = rest_;
  for (int i = 3; i < field; ++i) {
    const size_t space = rest.find(' ');
    if (space == std::string_view::npos) return "?";
    rest.remove_prefix(space + 1);
  }
  const std::string_view found = rest.substr(0, rest.find_first_of(" \n"));
  return found.empty() ? "?" : found;
}

std::optional<uint64_t> StatFields::number(int field) const { return to_number(text(field)); }

std::optional<uint64_t> labelled_number(std::string_view text, std::string_view name) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      const size_t digits = line.find_first_not_of(" \t", name.size() + 1);
      return digits == std::string_view::npos ? std::nullopt : to_number(line.substr(digits));
    }
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace baton::spawner
