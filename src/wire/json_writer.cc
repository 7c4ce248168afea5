#include <cstdint>
#include <cstring>

#include "base/utf8.h"
#include "baton/wire/json.h"
#include "wire/array_index.h"
#include "wire/json_kinds.h"
#include "wire/json_number.h"

namespace baton::wire {
namespace {

// What has more holes than this would be a text of over 64 MiB.
constexpr std::uint32_t longest_sparse = std::uint32_t{12} << 20;

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

// Its recursion is bounded: the depth was looked at before.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void write(const Value& value);
  /// Why there is no JSON for the value; null if there is.
  [[nodiscard]] const char* problem() const noexcept { return problem_; }

 private:
  void write_array(const Value& value);
  void write_object(const Value& value);
  void write_rare(const Value& value);

  std::string& out_;
  std::uint64_t holes_left_ =
      longest_sparse;  // of the whole text: each is a few bytes on the wire, five here
  const char* problem_ = nullptr;
};

void Writer::write_array(const Value& value) {
  char before = '[';
  for (const Value& element : value.elements()) {
    out_ += before;
    before = ',';
    write(element);
  }
  std::size_t index = value.elements().size();
  if (value.length() - index > holes_left_) {
    problem_ = "arrays with a length of millions, nearly all of them holes";
    return;
  }
  holes_left_ -= value.length() - index;
  auto next = value.members().begin();  // in the order of their indices
  for (; index < value.length(); ++index) {
    out_ += before;
    before = ',';
    const bool there = next != value.members().end() && array_index(next->first) == index;
    if (there) {
      write((next++)->second);
    } else {
      out_ += "null";
    }
  }
  out_ += before == '[' ? "[]" : "]";
}

void Writer::write_object(const Value& value) {
  char before = '{';
  for (const auto& [key, member] : value.members()) {
    if (member.is_undefined() || member.is_hole()) continue;
    out_ += before;
    before = ',';
    write_string(out_, key);
    out_ += ':';
    write(member);
  }
  out_ += before == '{' ? "{}" : "}";
}

void Writer::write(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::undefined:
    case Value::Kind::null:
      out_ += "null";
      break;
    case Value::Kind::boolean:
      out_ += value.as_boolean() ? "true" : "false";
      break;
    case Value::Kind::integer:
      append_integer(out_, value.as_integer());
      break;
    case Value::Kind::number:
      append_json_number(out_, value.as_number());
      break;
    case Value::Kind::string:
      write_string(out_, *value.get_if_string());
      break;
    case Value::Kind::array:
      write_array(value);
      break;
    case Value::Kind::object:
      write_object(value);
      break;
    default:
      write_rare(value);
  }
}

void Writer::write_rare(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::date:
      append_json_date(out_, *value.get_if_date());
      break;
    case Value::Kind::bytes:
      if (!append_json_bytes(out_, value)) problem_ = "a BigInt has no JSON";
      break;
    case Value::Kind::boxed:
      write(value.unboxed());
      break;
    case Value::Kind::bigint:
      problem_ = "a BigInt has no JSON";
      break;
    case Value::Kind::reference:
      problem_ = "a reference has no JSON";
      break;
    case Value::Kind::hole:
      out_ += "null";
      break;
    default:
      out_ += "{}";  // what they are made of is no member of theirs in JavaScript
  }
}

}  // namespace

Result<void> write_json(const Value& value, std::string& out, JsonLimits limits) {
  if (value.is_undefined() || value.is_hole()) {
    return failure(Errc::bad_message, "write JSON", "undefined has no JSON");
  }
  if (value.depth() > limits.depth()) {
    return failure(Errc::message_too_deep, "write JSON",
                   "depth " + std::to_string(value.depth()) + ", limit " + std::to_string(limits.depth()));
  }
  const std::size_t start = out.size();
  Writer writer(out);
  writer.write(value);
  if (writer.problem() == nullptr) return {};
  out.resize(start);
  return failure(Errc::bad_message, "write JSON", writer.problem());
}

}  // namespace baton::wire

std::string baton::to_json(const Value& value) {
  std::string out;
  if (auto written = wire::write_json(value, out, wire::JsonLimits().depth(Value::max_depth)); !written) {
    throw Error(written.error());
  }
  return out;
}
