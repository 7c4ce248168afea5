#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace baton {

namespace detail {
template <class T, class... Others>
concept one_of = (std::same_as<T, Others> || ...);
/// Integers that are numbers: neither bool nor a character.
template <class T>
concept integer = std::integral<T> && !one_of<T, bool, char, wchar_t, char8_t, char16_t, char32_t>;
/// Structs with BATON_FIELDS (`wire/payload.h`).
template <class T>
concept described = requires { baton_fields(std::type_identity<T>{}); };
}  // namespace detail

/// What a channel carries: a JavaScript value without identity, held by value (a copy copies all inside).
///
///   Value message = Value::object({{"id", 7}, {"path", "a.png"}, {"sizes", Value::array({16, 32})}});
///   message["id"].as_integer();                  // 7
///   message["nothing"]["at all"].is_undefined(); // true: what is absent reads as undefined
///
/// **With g++ 12, write no brace list inside an expression that contains `co_await`** (it would be destroyed
/// twice); either build the value in a statement of its own, or chain:
///   co_await child.request(Value::object().set("id", 7).set("path", "a.png"));
///
/// Rules that come from JavaScript:
/// - There is one type of number. Whole numbers of up to 2^53 either way are `Kind::integer` however made
///   (`Value(2.0)` too); all others, -0, NaN and the infinities are `Kind::number`.
/// - Strings are UTF-8. A lone surrogate, which JavaScript allows, is held as its three bytes (WTF-8). Other
///   bytes that are no UTF-8 are sent as U+FFFD.
/// - Members of an object are in order: first keys that are array indices ("0", "17"), ascending, then all
///   others as they were added. Setting a key that exists keeps its place. "__proto__" is a key like any.
///
/// Arrays and objects nest up to `max_depth`; what would nest deeper throws std::length_error where it is
/// built. A Value is of one thread, like everything here. One that was moved from is undefined.
class Value {
 public:
  /// More kinds will follow (BigInt, Date, Map, buffers, ...): give a `switch` a default.
  enum class Kind : std::uint8_t { undefined, null, boolean, integer, number, string, array, object };

  /// A key with its value.
  using Member = std::pair<std::string, Value>;

  /// How deep arrays and objects may nest in memory. Limits of the wire are lower.
  static constexpr unsigned max_depth = 1024;
  /// The integer up to which (and down to whose negative) a JavaScript number holds every integer: 2^53.
  static constexpr std::int64_t max_integer = std::int64_t{1} << 53;

  /// undefined
  Value() noexcept : number_(0) {}
  /// null
  Value(std::nullptr_t) noexcept : number_(0), kind_(Kind::null) {}
  /// Only a bool itself: a pointer is no boolean.
  template <std::same_as<bool> B>
  Value(B boolean) noexcept : boolean_(boolean), kind_(Kind::boolean) {}
  /// Throws std::out_of_range beyond 2^53 either way, where JavaScript would read another number: send such
  /// an id as a string, or say `double(n)` to accept the rounding.
  template <detail::integer I>
  Value(I integer) : integer_(exact(integer)), kind_(Kind::integer) {}
  /// Any double, NaN and the infinities too (which JSON prints as null).
  template <detail::one_of<double, float> F>
  Value(F number) noexcept : number_(static_cast<double>(number)), kind_(Kind::number) {
    settle();
  }
  Value(std::string text) noexcept : text_(std::move(text)), kind_(Kind::string) {}
  Value(std::string_view text) : text_(text), kind_(Kind::string) {}
  Value(const char* text) : Value(std::string_view(text)) {}
  /// An object of a struct of yours that has BATON_FIELDS (`wire/payload.h`).
  template <detail::described T>
  Value(const T& payload);

  /// An empty array.
  static Value array();
  /// An array of these elements.
  static Value array(std::initializer_list<Value> elements);
  static Value array(std::vector<Value> elements);
  /// An object without members.
  static Value object();
  /// An object of these members. Of several with one key the last value counts, in the first one's place.
  static Value object(std::initializer_list<Member> members);
  /// The same. It takes n log n, and is the way to build an object of thousands: `set` searches all members.
  static Value object(std::vector<Member> members);

  Value(const Value& other);
  Value(Value&& other) noexcept : number_(0) { steal(other); }
  Value& operator=(const Value& other) { return *this = Value(other); }
  Value& operator=(Value&& other) noexcept {
    if (this == &other) return *this;
    Value old(std::move(*this));  // Not destroyed before: `other` may live inside it.
    steal(other);
    return *this;
  }
  ~Value() {
    if (kind_ >= Kind::string) destroy();
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_undefined() const noexcept { return kind_ == Kind::undefined; }
  [[nodiscard]] bool is_null() const noexcept { return kind_ == Kind::null; }
  [[nodiscard]] bool is_boolean() const noexcept { return kind_ == Kind::boolean; }
  [[nodiscard]] bool is_integer() const noexcept { return kind_ == Kind::integer; }
  /// Any number, integers included.
  [[nodiscard]] bool is_number() const noexcept { return kind_ == Kind::integer || kind_ == Kind::number; }
  [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::string; }
  [[nodiscard]] bool is_array() const noexcept { return kind_ == Kind::array; }
  [[nodiscard]] bool is_object() const noexcept { return kind_ == Kind::object; }

  /// The value as what it is; std::logic_error, naming both kinds, if it is something else. For what a peer
  /// sent, ask first or use `get_if_...`: it may be anything.
  [[nodiscard]] bool as_boolean() const;
  [[nodiscard]] std::int64_t as_integer() const;  ///< -0 counts as 0; a fraction is no integer
  [[nodiscard]] double as_number() const;         ///< any number
  [[nodiscard]] const std::string& as_string() const&;
  [[nodiscard]] std::string as_string() &&;

  /// The value if it is of that kind (for numbers: as `as_integer` and `as_number` see it), else nothing.
  [[nodiscard]] std::optional<bool> get_if_boolean() const noexcept;
  [[nodiscard]] std::optional<std::int64_t> get_if_integer() const noexcept;
  [[nodiscard]] std::optional<double> get_if_number() const noexcept;
  [[nodiscard]] const std::string* get_if_string() const noexcept { return is_string() ? &text_ : nullptr; }

  /// The member of that name; undefined if there is none or this is no object. The search is linear.
  /// The reference lives as long as this value is not changed.
  [[nodiscard]] const Value& operator[](std::string_view key) const noexcept;
  /// The element at that index; undefined beyond the end or if this is no array.
  [[nodiscard]] const Value& operator[](std::size_t index) const noexcept;
  /// The member of that name, or null: tells an absent member from one that is undefined.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;

  /// How many elements an array or members an object has; 0 for everything else.
  [[nodiscard]] std::size_t size() const noexcept;
  /// `for (const Value& element : value.elements())`; empty if this is no array.
  [[nodiscard]] std::span<const Value> elements() const noexcept;
  /// `for (const auto& [key, member] : value.members())`; empty if this is no object.
  [[nodiscard]] std::span<const Member> members() const noexcept;

  /// Adds or replaces a member. Throws std::logic_error if this is no object.
  Value& set(std::string_view key, Value value) &;
  Value&& set(std::string_view key, Value value) && { return std::move(set(key, std::move(value))); }
  /// Removes a member and returns it; undefined if there is none. Throws std::logic_error if this is no
  /// object.
  Value take(std::string_view key);
  /// Adds an element at the end. Throws std::logic_error if this is no array.
  Value& push_back(Value value) &;
  Value&& push_back(Value value) && { return std::move(push_back(std::move(value))); }

  /// How deep arrays and objects nest here: 0 for a scalar, 1 for `[]`, 2 for `[[]]`. Costs nothing.
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }

  /// Deep equality: numbers by their value (0 equals -0, NaN equals nothing), members in any order.
  friend bool operator==(const Value& left, const Value& right);
  /// Prints the value as JSON, for logs and failing tests; "undefined" where JSON has no word.
  friend std::ostream& operator<<(std::ostream& out, const Value& value);

 private:
  template <class I>
  static std::int64_t exact(I integer) {
    if (!std::in_range<std::int64_t>(integer)) refuse_integer();
    auto wide = static_cast<std::int64_t>(integer);
    if (wide > max_integer || wide < -max_integer) refuse_integer();
    return wide;
  }
  [[noreturn]] static void refuse_integer();
  void settle() noexcept;
  void require(Kind kind) const;
  void contain(const Value& child);
  void measure() noexcept;
  void destroy() noexcept;

  template <class T>
  static void take_over(T& place, T& from) noexcept {
    ::new (&place) T(std::move(from));
    from.~T();  // NOLINT(bugprone-use-after-move)
  }
  // Leaves `other` undefined. This value owns nothing when it is called.
  void steal(Value& other) noexcept {
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
        take_over(text_, other.text_);
        break;
      case Kind::array:
        take_over(elements_, other.elements_);
        break;
      case Kind::object:
        take_over(members_, other.members_);
        break;
    }
    kind_ = other.kind_;
    depth_ = other.depth_;
    other.kind_ = Kind::undefined;
    other.depth_ = 0;
  }

  union {
    bool boolean_;
    std::int64_t integer_;
    double number_;
    std::string text_;
    std::vector<Value> elements_;
    std::vector<Member> members_;
  };
  Kind kind_ = Kind::undefined;  // From string on, kinds own memory.
  std::uint16_t depth_ = 0;
};

/// "integer", "object", ...: for messages.
[[nodiscard]] std::string_view name_of(Value::Kind kind) noexcept;

}  // namespace baton
