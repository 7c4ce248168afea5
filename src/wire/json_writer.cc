#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "baton/wire/json.h"
#include "wire/utf8.h"

namespace baton::wire {
namespace {

constexpr bool is_plain(unsigned char c) noexcept { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

// How many bytes from the beginning stand for themselves. Eight at once: the arithmetic may find a byte too
// early (a borrow from a lower one that is no plain one either), never too late, and the loop behind settles
// it.
std::size_t plain_prefix(std::string_view text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t tops = ones << 7;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    std::uint64_t quote = word ^ (ones * '"');
    std::uint64_t backslash = word ^ (ones * '\\');
    if ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) break;
  }
  while (i < text.size() && is_plain(static_cast<unsigned char>(text[i]))) ++i;
  return i;
}

void write_unit(std::string& out, unsigned unit) {
  constexpr char digits[] = "0123456789abcdef";
  out += {'\\', 'u', digits[unit >> 12], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};
}

void write_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      write_unit(out, static_cast<unsigned char>(c));
  }
}

// Writes what begins with a byte of 0x80 or more; returns how many bytes that was.
std::size_t write_beyond_ascii(std::string& out, std::string_view text) {
  if (unsigned first = surrogate_at(text)) {
    unsigned second = first < 0xdc00 ? surrogate_at(text.substr(3)) : 0;
    if (second < 0xdc00) {
      write_unit(out, first);
      return 3;
    }
    // Two halves that met, say by joining strings: in JavaScript they are one character.
    append_utf8(out, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
    return 6;
  }
  Utf8Unit unit(text);
  out += unit.valid() ? text.substr(0, unit.size()) : replacement;
  return unit.size();
}

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (;;) {
    std::size_t plain = plain_prefix(text);
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      write_escape(out, text[0]);
      text.remove_prefix(1);
    } else {
      text.remove_prefix(write_beyond_ascii(out, text));
    }
  }
  out += '"';
}

void write_integer(std::string& out, std::int64_t number) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

// Number::toString of ECMAScript: the shortest digits that read back the same, `point` places before the
// point.
void write_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  if (number == 0) {
    out += '0';
    return;
  }
  char text[40];
  char* end = std::to_chars(text, text + sizeof text, std::fabs(number), std::chars_format::scientific).ptr;
  std::string_view scientific(text, static_cast<std::size_t>(end - text));
  std::size_t e = scientific.find('e');
  int exponent = 0;
  std::from_chars(text + e + (text[e + 1] == '+' ? 2 : 1), end, exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += scientific.substr(2, e - 2);
  int count = static_cast<int>(digits.size());
  int point = exponent + 1;

  if (number < 0) out += '-';
  if (point >= count && point <= 21) {
    out.append(digits).append(static_cast<std::size_t>(point - count), '0');
  } else if (point > 0 && point <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(point)).append(1, '.');
    out.append(digits, static_cast<std::size_t>(point));
  } else if (point > -6 && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  } else {
    out += digits[0];
    if (count > 1) out.append(1, '.').append(digits, 1);
    out += exponent < 0 ? "e-" : "e+";
    write_integer(out, std::abs(exponent));
  }
}

void write_value(std::string& out, const Value& value);

void write_array(std::string& out, const Value& value) {
  char before = '[';
  for (const Value& element : value.elements()) {
    out += before;
    before = ',';
    write_value(out, element);
  }
  out += before == '[' ? "[]" : "]";
}

void write_object(std::string& out, const Value& value) {
  char before = '{';
  for (const auto& [key, member] : value.members()) {
    if (member.is_undefined()) continue;
    out += before;
    before = ',';
    write_string(out, key);
    out += ':';
    write_value(out, member);
  }
  out += before == '{' ? "{}" : "}";
}

// Its recursion is bounded: the depth was looked at before.
void write_value(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::undefined:
    case Value::Kind::null:
      out += "null";
      break;
    case Value::Kind::boolean:
      out += value.as_boolean() ? "true" : "false";
      break;
    case Value::Kind::integer:
      write_integer(out, value.as_integer());
      break;
    case Value::Kind::number:
      write_number(out, value.as_number());
      break;
    case Value::Kind::string:
      write_string(out, *value.get_if_string());
      break;
    case Value::Kind::array:
      write_array(out, value);
      break;
    case Value::Kind::object:
      write_object(out, value);
      break;
  }
}

}  // namespace

Result<void> write_json(const Value& value, std::string& out, JsonLimits limits) {
  if (value.is_undefined()) return failure(Errc::bad_message, "write JSON", "undefined has no JSON");
  if (value.depth() > limits.depth()) {
    return failure(Errc::message_too_deep, "write JSON",
                   "depth " + std::to_string(value.depth()) + ", limit " + std::to_string(limits.depth()));
  }
  write_value(out, value);
  return {};
}

}  // namespace baton::wire

std::string baton::to_json(const Value& value) {
  std::string out;
  if (auto written = wire::write_json(value, out, wire::JsonLimits().depth(Value::max_depth)); !written) {
    throw Error(written.error());
  }
  return out;
}
