#include "wire/v8_reader.h"

#include <algorithm>
#include <cstring>
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
  Value value = any();
  if (!failed()) return value;
  std::string step = "byte " + std::to_string(at_) + ": " + problem_;
  if (error_ == Errc::message_too_large) step += " " + std::to_string(memory_) + " bytes";
  return failure(error_, "read a message", step);
}

Value Reader::fail(const char* problem) {
  if (!failed()) problem_ = problem;
  return {};
}

bool Reader::enter() {
  if (depth_left_ == 0) {
    if (!failed()) error_ = Errc::message_too_deep;
    fail("nested too deep");
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

bool Reader::afford(std::size_t bytes) {
  if (allowance_.take(bytes)) return true;
  if (!failed()) error_ = Errc::message_too_large;
  fail("the value takes more than");
  return false;
}

// --- strings

std::string Reader::string() { return string(tag()); }

std::string Reader::string(Tag tag) {
  std::string text = string_of(tag);
  afford(memory_of(text));
  return text;
}

std::string Reader::string_of(Tag tag) {
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
      afford(memory_of(text));
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

void Reader::put(Value value) {
  if (!pile_.push(std::move(value))) afford(sizeof(Value));
}

// Their number.
std::size_t Reader::put_members_until(Tag end) {
  std::size_t count = 0;
  for (; !ends_with(end); ++count) {
    put(key(tag()));
    put(any());
    if (failed()) break;
  }
  return count;
}

std::vector<Value> Reader::take_values(std::size_t count) {
  std::vector<Value> values;
  if (failed() || count == 0) return values;
  const bool taken = pile_.take_last(count, count * sizeof(Value) + around_allocation, [&](Value&& value) {
    if (values.empty()) values.reserve(count);
    values.push_back(std::move(value));
  });
  if (!taken) afford(count * sizeof(Value));
  return values;
}

Reader::Members Reader::take_members(std::size_t count) {
  Members members;
  if (failed() || count == 0) return members;
  std::string name;
  bool is_name = false;
  const std::size_t bytes = count * sizeof(Value::Member) + around_allocation;
  const bool taken = pile_.take_last(2 * count, bytes, [&](Value&& next) {
    if (members.empty()) members.reserve(count);
    if ((is_name = !is_name)) {
      name = std::move(next).as_string();
    } else {
      members.emplace_back(std::move(name), std::move(next));
    }
  });
  if (!taken) afford(bytes);
  return members;
}

Value Reader::object() {
  if (!enter()) return {};
  ++objects_;
  const std::size_t count = put_members_until(Tag::end_object);
  expect(count);
  leave();
  Members members = take_members(count);
  if (failed()) return {};
  return Value::object(std::move(members));
}

Value Reader::dense_array() {
  if (!enter()) return {};
  ++objects_;
  const std::uint32_t length = varint();
  if (length > left()) return fail("an array longer than the message");
  for (std::uint32_t i = 0; i < length && !failed(); ++i) {
    // A value may be of no more bytes than its tag.
    const bool hole = at_ < bytes_.size() && static_cast<Tag>(bytes_[at_]) == Tag::hole;
    if (hole) ++at_;
    put(hole ? Value::hole() : any());
  }
  const std::size_t count = put_members_until(Tag::end_dense_array);
  expect(count);
  expect(length);
  leave();
  Members others = take_members(count);
  std::vector<Value> elements = take_values(length);
  if (failed()) return {};
  if (others.empty()) return Value::array(std::move(elements));
  for (const auto& [name, value] : others) {
    if (array_index(name) != no_index) return fail("an element beside the elements");
  }
  return Value::array(std::move(elements), std::move(others));
}

Value Reader::sparse_array() {
  if (!enter()) return {};
  ++objects_;
  const std::uint32_t length = varint();
  const std::size_t count = put_members_until(Tag::end_sparse_array);
  expect(count);
  expect(length);
  leave();
  return filled_array(count, length);
}

Value Reader::filled_array(std::size_t count, std::uint32_t length) {
  Members members = take_members(count);
  if (failed()) return {};
  std::size_t indices = 0;
  for (const auto& [name, value] : members) {
    const std::uint64_t index = array_index(name);
    if (index == no_index) continue;
    if (index >= length) return fail("an element after the array's end");
    ++indices;
  }
  if (length > 2 * std::uint64_t{indices} + holes_for_nothing) {
    return Value::array({}, std::move(members), length);
  }
  if (!afford(length * sizeof(Value) + around_allocation)) return {};
  std::vector<Value> elements(length, Value::hole());
  std::erase_if(members, [&](Value::Member& member) {
    const std::uint64_t index = array_index(member.first);
    if (index != no_index) elements[index] = std::move(member.second);
    return index != no_index;
  });
  if (members.empty()) return Value::array(std::move(elements));
  return Value::array(std::move(elements), std::move(members));
}

}  // namespace v8

Result<Value> read_advanced(std::string_view bytes, AdvancedLimits limits) {
  return v8::Reader(bytes, limits.depth(), limits.memory_for(bytes.size())).read();
}

}  // namespace baton::wire
