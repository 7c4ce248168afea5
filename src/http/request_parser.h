#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/body_reader.h"
#include "http/head_reader.h"
#include "http/line_scanner.h"
#include "http/request_head.h"

namespace baton::http {

// The requests of one connection, one after the other, from bytes that come in any pieces; no I/O, no clock.
// What it says does not depend on where the pieces were cut.
//
//   while ((event = parser.feed(input)) != Event::need_more) ...
//
// It stops at each event, so that a server which is still answering a request leaves the rest of `input` for
// later.
//
// Strict: it refuses whatever Node 20 refuses, and what RFC 9110 and 9112 say must be refused where Node does
// not (a second Host or one that is no host, an empty Transfer-Encoding, `*` with a method other than
// OPTIONS), and Transfer-Encoding in HTTP/1.0, codings other than `chunked`, versions other than 1.0 and 1.1.
// Line ends in front of a request are skipped.
class RequestParser {
 public:
  enum class Event : std::uint8_t {
    need_more,  // `input` is used up
    head,       // `head()` is there
    body,       // `body()`, a part of `input`; never empty
    end,        // the request is whole
    failure,  // `status()` is to be answered, and the connection to be closed; every later call says so again
  };

  // A head, and a trailer section, may have `header_limit` bytes and `most_headers` fields, and one chunk's
  // extensions so many bytes too.
  static constexpr std::size_t default_header_limit = 16 * 1024;
  static constexpr std::size_t default_most_headers = 2000;
  explicit RequestParser(std::size_t header_limit = default_header_limit,
                         std::size_t most_headers = default_most_headers);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes from the front of `input` until there is something to say. After the end of a request without
  // keep-alive whatever comes is dropped.
  [[nodiscard]] Event feed(std::string_view& input);

  // From Event::head to the first call of `feed` after Event::end.
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }
  // Until `input` changes.
  [[nodiscard]] std::string_view body() const noexcept { return body_.data(); }
  // 400, 413 (chunk extensions) or 431.
  [[nodiscard]] int status() const noexcept { return status_; }
  // For people.
  [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
  // Between two requests: no byte of the next has come.
  [[nodiscard]] bool idle() const noexcept { return state_ == State::between || state_ == State::finished; }
  // In a request of which not a byte is missing, only that `feed` says so.
  [[nodiscard]] bool whole() const noexcept { return state_ == State::in_body && body_.whole(); }
  // In the middle of a head.
  [[nodiscard]] bool in_head() const noexcept { return state_ == State::in_head; }

 private:
  enum class State : std::uint8_t { between, in_head, in_body, finished, closed, failed };

  Event fail(int status, std::string_view reason);
  void skip_line_ends(std::string_view& input);
  Event read_head(std::string_view& input);
  Event read_body(std::string_view& input);
  Event finish();
  void begin_next();

  std::size_t header_limit_;
  std::size_t most_headers_;
  RequestHead head_;
  HeadReader<RequestHead> reader_;
  LineScanner lines_;
  BodyReader body_;
  std::string_view reason_;
  std::size_t skipped_ = 0;
  int status_ = 0;
  State state_ = State::between;
};

}  // namespace baton::http
