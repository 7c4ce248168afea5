#include "http/request_parser.h"

#include <algorithm>

namespace baton::http {
namespace {

bool may_become_method(std::string_view text) {
  constexpr std::size_t longest = std::string_view("UNSUBSCRIBE").size();
  const auto name = text.substr(0, text.find(' '));
  return name.size() <= longest && name.empty() == text.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

}  // namespace

RequestParser::RequestParser(std::size_t header_limit, std::size_t most_headers)
    : header_limit_(header_limit), most_headers_(most_headers), body_(header_limit) {}

RequestParser::Event RequestParser::feed(std::string_view& input) {
  for (;;) {
    switch (state_) {
      case State::finished:
        begin_next();
        break;
      case State::between:
        skip_line_ends(input);
        if (state_ == State::between) return Event::need_more;
        break;
      case State::in_head:
        return read_head(input);
      case State::in_body:
        return read_body(input);
      case State::closed:
        input = {};
        return Event::need_more;
      case State::failed:
        return Event::failure;
    }
  }
}

RequestParser::Event RequestParser::fail(int status, std::string_view reason) {
  state_ = State::failed;
  status_ = status;
  reason_ = reason;
  return Event::failure;
}

// A client of old adds a line end to a body, which is then in front of the next request. Pairs only: skipping
// a bare LF would be looser than the rest.
void RequestParser::skip_line_ends(std::string_view& input) {
  while (!input.empty()) {
    const char expected = skipped_ % 2 == 0 ? '\r' : '\n';
    if (input.front() != expected && expected == '\r') {
      state_ = State::in_head;
      return;
    }
    if (input.front() != expected) return void(fail(400, "bad line end"));
    if (++skipped_ > header_limit_) return void(fail(431, "header too large"));
    input.remove_prefix(1);
  }
}

RequestParser::Event RequestParser::read_head(std::string_view& input) {
  const std::size_t room = header_limit_ - skipped_ - head_.text_.size();
  const std::string_view part = input.substr(0, room);
  const std::size_t taken = lines_.scan(part);
  append_within(head_.text_, part.substr(0, taken), header_limit_);
  input.remove_prefix(taken);
  if (lines_.complete()) {
    if (const auto why = reader_.read(head_, head_.text_.size()); !why.empty()) return fail(400, why);
    if (head_.places_.size() > most_headers_) return fail(431, "too many headers");
    if (head_.chunked()) {
      body_.begin_chunks();
    } else {
      body_.begin_length(head_.content_length().value_or(0));
    }
    state_ = State::in_body;
    return Event::head;
  }
  // What cannot become a request line is answered at once, and first: whoever speaks another protocol may be
  // waiting.
  if (lines_.first_line() > 0) {
    if (const auto why = reader_.read(head_, lines_.first_line()); !why.empty()) return fail(400, why);
  } else if (!may_become_method(head_.text_)) {
    return fail(400, "bad method");
  }
  if (lines_.refused()) return fail(400, "bad header line");
  if (taken == room) return fail(431, "header too large");
  return Event::need_more;
}

RequestParser::Event RequestParser::read_body(std::string_view& input) {
  switch (body_.feed(input, head_.trailer_text_)) {
    case BodyReader::Event::need_more:
      return Event::need_more;
    case BodyReader::Event::data:
      return Event::body;
    case BodyReader::Event::failure:
      return fail(body_.status(), body_.reason());
    case BodyReader::Event::end:
      break;
  }
  if (head_.chunked()) {
    if (const auto why = reader_.read_trailers(); !why.empty()) return fail(400, why);
    if (head_.trailer_places_.size() > most_headers_) return fail(431, "too many trailers");
  }
  return finish();
}

RequestParser::Event RequestParser::finish() {
  state_ = head_.keep_alive() ? State::finished : State::closed;
  return Event::end;
}

void RequestParser::begin_next() {
  head_.clear();
  reader_.reset();
  lines_ = LineScanner();
  skipped_ = 0;
  state_ = State::between;
}

}  // namespace baton::http
