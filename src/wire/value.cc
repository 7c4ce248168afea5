#include "baton/wire/value.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <ostream>
#include <stdexcept>

#include "baton/wire/json.h"

namespace baton {
namespace {

using Member = Value::Member;

constexpr std::uint64_t no_index = std::numeric_limits<std::uint64_t>::max();

// The number that a key is as an index of an array (0 to 2^32 - 2, in its only spelling), which decides its
// place.
std::uint64_t array_index(std::string_view key) noexcept {
  if (key.empty() || key.size() > 10 || (key[0] == '0' && key.size() > 1)) return no_index;
  std::uint64_t index = 0;
  for (char c : key) {
    if (c < '0' || c > '9') return no_index;
    index = index * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return index <= 4294967294U ? index : no_index;
}

// A text from a peer may bring a million members, so many are sorted instead of each compared with each.
// `visit(a, b)` gets the places of neighbours with the same key, a < b.
template <class Visit>
void for_each_duplicate(const std::vector<Member>& members, Visit visit) {
  constexpr std::size_t few = 16;
  if (members.size() <= few) {
    for (std::size_t b = 1; b < members.size(); ++b) {
      for (std::size_t a = b; a-- > 0;) {
        if (members[a].first == members[b].first) {
          visit(a, b);
          break;
        }
      }
    }
    return;
  }
  std::vector<std::size_t> places(members.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::ranges::sort(places, [&](std::size_t a, std::size_t b) {
    int order = members[a].first.compare(members[b].first);
    return order != 0 ? order < 0 : a < b;
  });
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (members[places[i - 1]].first == members[places[i]].first) visit(places[i - 1], places[i]);
  }
}

void merge_duplicates(std::vector<Member>& members) {
  std::vector<std::pair<std::size_t, std::size_t>>
      again;  // a later place and the one before it of the same key
  for_each_duplicate(members,
                     [&](std::size_t first, std::size_t second) { again.emplace_back(second, first); });
  if (again.empty()) return;
  // From the back, so that the last value travels over all its predecessors to the first place.
  std::ranges::sort(again, std::greater<>());
  for (auto [second, first] : again) members[first].second = std::move(members[second].second);
  std::size_t kept = again.back().first;
  for (std::size_t i = kept; i < members.size(); ++i) {
    if (!again.empty() && again.back().first == i) {
      again.pop_back();
    } else {
      members[kept++] = std::move(members[i]);
    }
  }
  members.erase(members.begin() + static_cast<std::ptrdiff_t>(kept), members.end());
}

// Brings keys that are array indices to the front, ascending.
void put_indices_first(std::vector<Member>& members) {
  std::vector<std::pair<std::uint64_t, std::size_t>> indices;  // with their places
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::uint64_t index = array_index(members[i].first);
    if (index != no_index) indices.emplace_back(index, i);
  }
  if (indices.empty()) return;
  std::vector<bool> moved(members.size());
  std::vector<Member> arranged;
  arranged.reserve(members.size());
  std::ranges::sort(indices);
  for (auto [index, place] : indices) {
    arranged.push_back(std::move(members[place]));
    moved[place] = true;
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!moved[i]) arranged.push_back(std::move(members[i]));
  }
  members = std::move(arranged);
}

const Value& undefined() noexcept {
  static const Value value;
  return value;
}

[[noreturn]] void refuse_kind(Value::Kind wanted, Value::Kind found) {
  throw std::logic_error("Value: " + std::string(name_of(wanted)) + " expected, found " +
                         std::string(name_of(found)));
}

bool same_members(std::span<const Member> left, std::span<const Member> right) {
  if (left.size() != right.size()) return false;
  auto same_key = [](const Member& a, const Member& b) { return a.first == b.first; };
  if (std::ranges::equal(left, right, same_key)) return std::ranges::equal(left, right);
  auto sorted = [](std::span<const Member> members) {
    std::vector<const Member*> result;
    result.reserve(members.size());
    for (const Member& member : members) result.push_back(&member);
    std::ranges::sort(result, {}, [](const Member* member) -> const std::string& { return member->first; });
    return result;
  };
  return std::ranges::equal(sorted(left), sorted(right),
                            [](const Member* a, const Member* b) { return *a == *b; });
}

}  // namespace

Value Value::array() { return array(std::vector<Value>()); }

Value Value::array(std::initializer_list<Value> elements) { return array(std::vector<Value>(elements)); }

Value Value::array(std::vector<Value> elements) {
  Value result;
  ::new (&result.elements_) std::vector<Value>(std::move(elements));
  result.kind_ = Kind::array;
  result.depth_ = 1;
  for (const Value& element : result.elements_) result.contain(element);
  return result;
}

Value Value::object() { return object(std::vector<Member>()); }

Value Value::object(std::initializer_list<Member> members) { return object(std::vector<Member>(members)); }

Value Value::object(std::vector<Member> members) {
  merge_duplicates(members);
  put_indices_first(members);
  Value result;
  ::new (&result.members_) std::vector<Member>(std::move(members));
  result.kind_ = Kind::object;
  result.depth_ = 1;
  for (const Member& member : result.members_) result.contain(member.second);
  return result;
}

Value::Value(const Value& other) : number_(0) {
  switch (other.kind_) {
    case Kind::undefined:
    case Kind::null:
      break;
    case Kind::boolean:
      boolean_ = other.boolean_;
      break;
    case Kind::integer:
      integer_ = other.integer_;
      break;
    case Kind::number:
      number_ = other.number_;
      break;
    case Kind::string:
      ::new (&text_) std::string(other.text_);
      break;
    case Kind::array:
      ::new (&elements_) std::vector<Value>(other.elements_);
      break;
    case Kind::object:
      ::new (&members_) std::vector<Member>(other.members_);
      break;
  }
  kind_ = other.kind_;
  depth_ = other.depth_;
}

void Value::destroy() noexcept {
  switch (kind_) {
    case Kind::string:
      text_.~basic_string();
      break;
    case Kind::array:
      elements_.~vector();
      break;
    case Kind::object:
      members_.~vector();
      break;
    default:
      break;
  }
}

void Value::refuse_integer() {
  throw std::out_of_range("Value: an integer beyond 2^53, which a JavaScript number cannot hold");
}

// A whole number is an integer however it was made, so that equal values have one form.
void Value::settle() noexcept {
  constexpr auto limit = static_cast<double>(max_integer);
  double number = number_;
  if (!(number >= -limit && number <= limit)) return;
  auto whole = static_cast<std::int64_t>(number);
  if (static_cast<double>(whole) != number || (whole == 0 && std::signbit(number))) return;
  integer_ = whole;
  kind_ = Kind::integer;
}

void Value::require(Kind kind) const {
  if (kind_ != kind) refuse_kind(kind, kind_);
}

// What nests is bounded here, so that nothing which walks over a value (its destructor too) can exhaust the
// stack.
void Value::contain(const Value& child) {
  if (child.depth_ < depth_) return;
  if (child.depth_ >= max_depth) {
    throw std::length_error("Value: nested deeper than " + std::to_string(max_depth));
  }
  depth_ = static_cast<std::uint16_t>(child.depth_ + 1);
}

void Value::measure() noexcept {
  unsigned below = 0;
  for (const Value& element : elements()) below = std::max(below, element.depth());
  for (const Member& member : members()) below = std::max(below, member.second.depth());
  depth_ = static_cast<std::uint16_t>(below + 1);
}

bool Value::as_boolean() const {
  require(Kind::boolean);
  return boolean_;
}

std::int64_t Value::as_integer() const {
  if (kind_ == Kind::number && number_ == 0) return 0;
  require(Kind::integer);
  return integer_;
}

double Value::as_number() const {
  if (kind_ == Kind::integer) return static_cast<double>(integer_);
  require(Kind::number);
  return number_;
}

const std::string& Value::as_string() const& {
  require(Kind::string);
  return text_;
}

std::string Value::as_string() && {
  require(Kind::string);
  return std::move(text_);
}

std::optional<bool> Value::get_if_boolean() const noexcept {
  return is_boolean() ? std::optional(boolean_) : std::nullopt;
}

std::optional<std::int64_t> Value::get_if_integer() const noexcept {
  if (kind_ == Kind::number && number_ == 0) return 0;
  return is_integer() ? std::optional(integer_) : std::nullopt;
}

std::optional<double> Value::get_if_number() const noexcept {
  if (kind_ == Kind::integer) return static_cast<double>(integer_);
  return kind_ == Kind::number ? std::optional(number_) : std::nullopt;
}

const Value* Value::find(std::string_view key) const noexcept {
  for (const Member& member : members()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

const Value& Value::operator[](std::string_view key) const noexcept {
  const Value* member = find(key);
  return member ? *member : undefined();
}

const Value& Value::operator[](std::size_t index) const noexcept {
  return index < elements().size() ? elements_[index] : undefined();
}

std::size_t Value::size() const noexcept { return is_object() ? members_.size() : elements().size(); }

std::span<const Value> Value::elements() const noexcept {
  return is_array() ? std::span<const Value>(elements_) : std::span<const Value>();
}

std::span<const Member> Value::members() const noexcept {
  return is_object() ? std::span<const Member>(members_) : std::span<const Member>();
}

Value& Value::set(std::string_view key, Value value) & {
  require(Kind::object);
  contain(value);
  auto present = std::ranges::find(members_, key, &Member::first);
  if (present != members_.end()) {
    Value old = std::exchange(present->second, std::move(value));
    if (old.depth_ + 1 == depth_) measure();
    return *this;
  }
  std::uint64_t index = array_index(key);
  auto place = members_.end();
  if (index != no_index) {
    place = std::ranges::find_if(members_,
                                 [&](const Member& member) { return array_index(member.first) > index; });
  }
  members_.emplace(place, std::string(key), std::move(value));
  return *this;
}

Value Value::take(std::string_view key) {
  require(Kind::object);
  auto present = std::ranges::find(members_, key, &Member::first);
  if (present == members_.end()) return {};
  Value taken = std::move(present->second);
  members_.erase(present);
  if (taken.depth_ + 1 == depth_) measure();
  return taken;
}

Value& Value::push_back(Value value) & {
  require(Kind::array);
  contain(value);
  elements_.push_back(std::move(value));
  return *this;
}

bool operator==(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) return left.as_number() == right.as_number();
  if (left.kind_ != right.kind_) return false;
  switch (left.kind_) {
    case Value::Kind::boolean:
      return left.boolean_ == right.boolean_;
    case Value::Kind::string:
      return left.text_ == right.text_;
    case Value::Kind::array:
      return std::ranges::equal(left.elements_, right.elements_);
    case Value::Kind::object:
      return same_members(left.members_, right.members_);
    default:
      return true;
  }
}

std::ostream& operator<<(std::ostream& out, const Value& value) {
  return out << (value.is_undefined() ? "undefined" : to_json(value));
}

std::string_view name_of(Value::Kind kind) noexcept {
  switch (kind) {
    case Value::Kind::undefined:
      return "undefined";
    case Value::Kind::null:
      return "null";
    case Value::Kind::boolean:
      return "boolean";
    case Value::Kind::integer:
      return "integer";
    case Value::Kind::number:
      return "number";
    case Value::Kind::string:
      return "string";
    case Value::Kind::array:
      return "array";
    case Value::Kind::object:
      return "object";
  }
  return "unknown";
}

}  // namespace baton
