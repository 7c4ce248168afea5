#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::http {

// "Not Found"; "unknown" for numbers that nobody has registered, as in Node.
[[nodiscard]] std::string_view reason_of(int status) noexcept;

// The Date field's line with its CR LF, made anew only when the second changes.
class DateLine {
 public:
  [[nodiscard]] std::string_view at(std::int64_t unix_seconds);

 private:
  std::int64_t second_ = -1;
  std::string line_;
};

// How the client finds the end of the body.
class Framing {
 public:
  enum class Kind : std::uint8_t { none, length, chunked, until_close };

  // The status says that there is no body: 204, 304.
  static Framing none() noexcept { return {Kind::none, 0}; }
  static Framing length(std::uint64_t size) noexcept { return {Kind::length, size}; }
  static Framing chunked() noexcept { return {Kind::chunked, 0}; }
  // For HTTP/1.0, when the length is not known.
  static Framing until_close() noexcept { return {Kind::until_close, 0}; }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  Framing(Kind kind, std::uint64_t size) noexcept : kind_(kind), size_(size) {}
  Kind kind_;
  std::uint64_t size_;
};

// The status and fields of one response. Fields are kept as the lines they will be, in one text that a
// connection reuses. What frames the body and keeps the connection is the server's to say: Transfer-Encoding
// and Keep-Alive are refused, Connection may only ask to close or to stay, Content-Length is kept as a
// promise.
class ResponseHead {
 public:
  // 200 to 999; else throws std::invalid_argument. (1xx are not answers.)
  void status(int status);
  [[nodiscard]] int status() const noexcept { return status_; }

  // In place of every earlier field of that name. Throws std::invalid_argument for a name that is no token or
  // a value with control characters: a CR LF in there would end the line, and what follows would be the
  // caller's client's.
  void set(std::string_view name, std::string_view value);
  // Beside earlier ones: Set-Cookie.
  void add(std::string_view name, std::string_view value);
  // A field behind a chunked body. Throws as `set` does, and for what a client must know before the body.
  void add_trailer(std::string_view name, std::string_view value);
  [[nodiscard]] const std::string& trailers() const noexcept { return trailers_; }

  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }
  [[nodiscard]] bool asks_to_close() const noexcept { return close_; }
  // Whether the status allows a body.
  [[nodiscard]] bool has_body() const noexcept { return status_ != 204 && status_ != 304; }

  // Appends the head to `out`, in Node's order. Without `keep_alive_seconds` it closes the connection; 0
  // keeps it without saying how long.
  void write(std::string& out, const Framing& framing, std::optional<unsigned> keep_alive_seconds,
             std::string_view date_line) const;
  // Ready for the next response.
  void clear() noexcept;

 private:
  // True if the field was one of those that are not kept as lines.
  bool take_special(std::string_view name, std::string_view value);

  std::string lines_;
  std::string trailers_;
  std::optional<std::uint64_t> content_length_;
  int status_ = 200;
  bool has_date_ = false;
  bool close_ = false;
};

// The size line, the data and its line end. `data` must not be empty: that would be the last chunk.
void append_chunk(std::string& out, std::string_view data);
// The size line alone, for data that goes another way; a line end follows it.
void append_chunk_size(std::string& out, std::size_t size);
// The end of a chunked body, with the lines of its trailers.
void append_last_chunk(std::string& out, std::string_view trailers);

inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";
// What Node says before it closes a connection that it cannot go on with.
[[nodiscard]] std::string closing_response(int status);

}  // namespace baton::http
