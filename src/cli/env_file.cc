#include "cli/env_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "baton/base/fd.h"

namespace baton::cli {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
  }

  Parsed<Variables> read() {
    Variables variables;
    while (skip_to_key()) {
      std::string key = read_key();
      if (key.empty()) return fail("KEY=VALUE expected");
      std::string value;
      if (!read_value(value)) return fail(problem_);
      if (value.contains('\0') || key.contains('\0')) return fail("a NUL byte");
      variables.emplace_back(std::move(key), std::move(value));
    }
    return variables;
  }

 private:
  [[nodiscard]] std::unexpected<std::string> fail(std::string_view what) const {
    return std::unexpected("line " + std::to_string(line_) + ": " + std::string(what));
  }
  void skip(std::size_t count) {
    line_ +=
        static_cast<std::size_t>(std::count(rest_.begin(), rest_.begin() + static_cast<long>(count), '\n'));
    rest_.remove_prefix(count);
  }
  void skip_blanks() { skip(std::min(rest_.find_first_not_of(blanks), rest_.size())); }
  void skip_line() {
    const std::size_t end = rest_.find('\n');
    skip(end == rest_.npos ? rest_.size() : end + 1);
  }
  bool skip_to_key() {
    for (;;) {
      skip_blanks();
      if (rest_.empty()) return false;
      if (rest_.front() != '#' && rest_.front() != '\n') return true;
      skip_line();
    }
  }

  // Up to the '=' that is skipped; empty if this line has none, or more than one word before it.
  std::string read_key() {
    constexpr std::string_view prefix = "export";
    if (rest_.starts_with(prefix) && rest_.size() > prefix.size() && blanks.contains(rest_[prefix.size()])) {
      skip(prefix.size());
      skip_blanks();
    }
    const std::size_t end = std::min(rest_.find_first_of("= \t\r\n#'\""), rest_.size());
    std::string key(rest_.substr(0, end));
    skip(end);
    skip_blanks();
    if (!rest_.starts_with('=')) return {};
    skip(1);
    return key;
  }

  bool read_value(std::string& value) {
    skip_blanks();
    if (rest_.starts_with('\'') || rest_.starts_with('"') || rest_.starts_with('`'))
      return read_quoted(value);
    std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view text = rest_.substr(0, end);
    for (std::size_t mark = text.find('#'); mark != text.npos; mark = text.find('#', mark + 1)) {
      if (mark == 0 || blanks.contains(text[mark - 1])) text = text.substr(0, mark);
    }
    const std::size_t last = text.find_last_not_of(blanks);
    value = text.substr(0, last == text.npos ? 0 : last + 1);
    skip(end);
    return true;
  }
  bool read_quoted(std::string& value) {
    const char quote = rest_.front();
    std::size_t end = 1;
    for (; end < rest_.size() && rest_[end] != quote; ++end) {
      if (quote == '"' && rest_[end] == '\\' && end + 1 < rest_.size()) {
        append_escaped(value, rest_[++end]);
      } else {
        value += rest_[end];
      }
    }
    if (end == rest_.size()) return refuse("the quotes are not closed");
    skip(end + 1);
    skip_blanks();
    if (!rest_.empty() && rest_.front() != '\n' && rest_.front() != '#') {
      return refuse("something follows the closing quotes");
    }
    skip(std::min(rest_.find('\n'), rest_.size()));
    return true;
  }
  static void append_escaped(std::string& value, char escaped) {
    constexpr std::string_view letters = "nrt\\\"$";
    constexpr std::string_view meanings = "\n\r\t\\\"$";
    const std::size_t place = letters.find(escaped);
    if (place == letters.npos) value += '\\';  // not an escape: both stand as they are
    value += place == letters.npos ? escaped : meanings[place];
  }
  bool refuse(std::string_view what) {
    problem_ = what;
    return false;
  }

  std::string_view rest_;
  std::string_view problem_;
  std::size_t line_ = 1;
};

}  // namespace

Parsed<std::pair<std::string, std::string>> parse_variable(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == text.npos) {
    return std::unexpected("'" + std::string(text) + "' is not KEY=VALUE");
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

Parsed<Variables> parse_env_file(std::string_view text) { return Reader(text).read(); }

Parsed<Variables> read_env_file(const std::string& path) {
  const auto refuse = [&path](std::string_view why) {
    return std::unexpected(path + ": " + std::string(why));
  };
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return refuse(std::strerror(errno));
  std::string text;
  for (char piece[16384];;) {
    const ssize_t count = ::read(file.get(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refuse(std::strerror(errno));
    if (count == 0) break;
    text.append(piece, static_cast<std::size_t>(count));
    if (text.size() > largest_env_file) {
      return refuse("is larger than " + std::to_string(largest_env_file >> 20U) + " MiB");
    }
  }
  auto variables = parse_env_file(text);
  if (!variables) return refuse(variables.error());
  return variables;
}

}  // namespace baton::cli
