#include "http/body_reader.h"

#include <algorithm>
#include <limits>

namespace baton::http {

void append_within(std::string& text, std::string_view part, std::size_t limit) {
  if (text.size() + part.size() > text.capacity() && text.capacity() * 2 > limit) {
    std::string grown;
    grown.reserve(limit);
    grown = text;
    text.swap(grown);
  }
  text += part;
}

void BodyReader::begin_length(std::uint64_t size) noexcept {
  state_ = State::in_length;
  left_ = size;
}

void BodyReader::begin_chunks() noexcept {
  state_ = State::in_chunks;
  chunks_ = ChunkScanner(limit_);
}

BodyReader::Event BodyReader::feed(std::string_view& input, std::string& trailers) {
  switch (state_) {
    case State::in_length: {
      if (left_ == 0) return Event::end;
      const Event event = take(input, left_);
      if (event == Event::data) left_ -= data_.size();
      return event;
    }
    case State::in_chunks:
      return feed_chunks(input, trailers);
    case State::in_trailers:
      return feed_trailers(input, trailers);
    case State::until_close:
      return take(input, std::numeric_limits<std::uint64_t>::max());
  }
  return Event::need_more;
}

BodyReader::Event BodyReader::fail(int status, std::string_view reason) noexcept {
  status_ = status;
  reason_ = reason;
  return Event::failure;
}

BodyReader::Event BodyReader::take(std::string_view& input, std::uint64_t most) noexcept {
  if (input.empty()) return Event::need_more;
  data_ = input.substr(0, std::min<std::uint64_t>(most, input.size()));
  input.remove_prefix(data_.size());
  return Event::data;
}

BodyReader::Event BodyReader::feed_chunks(std::string_view& input, std::string& trailers) {
  switch (chunks_.scan(input)) {
    case ChunkScanner::Event::need_more:
      return Event::need_more;
    case ChunkScanner::Event::data:
      data_ = chunks_.data();
      return Event::data;
    case ChunkScanner::Event::bad:
      return fail(400, "bad chunk");
    case ChunkScanner::Event::too_long:
      return fail(413, "chunk extensions too large");
    case ChunkScanner::Event::last:
      break;
  }
  state_ = State::in_trailers;
  lines_ = LineScanner(true);
  trailers = last_chunk_line;
  return feed_trailers(input, trailers);
}

BodyReader::Event BodyReader::feed_trailers(std::string_view& input, std::string& trailers) {
  const std::size_t limit = limit_ + last_chunk_line.size();
  const std::size_t room = limit - trailers.size();
  const std::string_view part = input.substr(0, room);
  const std::size_t taken = lines_.scan(part);
  append_within(trailers, part.substr(0, taken), limit);
  input.remove_prefix(taken);
  if (lines_.complete()) return Event::end;
  if (lines_.refused()) return fail(400, "bad trailer line");
  if (taken == room) return fail(431, "trailers too large");
  return Event::need_more;
}

}  // namespace baton::http
