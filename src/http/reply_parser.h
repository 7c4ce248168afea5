#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "baton/base/error.h"
#include "http/body_reader.h"
#include "http/head_reader.h"
#include "http/line_scanner.h"
#include "http/reply_head.h"

namespace baton::http {

// The answer to one request, from bytes that come in any pieces; no I/O, no clock. What it says does not
// depend on where the pieces were cut.
//
//   while ((event = parser.feed(input)) != Event::need_more) ...
//
// Strict where two parties could read the frame of a body differently, as `RequestParser` is. Interim answers
// (1xx) are passed over, up to 16 of them; 101, which nobody asked for, is refused.
class ReplyParser {
 public:
  enum class Event : std::uint8_t {
    need_more,  // `input` is used up
    head,       // `head()` is there
    body,       // `body()`, a part of `input`; never empty
    end,        // the reply is whole; every later call says so again, and takes nothing
    failure,    // `reason()`; every later call says so again
  };

  // To HEAD there is no body, whatever the head says. A head, and a trailer section, may have `header_limit`
  // bytes and `most_headers` fields (0: any number), and one chunk's extensions so many bytes too.
  ReplyParser(bool to_head, std::size_t header_limit, std::size_t most_headers);
  ReplyParser(const ReplyParser&) = delete;
  ReplyParser& operator=(const ReplyParser&) = delete;

  // Takes bytes from the front of `input` until there is something to say.
  [[nodiscard]] Event feed(std::string_view& input);
  // Nothing comes any more: what `feed` was given is all. It is the end of a body that ends so, else a
  // failure.
  [[nodiscard]] Event finish();

  // From Event::head on.
  [[nodiscard]] const ReplyHead& head() const noexcept { return head_; }
  // Until `input` changes.
  [[nodiscard]] std::string_view body() const noexcept { return body_.data(); }
  // Of a failure: Errc::disconnected, message_too_large (a limit), or bad_message.
  [[nodiscard]] Errc why() const noexcept { return why_; }
  // For people.
  [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
  // Whether a byte came.
  [[nodiscard]] bool began() const noexcept { return began_; }
  // The head is there, and not a byte of the body is missing, only that `feed` says so.
  [[nodiscard]] bool whole() const noexcept {
    return state_ == State::ended || (state_ == State::in_body && body_.whole());
  }

 private:
  enum class State : std::uint8_t { in_head, in_body, ended, failed };

  Event fail(std::string_view reason, Errc why = Errc::bad_message);
  Event read_head(std::string_view& input);
  Event read_body(std::string_view& input);
  void begin_body();

  std::size_t header_limit_;
  std::size_t most_headers_;
  ReplyHead head_;
  HeadReader<ReplyHead> reader_;
  LineScanner lines_;
  BodyReader body_;
  std::string_view reason_;
  int interim_ = 0;
  Errc why_ = Errc::bad_message;
  State state_ = State::in_head;
  bool to_head_;
  bool until_close_ = false;
  bool began_ = false;
};

}  // namespace baton::http
