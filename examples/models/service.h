#pragma once

// The service that all five models give: whatever is asked, the same bytes. A request ends at the blank line;
// one that says `Connection: close` is the last of its connection.

#include <string>
#include <string_view>

namespace models {

inline constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 12\r\n"
    "\r\n"
    "Hello World\n";

/// What has come of a request. Clients send the next one when they have the answer.
class Request {
 public:
  /// A piece of it; false if it is longer than a request may be.
  bool add(std::string_view bytes) {
    text_ += bytes;
    return text_.size() <= longest;
  }
  [[nodiscard]] bool complete() const { return text_.ends_with("\r\n\r\n"); }
  [[nodiscard]] bool is_last() const { return text_.contains("\r\nConnection: close\r\n"); }
  void clear() { text_.clear(); }

 private:
  static constexpr std::size_t longest = 16384;
  std::string text_;
};

}  // namespace models
