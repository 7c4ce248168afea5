#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
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
///   Value message = {{"id", 7}, {"path", "a.png"}, {"size", {{"width", 16}, {"height", 32}}}};
///   message["id"].as_integer();                   // 7
///   message["nothing"]["at all"].is_undefined();  // true: what is absent reads as undefined
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
/// Arrays, objects and all else that holds values nest up to `max_depth`; what would nest deeper throws
/// std::length_error where it is built. A Value is of one thread, like everything here. One that was moved
/// from is undefined.
///
/// From `hole` on, kinds are those that only advanced serialization carries; `wire::write_json` says what
/// JSON makes of them.
class Value {
 public:
  /// Further kinds may follow: give a `switch` a default.
  enum class Kind : std::uint8_t {
    undefined,
    null,
    boolean,
    integer,
    number,
    hole,       ///< what an array has where it has nothing; reads as undefined
    reference,  ///< an object that was met before in the same message: see `reference()`
    date,
    string,
    bigint,
    regexp,
    bytes,  ///< Buffer, ArrayBuffer, typed arrays and DataView: see `View`
    array,
    set,
    boxed,  ///< new Number(1), new String(""), new Boolean(true), Object(1n)
    object,
    error,  ///< its members are name, message, stack and cause, as far as it has them
    map,
  };

  /// As what JavaScript sees bytes. The numbers are those of Node's wire.
  enum class View : std::uint8_t {
    int8,
    uint8,
    uint8_clamped,
    int16,
    uint16,
    int32,
    uint32,
    float32,
    float64,
    data_view,
    buffer,
    big_int64,
    big_uint64,
    float16,  ///< Node 24 and newer
    array_buffer,
    resizable_array_buffer,
  };

  /// A key with its value.
  using Member = std::pair<std::string, Value>;
  /// A key of a Map, any value, with its value.
  using Entry = std::pair<Value, Value>;

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
  /// @{
  /// A string: UTF-8, or WTF-8 for what JavaScript has beside it.
  Value(std::string text) noexcept : text_(std::move(text)), kind_(Kind::string) {}
  Value(std::string_view text) : text_(text), kind_(Kind::string) {}
  Value(const char* text) : Value(std::string_view(text)) {}
  /// @}
  /// An object of these members: `{{"id", 7}, {"size", {{"width", 16}, {"height", 32}}}}`. Arrays are made by
  /// `array`.
  Value(std::initializer_list<Member> members);
  /// An object of a struct of yours that has BATON_FIELDS (`wire/payload.h`).
  template <detail::described T>
  Value(const T& payload);

  /// An empty array.
  static Value array();
  /// @{
  /// An array of these elements.
  static Value array(std::initializer_list<Value> elements);
  static Value array(std::vector<Value> elements);
  /// @}
  /// An object without members.
  static Value object();
  /// An object of these members. Of several with one key the last value counts, in the first one's place.
  static Value object(std::initializer_list<Member> members);
  /// The same. It takes n log n, and is the way to build an object of thousands: `set` searches all members.
  static Value object(std::vector<Member> members);

  /// An array that has more than its elements: properties with names (which JSON leaves out), and, when
  /// `length` is greater than the number of elements, a length of which nearly everything is holes. What
  /// such an array has beyond its elements is a member too, its key the index. Throws std::invalid_argument
  /// for a key that is an index of an element or not below `length`.
  static Value array(std::vector<Value> elements, std::vector<Member> others, std::uint32_t length = 0);
  /// What an array has where nothing was ever put.
  static Value hole() noexcept { return Value(Kind::hole); }
  /// The object, array, Map, ... (all but primitives) that was met as number `number` in its message, counted
  /// from 0 in the order met, whatever holds another before what it holds. A Value has no identity: this is
  /// how an object that stands in two places, or inside itself, is told. It counts from the message's root:
  /// see `move_references`.
  static Value reference(std::uint32_t number) noexcept;
  /// Milliseconds since 1970 in UTC; whole ones, and NaN (an invalid date) beyond what JavaScript can hold.
  static Value date(double milliseconds) noexcept;
  /// A BigInt.
  static Value bigint(std::int64_t number);
  /// A BigInt in decimal ("-5") or hexadecimal ("0xff", "-0xff"); std::invalid_argument for anything else.
  static Value bigint(std::string_view text);
  /// The same by its magnitude, the least significant byte first.
  static Value bigint(bool negative, std::string magnitude);
  /// `source` is not looked at; of the flags dgimsuvy each may come once, else std::invalid_argument.
  static Value regexp(std::string source, std::string_view flags = {});
  /// Elements are little-endian. Throws std::invalid_argument if their size does not divide that of `data`.
  static Value bytes(std::string data, View view = View::buffer);
  /// An ArrayBuffer that can grow to `most` bytes; std::invalid_argument if it is longer already.
  static Value resizable_bytes(std::string data, std::uint32_t most);
  /// @{
  /// A Set and a Map, in the order of their elements.
  static Value set_of(std::vector<Value> elements);
  static Value map_of(std::vector<Entry> entries);
  /// @}
  /// An Error; `set` gives it a stack and a cause. Of the names only those that ECMAScript has (TypeError,
  /// RangeError, ...) survive the wire, others arrive as Error: as in Node.
  static Value error(std::string message, std::string name = "Error");
  /// One of these members, each as `set` takes it; std::invalid_argument otherwise.
  static Value error_of(std::vector<Member> members);
  /// The object around a boolean, number, string or BigInt; std::invalid_argument for another kind.
  static Value boxed(Value primitive);

  /// @{
  /// Copies everything below it; moves, and the other is undefined afterwards.
  Value(const Value& other);
  Value(Value&& other) noexcept : number_(0) { steal(other); }
  Value& operator=(const Value& other) { return *this = Value(other); }
  Value& operator=(Value&& other) noexcept {
    if (this == &other) return *this;
    Value old(std::move(*this));  // Not destroyed before: `other` may live inside it.
    steal(other);
    return *this;
  }
  /// @}
  ~Value() {
    if (kind_ >= Kind::string) destroy();
  }

  /// @{
  /// What it is.
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_undefined() const noexcept { return kind_ == Kind::undefined; }
  [[nodiscard]] bool is_null() const noexcept { return kind_ == Kind::null; }
  [[nodiscard]] bool is_boolean() const noexcept { return kind_ == Kind::boolean; }
  [[nodiscard]] bool is_integer() const noexcept { return kind_ == Kind::integer; }
  /// @}
  /// Any number, integers included.
  [[nodiscard]] bool is_number() const noexcept { return kind_ == Kind::integer || kind_ == Kind::number; }
  /// @{
  /// What it is.
  [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::string; }
  [[nodiscard]] bool is_array() const noexcept { return kind_ == Kind::array; }
  [[nodiscard]] bool is_object() const noexcept { return kind_ == Kind::object; }
  [[nodiscard]] bool is_hole() const noexcept { return kind_ == Kind::hole; }
  /// @}

  /// The value as what it is; std::logic_error, naming both kinds, if it is something else. For what a peer
  /// sent, ask first or use `get_if_...`: it may be anything.
  [[nodiscard]] bool as_boolean() const;
  [[nodiscard]] std::int64_t as_integer() const;  ///< -0 counts as 0; a fraction is no integer
  [[nodiscard]] double as_number() const;         ///< any number
  /// @{
  /// The text: a reference, or moved out of a value that goes away.
  [[nodiscard]] const std::string& as_string() const&;
  [[nodiscard]] std::string as_string() &&;
  /// @}

  /// @{
  /// The value if it is of that kind (for numbers: as `as_integer` and `as_number` see it), else nothing.
  [[nodiscard]] std::optional<bool> get_if_boolean() const noexcept;
  [[nodiscard]] std::optional<std::int64_t> get_if_integer() const noexcept;
  [[nodiscard]] std::optional<double> get_if_number() const noexcept;
  [[nodiscard]] const std::string* get_if_string() const noexcept { return is_string() ? &text_ : nullptr; }
  /// @}
  /// Milliseconds since 1970; NaN of an invalid date.
  [[nodiscard]] std::optional<double> get_if_date() const noexcept;
  /// @{
  /// A BigInt that fits.
  [[nodiscard]] std::optional<std::int64_t> get_if_bigint() const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> get_if_reference() const noexcept;
  [[nodiscard]] const std::string* get_if_bytes() const noexcept {
    return kind_ == Kind::bytes ? &text_ : nullptr;
  }
  /// @}

  /// The rest says what a value of one kind is made of, and throws std::logic_error for another kind.
  /// A BigInt as `bigint(text)` takes it: decimal, and hexadecimal from 64 KiB of it on.
  [[nodiscard]] std::string bigint_text() const;
  /// @{
  /// Its sign and its magnitude, the least significant byte first.
  [[nodiscard]] bool bigint_negative() const;
  [[nodiscard]] const std::string& bigint_magnitude() const;
  /// @}
  /// @{
  /// What stands between the slashes, and the flags behind them.
  [[nodiscard]] const std::string& regexp_source() const;
  [[nodiscard]] std::string regexp_flags() const;
  /// @}
  /// Which kind of bytes.
  [[nodiscard]] View view() const;
  /// How many bytes it can grow to; its size unless it is a resizable ArrayBuffer.
  [[nodiscard]] std::size_t most_bytes() const;
  /// What is in the box.
  [[nodiscard]] const Value& unboxed() const;

  /// The member of that name; undefined if there is none or this has no members. The search is linear.
  /// The reference lives as long as this value is not changed.
  [[nodiscard]] const Value& operator[](std::string_view key) const noexcept;
  /// The element at that index; undefined beyond the end, where there is a hole, or if this is no array.
  [[nodiscard]] const Value& operator[](std::size_t index) const noexcept;
  /// The member of that name, or null: tells an absent member from one that is undefined.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;

  /// How many elements an array or Set, members an object, or entries a Map has; 0 for everything else.
  [[nodiscard]] std::size_t size() const noexcept;
  /// The `length` of an array, which is its size unless it was made with another; 0 for everything else.
  [[nodiscard]] std::uint32_t length() const noexcept;
  /// `for (const Value& element : value.elements())`; empty if this is no array and no Set.
  [[nodiscard]] std::span<const Value> elements() const noexcept;
  /// `for (const auto& [key, member] : value.members())`, of an object, an Error, or what an array has
  /// beside its elements; empty for everything else.
  [[nodiscard]] std::span<const Member> members() const noexcept;
  /// `for (const auto& [key, value] : map.entries())`; empty if this is no Map.
  [[nodiscard]] std::span<const Entry> entries() const noexcept;

  /// @{
  /// Adds or replaces a member. Throws std::logic_error if this is no object; and for an Error, unless it is
  /// name, message or stack with a string, or cause.
  Value& set(std::string_view key, Value value) &;
  Value&& set(std::string_view key, Value value) && { return std::move(set(key, std::move(value))); }
  /// @}
  /// @{
  /// Removes a member and returns it; undefined if there is none. Throws std::logic_error if this is no
  /// object. Of one that goes away all the rest stays where it is.
  Value take(std::string_view key) &;
  Value take(std::string_view key) &&;
  /// @}
  /// @{
  /// Adds an element at the end. Throws std::logic_error if this is no array.
  Value& push_back(Value value) &;
  Value&& push_back(Value value) && { return std::move(push_back(std::move(value))); }
  /// @}

  /// @{
  /// For the layers above: so much is in it that a loop had better not destroy it. A thread does, unless a
  /// part was moved out, which is then as large.
  void mark_large() noexcept { large_ = true; }
  [[nodiscard]] bool large() const noexcept { return large_; }
  /// @}

  /// How deep values nest here: 0 for a scalar, 1 for `[]`, 2 for `[[]]`. Costs nothing.
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }

  /// Whether there may be a `reference` in it. Costs nothing.
  [[nodiscard]] bool refers() const noexcept;
  /// Adds `by` to every reference in it. What becomes a part of a larger message, `by` objects after its
  /// beginning, needs that, and so does what was taken out of one.
  void move_references(std::int32_t by) noexcept;

  /// Deep equality: numbers by their value (0 equals -0, NaN equals nothing), dates too, though invalid ones
  /// are equal; members in any order; Maps and Sets in theirs.
  friend bool operator==(const Value& left, const Value& right);
  /// Prints the value as JSON, for logs and failing tests; its kind in words where JSON has none.
  friend std::ostream& operator<<(std::ostream& out, const Value& value);

 private:
  // What an array has beyond its elements.
  struct Beside;
  struct List {
    std::vector<Value> elements;
    Beside* beside = nullptr;  // owned by the Value
  };

  explicit Value(Kind kind) noexcept : number_(0), kind_(kind) {}
  template <class I>
  static std::int64_t exact(I integer) {
    if (!std::in_range<std::int64_t>(integer)) refuse_integer();
    auto wide = static_cast<std::int64_t>(integer);
    if (wide > max_integer || wide < -max_integer) refuse_integer();
    return wide;
  }
  [[noreturn]] static void refuse_integer();
  static Value of_text(Kind kind, std::string text, unsigned detail, std::uint32_t extra) noexcept;
  static Value of_list(Kind kind, std::vector<Value> elements);
  static Value of_members(Kind kind, std::vector<Member> members);
  void settle() noexcept;
  void require(Kind kind) const;
  void contain(const Value& child);
  void measure() noexcept;
  void destroy() noexcept;
  void destroy_here() noexcept;
  [[nodiscard]] static bool fits_error(std::string_view key, const Value& value) noexcept;

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
        take_over(text_, other.text_);
        break;
      case Kind::array:
      case Kind::set:
      case Kind::boxed:
        take_over(list_, other.list_);
        break;
      case Kind::object:
      case Kind::error:
        take_over(members_, other.members_);
        break;
      case Kind::map:
        take_over(entries_, other.entries_);
        break;
    }
    kind_ = other.kind_;
    detail_ = other.detail_;
    large_ = other.large_;
    depth_ = other.depth_;
    extra_ = other.extra_;
    other.kind_ = Kind::undefined;
    other.large_ = false;
    other.depth_ = 0;
  }

  union {
    bool boolean_;
    std::int64_t integer_;
    double number_;
    std::string text_;  // of a BigInt its magnitude, of a RegExp its source, of bytes themselves
    List list_;
    std::vector<Member> members_;
    std::vector<Entry> entries_;
  };
  Kind kind_ = Kind::undefined;  // From string on, kinds own memory.
  std::uint8_t detail_ : 7 = 0;  // of a BigInt whether it is negative, of bytes their view
  bool large_ : 1 = false;
  std::uint16_t depth_ = 0;
  // Of a RegExp its flags, of a resizable ArrayBuffer its greatest size, of what holds values whether there
  // may be a reference in it.
  std::uint32_t extra_ = 0;
};

namespace detail {
/// Where a message is taken, for what is none: does not compile, and says what to do.
template <class T>
[[noreturn]] void refuse_message() {
  static_assert(std::convertible_to<const T&, Value>,
                "this type is no message: give the struct BATON_FIELDS(Type, member...)");
  throw std::logic_error("no message");
}
}  // namespace detail

/// "integer", "object", ...: for messages.
[[nodiscard]] std::string_view name_of(Value::Kind kind) noexcept;
/// "Buffer", "Uint8Array", "ArrayBuffer" (resizable or not), ...: its class in JavaScript.
[[nodiscard]] std::string_view name_of(Value::View view) noexcept;
/// How many bytes an element has; 1 where there are none.
[[nodiscard]] std::size_t element_size(Value::View view) noexcept;

}  // namespace baton
