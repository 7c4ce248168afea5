#include "wire/v8_writer.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "wire/array_index.h"
#include "wire/regexp_flags.h"
#include "wire/utf16.h"

namespace baton::wire::v8 {
namespace {

static_assert(std::endian::native == std::endian::little, "doubles are written as they lie in memory");

constexpr std::int64_t lowest_int32 = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t highest_int32 = std::numeric_limits<std::int32_t>::max();

constexpr std::pair<std::string_view, ErrorTag> error_names[] = {
    {"EvalError", ErrorTag::eval_error},           {"RangeError", ErrorTag::range_error},
    {"ReferenceError", ErrorTag::reference_error}, {"SyntaxError", ErrorTag::syntax_error},
    {"TypeError", ErrorTag::type_error},           {"URIError", ErrorTag::uri_error}};

std::size_t varint_size(std::uint64_t number) noexcept {
  return (static_cast<std::size_t>(std::bit_width(number | 1)) + 6) / 7;
}

}  // namespace

Writer::Writer(std::string& out) : out_(out), start_(out.size()) {
  put(Tag::version);
  varint(written_version);
}

void Writer::varint(std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out_ += static_cast<char>(number | 0x80);
  out_ += static_cast<char>(number);
}

void Writer::double_bytes(double number) {
  // V8 has one NaN.
  if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out_.append(bytes, sizeof bytes);
}

void Writer::integer(std::int32_t number) {
  put(Tag::int32);
  varint(static_cast<std::uint32_t>(number) << 1 ^ static_cast<std::uint32_t>(number >> 31));
}

void Writer::number(double number) {
  put(Tag::number);
  double_bytes(number);
}

void Writer::string(std::string_view text) {
  if (ascii_prefix(text) == text.size()) {
    // Short ones are the rule: one call for what stands before the text.
    if (text.size() < 0x80) {
      const char head[] = {static_cast<char>(Tag::one_byte_string), static_cast<char>(text.size())};
      out_.append(head, sizeof head);
    } else {
      out_.reserve(out_.size() + text.size() + 16);
      put(Tag::one_byte_string);
      varint(text.size());
    }
    out_.append(text);
  } else if (fits_latin1(text)) {
    put(Tag::one_byte_string);
    varint(utf16_length(text));
    append_latin1(out_, text);
  } else {
    const std::uint64_t size = 2 * std::uint64_t{utf16_length(text)};
    // V8 puts the units at even places of the message.
    if ((out_.size() - start_ + 1 + varint_size(size)) % 2 != 0) put(Tag::padding);
    put(Tag::two_byte_string);
    varint(size);
    append_utf16(out_, text);
  }
}

void Writer::key(std::string_view key) {
  const std::uint64_t index = array_index(key);
  if (index == no_index) {
    string(key);
  } else if (index <= static_cast<std::uint64_t>(highest_int32)) {
    integer(static_cast<std::int32_t>(index));
  } else {
    number(static_cast<double>(index));
  }
}

void Writer::begin_object() {
  ++objects_;
  put(Tag::object);
}

void Writer::end_object(std::uint32_t members) {
  put(Tag::end_object);
  varint(members);
}

Result<void> Writer::value(const Value& value, unsigned depth) {
  if (value.depth() > depth) {
    return failure(Errc::message_too_deep, "write a message",
                   "depth " + std::to_string(value.depth()) + ", limit " + std::to_string(depth));
  }
  first_object_ = objects_;
  any(value);
  if (dangling_) {
    return failure(Errc::bad_message, "write a message", "a reference to an object that has not come");
  }
  return {};
}

// Its recursion is bounded: the depth was looked at before.
void Writer::any(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return put(Tag::null);
    case Value::Kind::boolean:
      return put(value.as_boolean() ? Tag::true_value : Tag::false_value);
    case Value::Kind::integer: {
      const std::int64_t whole = value.as_integer();
      if (whole >= lowest_int32 && whole <= highest_int32) return integer(static_cast<std::int32_t>(whole));
      return number(static_cast<double>(whole));
    }
    case Value::Kind::number:
      return number(value.as_number());
    case Value::Kind::string:
      return string(*value.get_if_string());
    case Value::Kind::array:
      return array(value);
    case Value::Kind::object:
      begin_object();
      members(value);
      return end_object(static_cast<std::uint32_t>(value.size()));
    case Value::Kind::undefined:
    case Value::Kind::hole:
      return put(Tag::undefined);
    default:
      return rare(value);
  }
}

void Writer::rare(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::reference:
      return reference(*value.get_if_reference());
    case Value::Kind::bigint:
      put(Tag::bigint);
      return bigint_body(value);
    default:
      break;
  }
  ++objects_;
  switch (value.kind()) {
    case Value::Kind::date:
      put(Tag::date);
      return double_bytes(*value.get_if_date());
    case Value::Kind::regexp:
      return regexp(value);
    case Value::Kind::bytes:
      return bytes(value);
    case Value::Kind::set:
      return set(value);
    case Value::Kind::map:
      return map(value);
    case Value::Kind::error:
      return error(value);
    default:
      return boxed(value);
  }
}

void Writer::members(const Value& value) {
  for (const auto& [name, member] : value.members()) {
    key(name);
    any(member);
  }
}

void Writer::array(const Value& value) {
  ++objects_;
  bool holes = value.length() != value.size();
  for (const Value& element : value.elements()) holes |= element.is_hole();
  if (holes) return sparse_array(value);
  put(Tag::dense_array);
  varint(value.length());
  for (const Value& element : value.elements()) any(element);
  members(value);
  put(Tag::end_dense_array);
  varint(value.members().size());
  varint(value.length());
}

void Writer::sparse_array(const Value& value) {
  put(Tag::sparse_array);
  varint(value.length());
  std::size_t properties = value.members().size();
  std::int32_t index = 0;
  for (const Value& element : value.elements()) {
    if (!element.is_hole()) {
      integer(index);
      any(element);
      ++properties;
    }
    ++index;
  }
  members(value);
  put(Tag::end_sparse_array);
  varint(properties);
  varint(value.length());
}

void Writer::map(const Value& value) {
  put(Tag::map);
  for (const auto& [key, mapped] : value.entries()) {
    any(key);
    any(mapped);
  }
  put(Tag::end_map);
  varint(2 * value.size());
}

void Writer::set(const Value& value) {
  put(Tag::set);
  for (const Value& element : value.elements()) any(element);
  put(Tag::end_set);
  varint(value.size());
}

void Writer::bigint_body(const Value& value) {
  const std::string& magnitude = value.bigint_magnitude();
  const std::size_t size = (magnitude.size() + 7) / 8 * 8;  // whole words, as V8 has them
  varint(std::uint64_t{size} << 1 | (value.bigint_negative() ? 1U : 0U));
  out_.append(magnitude).append(size - magnitude.size(), '\0');
}

void Writer::bytes(const Value& value) {
  const std::string& data = *value.get_if_bytes();
  switch (value.view()) {
    case Value::View::array_buffer:
      put(Tag::array_buffer);
      varint(data.size());
      break;
    case Value::View::resizable_array_buffer:
      put(Tag::resizable_array_buffer);
      varint(data.size());
      varint(value.most_bytes());
      break;
    default:
      put(Tag::host_object);
      varint(host_view);
      varint(static_cast<std::uint64_t>(value.view()));
      varint(data.size());
  }
  out_.append(data);
}

void Writer::regexp(const Value& value) {
  put(Tag::regexp);
  string(value.regexp_source());
  varint(regexp_bits(value.regexp_flags()).value_or(0));
}

void Writer::error(const Value& value) {
  put(Tag::error);
  const std::string* name = value["name"].get_if_string();
  for (const auto& [known, tag] : error_names) {
    if (name != nullptr && *name == known) out_ += static_cast<char>(tag);
  }
  // Node 22 and newer refuse a stack after the cause.
  if (const std::string* message = value["message"].get_if_string()) {
    out_ += static_cast<char>(ErrorTag::message);
    string(*message);
  }
  if (const std::string* stack = value["stack"].get_if_string()) {
    out_ += static_cast<char>(ErrorTag::stack);
    string(*stack);
  }
  if (const Value* cause = value.find("cause")) {
    out_ += static_cast<char>(ErrorTag::cause);
    any(*cause);
  }
  out_ += static_cast<char>(ErrorTag::end);
}

void Writer::boxed(const Value& value) {
  const Value& inside = value.unboxed();
  switch (inside.kind()) {
    case Value::Kind::boolean:
      return put(inside.as_boolean() ? Tag::true_object : Tag::false_object);
    case Value::Kind::bigint:
      put(Tag::bigint_object);
      return bigint_body(inside);
    case Value::Kind::string:
      put(Tag::string_object);
      return string(*inside.get_if_string());
    default:
      put(Tag::number_object);
      return double_bytes(inside.as_number());
  }
}

void Writer::reference(std::uint32_t number) {
  if (number >= objects_ - first_object_) dangling_ = true;
  put(Tag::reference);
  varint(std::uint64_t{first_object_} + number);
}

}  // namespace baton::wire::v8

namespace baton::wire {

Result<void> write_advanced(const Value& value, std::string& out, AdvancedLimits limits) {
  const std::size_t start = out.size();
  auto written = v8::Writer(out).value(value, limits.depth());
  if (!written) out.resize(start);
  return written;
}

}  // namespace baton::wire
