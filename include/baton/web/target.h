#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::web {

/// The path of a request's target, as it was sent: "/a%20b" of "/a%20b?c=d", and of "http://host/a%20b?c=d".
/// "*", and what CONNECT names, is its own.
[[nodiscard]] std::string_view path_of(std::string_view target);

/// The text that percent-encoding stands for; nothing where a % is not followed by two hexadecimal digits.
/// What comes out may have any byte in it, a NUL or a "/" too, and need not be UTF-8: look before you use it
/// as a file's name. Mirrors `decodeURIComponent`.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
/// A text as a part of a path or a query: every byte but letters, digits and -_.!~*'() is encoded. Mirrors
/// `encodeURIComponent`.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// What stands behind the "?" of a target, decoded: names and values, in their order. Mirrors
/// `URLSearchParams`: "+" is a space, a % that encodes nothing stays, a name without "=" has an empty value.
class Query {
 public:
  /// Of a whole target; empty for one without "?".
  explicit Query(std::string_view target);

  /// The value of the first parameter of that name; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// All of them.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& parameters() const noexcept {
    return parameters_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace baton::web
