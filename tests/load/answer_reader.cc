#include "load/answer_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace baton::load {
namespace {

constexpr std::size_t longest_head = 8192;
constexpr std::size_t longest_body = 4096;

bool same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(
      one, other, [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}  // namespace

void AnswerReader::expect(std::string_view token) {
  *this = AnswerReader();
  token_ = token;
}

AnswerReader::State AnswerReader::add(std::string_view bytes) {
  bytes_ += bytes;
  const State state = look();
  return state == State::incomplete && bytes_.size() > longest_head + longest_body ? State::wrong : state;
}

AnswerReader::State AnswerReader::look() {
  if (body_ == 0) {
    const std::size_t end = bytes_.find("\r\n\r\n");
    if (end == std::string::npos) return State::incomplete;
    if (!read_head(std::string_view(bytes_).substr(0, end + 2))) return State::wrong;
    body_ = end + 4;
  }
  if (chunked_) return read_chunks();
  if (bytes_.size() < body_ + length_) return State::incomplete;
  end_ = body_ + length_;
  return read_body(std::string_view(bytes_).substr(body_, length_));
}

bool AnswerReader::read_head(std::string_view head) {
  const std::size_t status = head.find("\r\n");
  if (!head.starts_with("HTTP/1.1 200 ")) return false;
  head.remove_prefix(status + 2);
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (!read_header(line.substr(0, colon), value)) return false;
    head.remove_prefix(end + 2);
  }
  return chunked_ != has_length_;
}

bool AnswerReader::read_header(std::string_view name, std::string_view value) {
  if (same_name(name, "content-length")) {
    if (has_length_) return false;
    has_length_ = true;
    return read_number(value, length_) && length_ <= longest_body;
  }
  if (same_name(name, "transfer-encoding")) return chunked_ = same_name(value, "chunked");
  if (same_name(name, "connection")) kept_ = !same_name(value, "close");
  if (same_name(name, "x-token")) return value == token_;
  return true;
}

AnswerReader::State AnswerReader::read_chunks() {
  std::string body;
  for (std::size_t at = body_;;) {
    const std::size_t end = bytes_.find("\r\n", at);
    if (end == std::string::npos) return State::incomplete;
    std::size_t size = 0;
    if (!read_number(std::string_view(bytes_).substr(at, end - at), size, 16) || size > longest_body)
      return State::wrong;
    at = end + 2 + size + 2;
    if (bytes_.size() < at) return State::incomplete;
    if (bytes_.compare(at - 2, 2, "\r\n") != 0) return State::wrong;
    if (size == 0) {
      end_ = at;
      return read_body(body);
    }
    body.append(bytes_, end + 2, size);
  }
}

AnswerReader::State AnswerReader::read_body(std::string_view body) {
  const bool right =
      body.ends_with('\n') && read_number(body.substr(0, body.size() - 1), worker_) && worker_ > 1;
  return right ? State::complete : State::wrong;
}

}  // namespace baton::load
