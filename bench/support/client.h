#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "support/measure.h"

namespace bench {

/// One keep-alive connection: how much of an answer is still to come.
class Client {
 public:
  explicit Client(int connection) : connection_(connection) {}
  [[nodiscard]] int connection() const { return connection_; }
  void ask(std::string_view request) const {
    if (write(connection_, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
      die("write");
  }
  /// Whether an answer is complete now.
  bool read_some() {
    char bytes[4096];
    const ssize_t got = read(connection_, bytes, sizeof bytes);
    if (got <= 0) die("the server closed a connection: read");
    answer_.append(bytes, static_cast<size_t>(got));
    const size_t head = answer_.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (length_ == 0) length_ = head + 4 + content_length(head);
    if (answer_.size() < length_) return false;
    if (!answer_.starts_with("HTTP/1.1 200")) {
      std::fprintf(stderr, "not the answer that was expected: %s\n", answer_.c_str());
      std::exit(1);
    }
    answer_.clear();
    length_ = 0;
    return true;
  }

 private:
  [[nodiscard]] size_t content_length(size_t head) const {
    for (const char* name : {"Content-Length: ", "content-length: "}) {
      const size_t at = answer_.find(name);
      if (at < head) return std::strtoul(answer_.c_str() + at + 16, nullptr, 10);
    }
    std::fputs("an answer without Content-Length\n", stderr);
    std::exit(1);
  }
  int connection_;
  std::string answer_;
  size_t length_ = 0;
};

}  // namespace bench
