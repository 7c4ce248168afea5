#include "baton/wire/value.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <numeric>
#include <ostream>
#include <stdexcept>

#include "base/threads.h"
#include "baton/wire/json.h"
#include "wire/array_index.h"
#include "wire/value_beside.h"

namespace baton {
namespace {

// Most objects have a few: room for these at once costs less than to grow.
constexpr std::size_t usual_members = 4;

using Member = Value::Member;

using wire::array_index;
using wire::no_index;

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

void arrange(std::vector<Member>& members) {
  merge_duplicates(members);
  put_indices_first(members);
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

Value Value::array(std::vector<Value> elements) { return of_list(Kind::array, std::move(elements)); }

Value Value::of_list(Kind kind, std::vector<Value> elements) {
  Value result;
  ::new (&result.list_) List{std::move(elements), nullptr};
  result.kind_ = kind;
  result.depth_ = 1;
  for (const Value& element : result.list_.elements) result.contain(element);
  return result;
}

Value Value::object() { return object(std::vector<Member>()); }

Value::Value(std::initializer_list<Member> members) : Value(object(members)) {}

Value Value::object(std::initializer_list<Member> members) { return object(std::vector<Member>(members)); }

Value Value::object(std::vector<Member> members) {
  arrange(members);
  return of_members(Kind::object, std::move(members));
}

Value Value::of_members(Kind kind, std::vector<Member> members) {
  Value result;
  ::new (&result.members_) std::vector<Member>(std::move(members));
  result.kind_ = kind;
  result.depth_ = 1;
  for (const Member& member : result.members_) result.contain(member.second);
  return result;
}

Value Value::array(std::vector<Value> elements, std::vector<Member> others, std::uint32_t length) {
  const auto filled = static_cast<std::uint32_t>(elements.size());
  length = std::max(length, filled);
  arrange(others);
  for (const Member& member : others) {
    const std::uint64_t index = array_index(member.first);
    if (index != no_index && (index < filled || index >= length)) {
      throw std::invalid_argument("Value: the key " + member.first + " beside the elements of an array");
    }
  }
  Value result = array(std::move(elements));
  if (others.empty() && length == filled) return result;
  result.list_.beside = new Beside{std::move(others), length};
  for (const Member& member : result.list_.beside->members) result.contain(member.second);
  return result;
}

Value::Value(const Value& other) : number_(0) {
  switch (other.kind_) {
    case Kind::undefined:
    case Kind::null:
    case Kind::hole:
      break;
    case Kind::boolean:
      boolean_ = other.boolean_;
      break;
    case Kind::integer:
    case Kind::reference:
      integer_ = other.integer_;
      break;
    case Kind::number:
    case Kind::date:
      number_ = other.number_;
      break;
    case Kind::string:
    case Kind::bigint:
    case Kind::regexp:
    case Kind::bytes:
      ::new (&text_) std::string(other.text_);
      break;
    case Kind::array:
    case Kind::set:
    case Kind::boxed: {
      std::unique_ptr<Beside> beside;
      if (other.list_.beside != nullptr) beside = std::make_unique<Beside>(*other.list_.beside);
      ::new (&list_) List{other.list_.elements, nullptr};
      list_.beside = beside.release();
      break;
    }
    case Kind::object:
    case Kind::error:
      ::new (&members_) std::vector<Member>(other.members_);
      break;
    case Kind::map:
      ::new (&entries_) std::vector<Entry>(other.entries_);
      break;
  }
  kind_ = other.kind_;
  detail_ = other.detail_;
  large_ = other.large_;
  depth_ = other.depth_;
  extra_ = other.extra_;
}

void Value::destroy() noexcept {
  if (!large_) return destroy_here();
  large_ = false;
  try {
    do_aside([value = std::move(*this)] {});
  } catch (const std::bad_alloc&) {
    // It goes here, then.
    destroy_here();
  }
}

void Value::destroy_here() noexcept {
  switch (kind_) {
    case Kind::string:
    case Kind::bigint:
    case Kind::regexp:
    case Kind::bytes:
      text_.~basic_string();
      break;
    case Kind::array:
    case Kind::set:
    case Kind::boxed:
      delete list_.beside;
      list_.~List();
      break;
    case Kind::object:
    case Kind::error:
      members_.~vector();
      break;
    case Kind::map:
      entries_.~vector();
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
  if (child.refers()) extra_ = 1;
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
  // What can lose a value is an object or an Error: neither has entries.
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
  if (!is_array()) return undefined();
  if (index < list_.elements.size()) {
    const Value& element = list_.elements[index];
    return element.is_hole() ? undefined() : element;
  }
  if (list_.beside == nullptr) return undefined();
  return (*this)[std::string_view(std::to_string(index))];
}

std::size_t Value::size() const noexcept {
  switch (kind_) {
    case Kind::object:
    case Kind::error:
      return members_.size();
    case Kind::map:
      return entries_.size();
    default:
      return elements().size();
  }
}

std::uint32_t Value::length() const noexcept {
  if (!is_array()) return 0;
  return list_.beside != nullptr ? list_.beside->length : static_cast<std::uint32_t>(list_.elements.size());
}

std::span<const Value> Value::elements() const noexcept {
  return is_array() || kind_ == Kind::set ? std::span<const Value>(list_.elements) : std::span<const Value>();
}

std::span<const Member> Value::members() const noexcept {
  if (kind_ == Kind::object || kind_ == Kind::error) return members_;
  if (is_array() && list_.beside != nullptr) return list_.beside->members;
  return {};
}

std::span<const Value::Entry> Value::entries() const noexcept {
  return kind_ == Kind::map ? std::span<const Entry>(entries_) : std::span<const Entry>();
}

Value& Value::set(std::string_view key, Value value) & {
  if (kind_ == Kind::error) {
    if (!fits_error(key, value))
      throw std::logic_error("Value: no such member of an Error: " + std::string(key));
  } else {
    require(Kind::object);
  }
  contain(value);
  auto present = std::ranges::find(members_, key, &Member::first);
  if (present != members_.end()) {
    Value old = std::exchange(present->second, std::move(value));
    if (old.depth_ + 1 == depth_) measure();
    return *this;
  }
  if (members_.empty()) members_.reserve(usual_members);
  std::uint64_t index = array_index(key);
  auto place = members_.end();
  if (index != no_index) {
    place = std::ranges::find_if(members_,
                                 [&](const Member& member) { return array_index(member.first) > index; });
  }
  members_.emplace(place, std::string(key), std::move(value));
  return *this;
}

Value Value::take(std::string_view key) & {
  require(Kind::object);
  auto present = std::ranges::find(members_, key, &Member::first);
  if (present == members_.end()) return {};
  Value taken = std::move(present->second);
  if (large_) taken.mark_large();
  members_.erase(present);
  if (taken.depth_ + 1 == depth_) measure();
  return taken;
}

Value Value::take(std::string_view key) && {
  require(Kind::object);
  const auto present = std::ranges::find(members_, key, &Member::first);
  if (present == members_.end()) return {};
  Value taken = std::move(present->second);
  if (large_) taken.mark_large();
  return taken;
}

Value& Value::push_back(Value value) & {
  require(Kind::array);
  if (length() != list_.elements.size()) throw std::logic_error("Value: push_back after a gap");
  contain(value);
  list_.elements.push_back(std::move(value));
  if (list_.beside != nullptr) ++list_.beside->length;
  return *this;
}

bool operator==(const Value& left, const Value& right) {
  using Kind = Value::Kind;
  if (left.is_number() && right.is_number()) return left.as_number() == right.as_number();
  if (left.kind_ != right.kind_) return false;
  switch (left.kind_) {
    case Kind::boolean:
      return left.boolean_ == right.boolean_;
    case Kind::reference:
      return left.integer_ == right.integer_;
    case Kind::date:
      return left.number_ == right.number_ || (std::isnan(left.number_) && std::isnan(right.number_));
    case Kind::string:
    case Kind::bigint:
    case Kind::regexp:
    case Kind::bytes:
      return left.text_ == right.text_ && left.detail_ == right.detail_ && left.extra_ == right.extra_;
    case Kind::array:
    case Kind::set:
    case Kind::boxed:
      return std::ranges::equal(left.list_.elements, right.list_.elements) &&
             left.length() == right.length() && same_members(left.members(), right.members());
    case Kind::object:
    case Kind::error:
      return same_members(left.members_, right.members_);
    case Kind::map:
      return std::ranges::equal(left.entries_, right.entries_);
    default:
      return true;
  }
}

std::ostream& operator<<(std::ostream& out, const Value& value) {
  std::string text;
  if (wire::write_json(value, text, wire::JsonLimits().depth(Value::max_depth))) return out << text;
  return out << name_of(value.kind());
}

}  // namespace baton
