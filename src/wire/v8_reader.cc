#include "wire/v8_reader.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "baton/wire/advanced.h"
#include "wire/array_index.h"
#include "wire/json_number.h"
#include "wire/utf16.h"

namespace baton::wire {
namespace v8 {
namespace {

// Holes are filled up in an array that has few of them; of others only what is there is kept, as a length of
// billions is said in five bytes.
constexpr std::uint64_t holes_for_nothing = 8;

}  // namespace

Result<Value> Reader::read() {
  if (static_cast<Tag>(byte()) != Tag::version) fail("no version");
  const std::uint32_t version = varint();
  if (version < oldest_version || version > newest_version) fail("a version that is not known");
  values_.reserve(8);
  members_.reserve(8);
  Value value = any();
  if (!failed()) return value;
  return failure(too_deep_ ? Errc::message_too_deep : Errc::bad_message, "read a message",
                 "byte " + std::to_string(at_) + ": " + problem_);
}

Value Reader::fail(const char* problem) {
  if (!failed()) problem_ = problem;
  return {};
}

bool Reader::enter() {
  if (depth_left_ == 0) {
    fail("nested too deep");
    too_deep_ = true;
    return false;
  }
  --depth_left_;
  return !failed();
}

// --- bytes

char Reader::byte() {
  if (failed() || at_ == bytes_.size()) {
    fail("it ends too early");
    return '\0';
  }
  return bytes_[at_++];
}

Tag Reader::tag() {
  Tag tag = Tag::padding;
  while (tag == Tag::padding && !failed()) tag = static_cast<Tag>(byte());
  return tag;
}

// As V8 reads one: bits beyond the thirty-second count for nothing.
std::uint32_t Reader::varint() {
  std::uint32_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto next = static_cast<unsigned char>(byte());
    if (shift < 32) number |= std::uint32_t{next & 0x7fU} << shift;
    if (next < 0x80 || failed()) return number;
    shift = std::min(shift, 28U);
  }
}

std::string_view Reader::raw(std::size_t size) {
  if (failed() || size > left()) {
    fail("it ends too early");
    return {};
  }
  return bytes_.substr(std::exchange(at_, at_ + size), size);
}

double Reader::double_bytes() {
  double number = 0;
  const std::string_view eight = raw(sizeof number);
  if (!eight.empty()) std::memcpy(&number, eight.data(), sizeof number);
  return number;
}

bool Reader::ends_with(Tag end) {
  while (at_ < bytes_.size() && static_cast<Tag>(bytes_[at_]) == Tag::padding) ++at_;
  if (at_ == bytes_.size()) fail("it ends too early");
  if (failed()) return true;
  if (static_cast<Tag>(bytes_[at_]) != end) return false;
  ++at_;
  return true;
}

void Reader::expect(std::uint64_t counted) {
  if (varint() != counted) fail("a count that is not so");
}

// --- strings

std::string Reader::string() { return string(tag()); }

std::string Reader::string(Tag tag) {
  switch (tag) {
    case Tag::one_byte_string:
      return from_latin1(raw(varint()));
    case Tag::two_byte_string: {
      const std::uint32_t size = varint();
      if (size % 2 != 0) fail("half a character");
      return from_utf16(raw(size));
    }
    case Tag::utf8_string:
      return from_utf8(raw(varint()));
    default:
      fail("a string was expected");
      return {};
  }
}

std::string Reader::key(Tag tag) {
  std::string text;
  switch (tag) {
    case Tag::int32: {
      const std::uint32_t zigzag = varint();
      append_integer(text, static_cast<std::int32_t>(zigzag >> 1 ^ (0 - (zigzag & 1))));
      return text;
    }
    case Tag::uint32:
      append_integer(text, varint());
      return text;
    case Tag::number:
      append_number(text, double_bytes());
      return text;
    default:
      return string(tag);
  }
}

// --- values

// Its recursion is bounded: everything that holds values enters.
Value Reader::any() {
  while (!failed()) {
    const Tag next = tag();
    switch (next) {
      case Tag::null:
        return nullptr;
      case Tag::true_value:
        return true;
      case Tag::false_value:
        return false;
      case Tag::int32: {
        const std::uint32_t zigzag = varint();
        return static_cast<std::int32_t>(zigzag >> 1 ^ (0 - (zigzag & 1)));
      }
      case Tag::uint32:
        return varint();
      case Tag::number:
        return double_bytes();
      case Tag::one_byte_string:
      case Tag::two_byte_string:
      case Tag::utf8_string:
        return string(next);
      case Tag::object:
        return object();
      case Tag::dense_array:
        return dense_array();
      case Tag::sparse_array:
        return sparse_array();
      case Tag::undefined:
        return {};
      case Tag::verify_count:
        varint();
        continue;
      default:
        return rare(next);
    }
  }
  return {};
}

Reader::Members Reader::members_until(Tag end) {
  const std::size_t first = members_.size();
  while (!ends_with(end)) {
    std::string name = key(tag());
    Value value = any();
    if (failed()) break;
    members_.emplace_back(std::move(name), std::move(value));
  }
  const auto begin = members_.begin() + static_cast<std::ptrdiff_t>(first);
  Members members(std::make_move_iterator(begin), std::make_move_iterator(members_.end()));
  members_.erase(begin, members_.end());
  return members;
}

std::vector<Value> Reader::values_from(std::size_t first) {
  const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(first);
  std::vector<Value> values(std::make_move_iterator(begin), std::make_move_iterator(values_.end()));
  values_.erase(begin, values_.end());
  return values;
}

Value Reader::object() {
  if (!enter()) return {};
  ++objects_;
  Members members = members_until(Tag::end_object);
  expect(members.size());
  leave();
  if (failed()) return {};
  return Value::object(std::move(members));
}

Value Reader::dense_array() {
  if (!enter()) return {};
  ++objects_;
  const std::uint32_t length = varint();
  if (length > left()) return fail("an array longer than the message");
  const std::size_t first = values_.size();
  for (std::uint32_t i = 0; i < length && !failed(); ++i) {
    // A value may be of no more bytes than its tag.
    const bool hole = at_ < bytes_.size() && static_cast<Tag>(bytes_[at_]) == Tag::hole;
    if (hole) ++at_;
    Value element = hole ? Value::hole() : any();
    values_.push_back(std::move(element));
  }
  Members others = members_until(Tag::end_dense_array);
  expect(others.size());
  expect(length);
  leave();
  if (failed()) return {};
  if (others.empty()) return Value::array(values_from(first));
  for (const auto& [name, value] : others) {
    if (array_index(name) != no_index) return fail("an element beside the elements");
  }
  return Value::array(values_from(first), std::move(others));
}

Value Reader::sparse_array() {
  if (!enter()) return {};
  ++objects_;
  const std::uint32_t length = varint();
  const std::size_t first = values_.size();
  std::vector<std::uint32_t> indices;
  Members others;
  while (!ends_with(Tag::end_sparse_array)) {
    std::string name = key(tag());
    Value value = any();
    if (failed()) return {};
    const std::uint64_t index = array_index(name);
    if (index == no_index) {
      others.emplace_back(std::move(name), std::move(value));
    } else if (index >= length) {
      return fail("an element after the array's end");
    } else {
      indices.push_back(static_cast<std::uint32_t>(index));
      values_.push_back(std::move(value));
    }
  }
  expect(indices.size() + others.size());
  expect(length);
  leave();
  if (failed()) return {};
  return filled_array(first, indices, std::move(others), length);
}

Value Reader::filled_array(std::size_t first, const std::vector<std::uint32_t>& indices, Members others,
                           std::uint32_t length) {
  std::vector<Value> values = values_from(first);
  if (length <= 2 * std::uint64_t{values.size()} + holes_for_nothing) {
    std::vector<Value> elements(length, Value::hole());
    for (std::size_t i = 0; i < values.size(); ++i) elements[indices[i]] = std::move(values[i]);
    if (others.empty()) return Value::array(std::move(elements));
    return Value::array(std::move(elements), std::move(others));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    others.emplace_back(std::to_string(indices[i]), std::move(values[i]));
  }
  return Value::array({}, std::move(others), length);
}

}  // namespace v8

Result<Value> read_advanced(std::string_view bytes, AdvancedLimits limits) {
  return v8::Reader(bytes, limits.depth()).read();
}

}  // namespace baton::wire
