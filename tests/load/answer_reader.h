#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace baton::load {

/// Reads the answer to one request as it comes: status 200, a body by Content-Length or in chunks that is the
/// answering process's number and a line feed. Strict, since a stranger's bytes must not pass for an answer.
class AnswerReader {
 public:
  enum class State { incomplete, complete, wrong };

  /// Forgets everything; the next answer is to the request with `token`. If the answer has an X-Token, it
  /// must be that.
  void expect(std::string_view token);
  State add(std::string_view bytes);

  /// Who answered. The following are known when the answer is complete.
  [[nodiscard]] pid_t worker() const { return worker_; }
  /// Whether bytes came beyond the answer.
  [[nodiscard]] bool surplus() const { return bytes_.size() > end_; }
  /// Whether the server keeps the connection.
  [[nodiscard]] bool kept() const { return kept_; }

 private:
  State look();
  bool read_head(std::string_view head);
  bool read_header(std::string_view name, std::string_view value);
  State read_chunks();
  State read_body(std::string_view body);

  std::string bytes_;
  std::string token_;
  std::size_t body_ = 0;    // where it begins; 0 before the head is whole
  std::size_t length_ = 0;  // of the body, unless chunked
  std::size_t end_ = 0;
  pid_t worker_ = 0;
  bool has_length_ = false;
  bool chunked_ = false;
  bool kept_ = true;
};

}  // namespace baton::load
