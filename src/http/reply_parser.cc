#include "http/reply_parser.h"

namespace baton::http {
namespace {

constexpr int most_interim = 16;
constexpr std::string_view beginning = "HTTP/1.";

// Whoever speaks another protocol may wait for us, and never end a head.
bool may_become_head(std::string_view text) {
  return text.substr(0, beginning.size()) == beginning.substr(0, text.size());
}

}  // namespace

ReplyParser::ReplyParser(bool to_head, std::size_t header_limit, std::size_t most_headers)
    : header_limit_(header_limit), most_headers_(most_headers), body_(header_limit), to_head_(to_head) {
  head_.bodiless_ = to_head;
}

ReplyParser::Event ReplyParser::feed(std::string_view& input) {
  began_ = began_ || !input.empty();
  while (state_ == State::in_head) {
    const Event event = read_head(input);
    if (event != Event::head) return event;
    if (head_.status() >= 200) {
      begin_body();
      return event;
    }
    if (head_.status() == 101) return fail("it switches protocols, which nobody asked for");
    if (++interim_ > most_interim) return fail("too many interim answers");
    head_.clear();
    reader_.reset();
    lines_ = LineScanner();
  }
  switch (state_) {
    case State::in_body:
      return read_body(input);
    case State::ended:
      return Event::end;
    default:
      return Event::failure;
  }
}

ReplyParser::Event ReplyParser::finish() {
  if (state_ == State::ended || whole()) {
    state_ = State::ended;
    return Event::end;
  }
  if (state_ == State::failed) return Event::failure;
  if (state_ == State::in_body && until_close_) {
    state_ = State::ended;
    return Event::end;
  }
  return fail(state_ == State::in_body ? "the connection ended amid the body"
              : began_                 ? "the connection ended amid the head"
                                       : "the connection ended without an answer",
              Errc::disconnected);
}

ReplyParser::Event ReplyParser::fail(std::string_view reason, Errc why) {
  state_ = State::failed;
  why_ = why;
  reason_ = reason;
  return Event::failure;
}

ReplyParser::Event ReplyParser::read_head(std::string_view& input) {
  const std::size_t room = header_limit_ - head_.text_.size();
  const std::string_view part = input.substr(0, room);
  const std::size_t taken = lines_.scan(part);
  append_within(head_.text_, part.substr(0, taken), header_limit_);
  input.remove_prefix(taken);
  if (!may_become_head(head_.text_)) return fail("it is not HTTP/1");
  if (lines_.complete()) {
    if (const auto why = reader_.read(head_, head_.text_.size()); !why.empty()) return fail(why);
    if (most_headers_ > 0 && head_.places_.size() > most_headers_)
      return fail("too many headers", Errc::message_too_large);
    return Event::head;
  }
  if (lines_.refused()) return fail("bad header line");
  if (taken == room) return fail("its head is too large", Errc::message_too_large);
  return Event::need_more;
}

void ReplyParser::begin_body() {
  state_ = State::in_body;
  if (to_head_ || head_.status() == 204 || head_.status() == 304) {
    // What it says is what the body would be.
    head_.chunked_ = false;
    body_.begin_length(0);
  } else if (head_.chunked()) {
    body_.begin_chunks();
  } else if (head_.content_length()) {
    body_.begin_length(*head_.content_length());
  } else {
    until_close_ = true;
    head_.keep_alive_ = false;
    body_.begin_until_close();
  }
}

ReplyParser::Event ReplyParser::read_body(std::string_view& input) {
  switch (body_.feed(input, head_.trailer_text_)) {
    case BodyReader::Event::need_more:
      return Event::need_more;
    case BodyReader::Event::data:
      return Event::body;
    case BodyReader::Event::failure:
      return fail(body_.reason(), body_.status() == 400 ? Errc::bad_message : Errc::message_too_large);
    case BodyReader::Event::end:
      break;
  }
  if (head_.chunked()) {
    if (const auto why = reader_.read_trailers(); !why.empty()) return fail(why);
    if (most_headers_ > 0 && head_.trailer_places_.size() > most_headers_)
      return fail("too many trailers", Errc::message_too_large);
  }
  state_ = State::ended;
  return Event::end;
}

}  // namespace baton::http
