#pragma once

// JSON for values that JSON lacks, as echo_primary takes and prints them with advanced serialization: each is
// an object of one member, whose name begins with $, or of that and the others that are shown here.
//
//   {"$undefined":true} {"$hole":true} {"$bigint":"5"} {"$number":"NaN"|"Infinity"|"-Infinity"|"-0"}
//   {"$date":MILLISECONDS or null} {"$map":[[KEY,VALUE],...]} {"$set":[...]}
//   {"$boxed":5|true|"s"|{"$bigint":"5"}}
//   {"$bytes":"BASE64","kind":"Buffer"|"Uint8Array"|"ArrayBuffer"|...[,"most":BYTES]}
//   {"$regexp":"SOURCE","flags":"gi"} {"$error":{"name":...,"message":...,"stack":...,"cause":...}}
//   {"$ref":N}           the object that was met before as number N, counted from 0 in the order met
//   {"$array":[...],"length":N,"others":{...}}   an array with a length beyond its elements, or other
//   properties
//   {"$object":{...}}    an object of the program's own that would be taken for one of these

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/baton.h"

namespace typed_json {

using baton::Value;

/// An array is printed with its holes up to this length.
inline constexpr std::uint32_t longest_list = std::uint32_t{1} << 20;
inline constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline std::string to_base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= group.size() ? base64_digits[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

inline std::string from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = base64_digits.find(c);
    if (digit == std::string_view::npos) throw std::invalid_argument("no base64");
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

/// The member that says that an object stands for something else; null if none does.
inline const Value::Member* type_of(const Value& object) {
  const auto members = object.members();
  if (members.size() == 1) return members.front().first.starts_with('$') ? &members.front() : nullptr;
  static constexpr std::string_view shapes[][3] = {
      {"$bytes", "kind", "most"}, {"$regexp", "flags", "flags"}, {"$array", "length", "others"}};
  for (const auto& shape : shapes) {
    const Value::Member* type = nullptr;
    bool fits = true;
    for (const Value::Member& member : members) {
      if (member.first == shape[0]) type = &member;
      fits = fits && (member.first == shape[0] || member.first == shape[1] || member.first == shape[2]);
    }
    if (fits && type != nullptr) return type;
  }
  return nullptr;
}

/// Appends a value in this notation.
class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  Printer& print(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::undefined:
        return add(R"({"$undefined":true})");
      case Value::Kind::hole:
        return add(R"({"$hole":true})");
      case Value::Kind::number:
        return number(value.as_number());
      case Value::Kind::reference:
        return add("{\"$ref\":").plain(*value.get_if_reference()).add("}");
      case Value::Kind::bigint:
        return add("{\"$bigint\":").plain(value.bigint_text()).add("}");
      case Value::Kind::date: {
        const double time = *value.get_if_date();
        return add("{\"$date\":").plain(std::isnan(time) ? Value(nullptr) : Value(time)).add("}");
      }
      case Value::Kind::regexp:
        add("{\"$regexp\":").plain(value.regexp_source());
        return add(",\"flags\":").plain(value.regexp_flags()).add("}");
      case Value::Kind::bytes:
        return bytes(value);
      case Value::Kind::array:
        return array(value);
      case Value::Kind::set:
        return add("{\"$set\":[").list(value.elements()).add("]}");
      case Value::Kind::map:
        return map(value);
      case Value::Kind::boxed:
        return add("{\"$boxed\":").print(value.unboxed()).add("}");
      case Value::Kind::error:
        return add("{\"$error\":").members(value.members()).add("}");
      case Value::Kind::object:
        if (type_of(value) != nullptr) {
          return add("{\"$object\":").members(value.members()).add("}");
        }
        return members(value.members());
      default:
        return plain(value);
    }
  }

 private:
  Printer& add(std::string_view text) {
    out_ += text;
    return *this;
  }
  Printer& plain(const Value& value) { return add(baton::to_json(value)); }

  Printer& number(double number) {
    if (std::isnan(number)) return add(R"({"$number":"NaN"})");
    if (std::isinf(number))
      return add(number < 0 ? R"({"$number":"-Infinity"})" : R"({"$number":"Infinity"})");
    if (number == 0) return add(R"({"$number":"-0"})");
    return plain(number);
  }

  Printer& list(std::span<const Value> values) {
    bool first = true;
    for (const Value& value : values) {
      if (!std::exchange(first, false)) add(",");
      print(value);
    }
    return *this;
  }

  Printer& members(std::span<const Value::Member> members) {
    add("{");
    bool first = true;
    for (const auto& [key, value] : members) {
      if (!std::exchange(first, false)) add(",");
      plain(key).add(":").print(value);
    }
    return add("}");
  }

  Printer& map(const Value& value) {
    add("{\"$map\":[");
    bool first = true;
    for (const auto& [key, mapped] : value.entries()) {
      add(std::exchange(first, false) ? "[" : ",[").print(key).add(",").print(mapped).add("]");
    }
    return add("]}");
  }

  Printer& bytes(const Value& value) {
    const std::string& data = *value.get_if_bytes();
    add("{\"$bytes\":").plain(to_base64(data)).add(",\"kind\":").plain(name_of(value.view()));
    if (value.view() == Value::View::resizable_array_buffer) add(",\"most\":").plain(value.most_bytes());
    return add("}");
  }

  Printer& array(const Value& value) {
    if (value.members().empty() && value.length() == value.size()) {
      return add("[").list(value.elements()).add("]");
    }
    const auto& others = value.members();
    const bool named = !others.empty() && !is_index(others.back().first);
    if (named || value.length() > longest_list) {
      add("{\"$array\":[").list(value.elements()).add("],\"length\":").plain(value.length());
      return add(",\"others\":").members(others).add("}");
    }
    add("[").list(value.elements());
    auto next = others.begin();  // in the order of their indices
    for (std::size_t i = value.size(); i < value.length(); ++i) {
      if (i > 0) add(",");
      const bool there = next != others.end() && next->first == std::to_string(i);
      print(there ? (next++)->second : Value::hole());
    }
    return add("]");
  }

  // The others of an array begin with its indices.
  static bool is_index(std::string_view key) {
    return !key.empty() && key.find_first_not_of("0123456789") == std::string_view::npos &&
           (key == "0" || key[0] != '0') && key.size() <= 10;
  }

  std::string& out_;
};

/// A value in this notation.
inline std::string print(const Value& value) {
  std::string text;
  Printer(text).print(value);
  return text;
}

inline Value parse(const Value& notation);

inline std::vector<Value> parse_list(const Value& list) {
  if (!list.is_array()) throw std::invalid_argument("no list");
  std::vector<Value> values;
  for (const Value& element : list.elements()) values.push_back(parse(element));
  return values;
}

inline std::vector<Value::Member> parse_members(const Value& object) {
  if (!object.is_object()) throw std::invalid_argument("no object");
  std::vector<Value::Member> members;
  for (const auto& [key, value] : object.members()) members.emplace_back(key, parse(value));
  return members;
}

inline Value parse_map(const Value& list) {
  std::vector<Value::Entry> entries;
  for (const Value& pair : list.elements()) {
    if (pair.size() != 2 || !pair.is_array()) throw std::invalid_argument("no pair");
    entries.emplace_back(parse(pair[std::size_t{0}]), parse(pair[std::size_t{1}]));
  }
  return Value::map_of(std::move(entries));
}

inline Value parse_number(const std::string& name) {
  if (name == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (name == "Infinity") return std::numeric_limits<double>::infinity();
  if (name == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (name == "-0") return -0.0;
  throw std::invalid_argument(name + " is an ordinary number, or none");
}

inline std::uint32_t parse_count(const Value& number) {
  const std::int64_t count = number.as_integer();
  if (count < 0 || count > std::numeric_limits<std::uint32_t>::max()) throw std::invalid_argument("no count");
  return static_cast<std::uint32_t>(count);
}

inline Value parse_bytes(const Value& notation) {
  std::string data = from_base64(notation["$bytes"].as_string());
  if (notation.find("most") != nullptr)
    return Value::resizable_bytes(std::move(data), parse_count(notation["most"]));
  const std::string kind = notation.find("kind") == nullptr ? "Buffer" : notation["kind"].as_string();
  for (unsigned view = 0; view <= static_cast<unsigned>(Value::View::array_buffer); ++view) {
    if (name_of(static_cast<Value::View>(view)) == kind) {
      return Value::bytes(std::move(data), static_cast<Value::View>(view));
    }
  }
  throw std::invalid_argument("no kind of bytes: " + kind);
}

inline Value parse_typed(const std::string& type, const Value& inside, const Value& notation) {
  if (type == "$undefined") return {};
  if (type == "$hole") return Value::hole();
  if (type == "$bigint") return Value::bigint(inside.as_string());
  if (type == "$number") return parse_number(inside.as_string());
  if (type == "$date") {
    return Value::date(inside.is_null() ? std::numeric_limits<double>::quiet_NaN() : inside.as_number());
  }
  if (type == "$map") return parse_map(inside);
  if (type == "$set") return Value::set_of(parse_list(inside));
  if (type == "$boxed") return Value::boxed(parse(inside));
  if (type == "$bytes") return parse_bytes(notation);
  if (type == "$regexp") {
    return Value::regexp(inside.as_string(),
                         notation["flags"].get_if_string() ? notation["flags"].as_string() : "");
  }
  if (type == "$error") return Value::error_of(parse_members(inside));
  if (type == "$ref") return Value::reference(parse_count(inside));
  if (type == "$object") return Value::object(parse_members(inside));
  if (type == "$array") {
    const std::uint32_t length = notation.find("length") == nullptr ? 0 : parse_count(notation["length"]);
    auto others =
        notation.find("others") == nullptr ? std::vector<Value::Member>() : parse_members(notation["others"]);
    return Value::array(parse_list(inside), std::move(others), length);
  }
  throw std::invalid_argument("no such type");
}

/// The value that JSON in this notation stands for. Throws, mostly std::invalid_argument, if it is none.
inline Value parse(const Value& notation) {
  if (notation.is_array()) return Value::array(parse_list(notation));
  if (!notation.is_object()) return notation;
  if (const Value::Member* type = type_of(notation)) {
    try {
      return parse_typed(type->first, type->second, notation);
    } catch (const std::exception& error) {
      throw std::invalid_argument(type->first + ": " + error.what());
    }
  }
  return Value::object(parse_members(notation));
}

}  // namespace typed_json
