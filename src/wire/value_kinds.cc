#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "baton/wire/value.h"
#include "wire/bigint.h"
#include "wire/regexp_flags.h"
#include "wire/value_beside.h"

// The kinds of value that JSON lacks: how they are made and what they are made of.
namespace baton {
namespace {

constexpr double latest_date = 8.64e15;  // ECMAScript's TimeClip

constexpr std::array<std::string_view, 18> kind_names{
    "undefined", "null",   "boolean", "integer", "number", "hole",  "reference", "date",  "string",
    "bigint",    "regexp", "bytes",   "array",   "set",    "boxed", "object",    "error", "map"};
static_assert(kind_names.size() == static_cast<std::size_t>(Value::Kind::map) + 1);

class ViewFacts {
 public:
  constexpr ViewFacts(std::string_view name, std::size_t size) : name_(name), size_(size) {}
  [[nodiscard]] constexpr std::string_view name() const { return name_; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }

 private:
  std::string_view name_;
  std::size_t size_;
};

constexpr std::array<ViewFacts, 16> views{
    ViewFacts{"Int8Array", 1}, {"Uint8Array", 1},   {"Uint8ClampedArray", 1},
    {"Int16Array", 2},         {"Uint16Array", 2},  {"Int32Array", 4},
    {"Uint32Array", 4},        {"Float32Array", 4}, {"Float64Array", 8},
    {"DataView", 1},           {"Buffer", 1},       {"BigInt64Array", 8},
    {"BigUint64Array", 8},     {"Float16Array", 2}, {"ArrayBuffer", 1},
    {"ArrayBuffer", 1}};
static_assert(views.size() == static_cast<std::size_t>(Value::View::resizable_array_buffer) + 1);

const ViewFacts& facts_of(Value::View view) noexcept { return views[static_cast<std::size_t>(view)]; }

}  // namespace

std::string_view name_of(Value::Kind kind) noexcept { return kind_names[static_cast<std::size_t>(kind)]; }
std::string_view name_of(Value::View view) noexcept { return facts_of(view).name(); }
std::size_t element_size(Value::View view) noexcept { return facts_of(view).size(); }

Value Value::of_text(Kind kind, std::string text, unsigned detail, std::uint32_t extra) noexcept {
  Value value(std::move(text));
  value.kind_ = kind;
  value.detail_ = static_cast<std::uint8_t>(detail);
  value.extra_ = extra;
  return value;
}

Value Value::reference(std::uint32_t number) noexcept {
  Value value(Kind::reference);
  value.integer_ = number;
  return value;
}

Value Value::date(double milliseconds) noexcept {
  Value value(Kind::date);
  const bool valid = std::fabs(milliseconds) <= latest_date;
  // No negative zero, and one NaN.
  value.number_ = valid ? std::trunc(milliseconds) + 0.0 : std::numeric_limits<double>::quiet_NaN();
  return value;
}

Value Value::bigint(std::int64_t number) {
  auto left = static_cast<std::uint64_t>(number);
  if (number < 0) left = 0 - left;
  std::string magnitude;
  for (; left != 0; left >>= 8) magnitude += static_cast<char>(left & 0xff);
  return bigint(number < 0, std::move(magnitude));
}

Value Value::bigint(std::string_view text) {
  auto number = wire::read_bigint(text);
  if (!number) throw std::invalid_argument("Value: no BigInt: " + std::string(text.substr(0, 40)));
  return bigint(number->negative(), std::move(*number).take_magnitude());
}

Value Value::bigint(bool negative, std::string magnitude) {
  magnitude.resize(magnitude.find_last_not_of('\0') + 1);
  const bool zero = magnitude.empty();
  return of_text(Kind::bigint, std::move(magnitude), negative && !zero ? 1 : 0, 0);
}

Value Value::regexp(std::string source, std::string_view flags) {
  const auto bits = wire::regexp_bits(flags);
  if (!bits) throw std::invalid_argument("Value: flags of a RegExp: " + std::string(flags));
  return of_text(Kind::regexp, std::move(source), 0, *bits);
}

Value Value::bytes(std::string data, View view) {
  if (data.size() % element_size(view) != 0) {
    throw std::invalid_argument("Value: " + std::to_string(data.size()) + " bytes are no " +
                                std::string(name_of(view)));
  }
  const auto most = view == View::resizable_array_buffer ? static_cast<std::uint32_t>(data.size()) : 0;
  return of_text(Kind::bytes, std::move(data), static_cast<unsigned>(view), most);
}

Value Value::resizable_bytes(std::string data, std::uint32_t most) {
  if (data.size() > most) throw std::invalid_argument("Value: an ArrayBuffer longer than it may become");
  return of_text(Kind::bytes, std::move(data), static_cast<unsigned>(View::resizable_array_buffer), most);
}

Value Value::set_of(std::vector<Value> elements) { return of_list(Kind::set, std::move(elements)); }

Value Value::map_of(std::vector<Entry> entries) {
  Value result;
  ::new (&result.entries_) std::vector<Entry>(std::move(entries));
  result.kind_ = Kind::map;
  result.depth_ = 1;
  for (const auto& [key, value] : result.entries_) {
    result.contain(key);
    result.contain(value);
  }
  return result;
}

Value Value::error(std::string message, std::string name) {
  std::vector<Member> members;
  members.emplace_back("name", std::move(name));
  members.emplace_back("message", std::move(message));
  return error_of(std::move(members));
}

Value Value::error_of(std::vector<Member> members) {
  std::vector<Member> ordered;
  ordered.emplace_back("name", "Error");
  for (const std::string_view key : {"name", "message", "stack", "cause"}) {
    const auto member = std::ranges::find(members, key, &Member::first);
    if (member == members.end()) continue;
    if (!fits_error(key, member->second)) throw std::invalid_argument("Value: Error: " + std::string(key));
    if (key == "name") ordered.clear();
    ordered.push_back(std::move(*member));
    members.erase(member);
  }
  if (!members.empty()) throw std::invalid_argument("Value: Error: " + members.front().first);
  return of_members(Kind::error, std::move(ordered));
}

bool Value::fits_error(std::string_view key, const Value& value) noexcept {
  if (key == "cause") return true;
  return (key == "name" || key == "message" || key == "stack") && value.is_string();
}

Value Value::boxed(Value primitive) {
  const bool fits = primitive.kind_ == Kind::boolean || primitive.is_number() || primitive.is_string() ||
                    primitive.kind_ == Kind::bigint;
  if (!fits) throw std::invalid_argument("Value: no box for " + std::string(name_of(primitive.kind_)));
  std::vector<Value> inside;
  inside.push_back(std::move(primitive));
  return of_list(Kind::boxed, std::move(inside));
}

std::optional<double> Value::get_if_date() const noexcept {
  return kind_ == Kind::date ? std::optional(number_) : std::nullopt;
}

std::optional<std::int64_t> Value::get_if_bigint() const noexcept {
  if (kind_ != Kind::bigint || text_.size() > 8) return std::nullopt;
  std::uint64_t magnitude = 0;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    magnitude |= std::uint64_t{static_cast<unsigned char>(text_[i])} << (8 * i);
  }
  constexpr std::uint64_t lowest = std::uint64_t{1} << 63;
  if (magnitude > lowest || (magnitude == lowest && detail_ == 0)) return std::nullopt;
  return static_cast<std::int64_t>(detail_ != 0 ? 0 - magnitude : magnitude);
}

std::optional<std::uint32_t> Value::get_if_reference() const noexcept {
  if (kind_ != Kind::reference) return std::nullopt;
  return static_cast<std::uint32_t>(integer_);
}

std::string Value::bigint_text() const {
  require(Kind::bigint);
  return wire::write_bigint(detail_ != 0, text_);
}
bool Value::bigint_negative() const {
  require(Kind::bigint);
  return detail_ != 0;
}
const std::string& Value::bigint_magnitude() const {
  require(Kind::bigint);
  return text_;
}
const std::string& Value::regexp_source() const {
  require(Kind::regexp);
  return text_;
}
std::string Value::regexp_flags() const {
  require(Kind::regexp);
  return wire::regexp_letters(extra_);
}
Value::View Value::view() const {
  require(Kind::bytes);
  return static_cast<View>(detail_);
}
std::size_t Value::most_bytes() const {
  require(Kind::bytes);
  return std::max<std::size_t>(text_.size(), extra_);
}
const Value& Value::unboxed() const {
  require(Kind::boxed);
  return list_.elements.front();
}

bool Value::refers() const noexcept {
  return kind_ == Kind::reference || (kind_ >= Kind::array && extra_ != 0);
}

// Its recursion is bounded, as values nest no deeper than `max_depth`.
void Value::move_references(std::int32_t by) noexcept {
  if (!refers()) return;
  switch (kind_) {
    case Kind::reference:
      integer_ = static_cast<std::uint32_t>(integer_ + by);
      break;
    case Kind::array:
    case Kind::set:
      for (Value& element : list_.elements) element.move_references(by);
      if (list_.beside == nullptr) break;
      for (Member& member : list_.beside->members) member.second.move_references(by);
      break;
    case Kind::object:
    case Kind::error:
      for (Member& member : members_) member.second.move_references(by);
      break;
    case Kind::map:
      for (auto& [key, value] : entries_) {
        key.move_references(by);
        value.move_references(by);
      }
      break;
    default:
      break;
  }
}

}  // namespace baton
