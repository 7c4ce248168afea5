#pragma once

// How `payload.h` writes and reads the members of a struct. Not for programs.

#include <array>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "baton/base/error.h"
#include "baton/wire/value.h"

namespace baton {

/// A member of a struct and its key.
template <class Struct, class Member>
class Field {
 public:
  /// @{
  /// A member and the name that it has in a message.
  constexpr Field(std::string_view key, Member Struct::* member) : key_(key), member_(member) {}
  [[nodiscard]] constexpr std::string_view key() const noexcept { return key_; }
  [[nodiscard]] constexpr const Member& of(const Struct& payload) const noexcept { return payload.*member_; }
  [[nodiscard]] constexpr Member& of(Struct& payload) const noexcept { return payload.*member_; }
  /// @}

 private:
  std::string_view key_;
  Member Struct::* member_;
};

namespace detail {

template <class T>
concept named = requires { baton_names(std::type_identity<T>{}); };

template <class T>
concept travels = std::constructible_from<Value, const T&>;

template <class T, template <class...> class Template>
inline constexpr bool is_a = false;
template <template <class...> class Template, class... Arguments>
inline constexpr bool is_a<Template<Arguments...>, Template> = true;

// What an error calls it.
template <class T>
constexpr std::string_view name_of_type() {
  if constexpr (described<T> || named<T>) return baton_name(std::type_identity<T>{});
  return "a message";
}

// Where in a value something did not fit, gathered from the inside out, and how.
class Misfit {
 public:
  // All return false, for the caller to return.
  bool is_not(const Value& value, std::string_view wanted);
  bool in_member(std::string_view key);
  bool in_element(std::size_t index);

  [[nodiscard]] std::unexpected<Error> error(std::string_view type) const;

 private:
  std::string path_;
  std::string problem_;
};

[[noreturn]] void refuse_enumerator(std::string_view type);

template <class T>
Value write_payload(const T& payload);
template <class T>
bool read_payload(const Value& value, T& payload, Misfit& misfit);

template <described T>
Value write_struct(const T& payload) {
  std::vector<Value::Member> members;
  auto add = [&](const auto& field) {
    Value value = detail::write_payload(field.of(payload));
    if (!value.is_undefined()) members.emplace_back(std::string(field.key()), std::move(value));
  };
  std::apply([&](const auto&... fields) { (add(fields), ...); }, baton_fields(std::type_identity<T>{}));
  return Value::object(std::move(members));
}

template <described T>
bool read_struct(const Value& value, T& payload, Misfit& misfit) {
  if (!value.is_object()) return misfit.is_not(value, "an object");
  auto one = [&](const auto& field) {
    return detail::read_payload(value[field.key()], field.of(payload), misfit) ||
           misfit.in_member(field.key());
  };
  return std::apply([&](const auto&... fields) { return (one(fields) && ...); },
                    baton_fields(std::type_identity<T>{}));
}

template <named T>
Value write_name(T payload) {
  for (const auto& [name, enumerator] : baton_names(std::type_identity<T>{})) {
    if (enumerator == payload) return Value(name);
  }
  refuse_enumerator(baton_name(std::type_identity<T>{}));
}

template <named T>
bool read_name(const Value& value, T& payload, Misfit& misfit) {
  std::string known = "one of";
  for (const auto& [name, enumerator] : baton_names(std::type_identity<T>{})) {
    if (value.is_string() && *value.get_if_string() == name) {
      payload = enumerator;
      return true;
    }
    known.append(known.ends_with("of") ? " " : ", ").append(name);
  }
  return misfit.is_not(value, known);
}

template <class T>
Value write_payload(const T& payload) {
  if constexpr (described<T>) {
    return write_struct(payload);
  } else if constexpr (named<T>) {
    return write_name(payload);
  } else if constexpr (is_a<T, std::optional>) {
    return payload ? detail::write_payload(*payload) : Value();
  } else if constexpr (is_a<T, std::vector>) {
    std::vector<Value> elements;
    elements.reserve(payload.size());
    for (const auto& element : payload)
      elements.push_back(detail::write_payload<typename T::value_type>(element));
    return Value::array(std::move(elements));
  } else if constexpr (is_a<T, std::map>) {
    std::vector<Value::Member> members;
    members.reserve(payload.size());
    for (const auto& [key, element] : payload) members.emplace_back(key, detail::write_payload(element));
    return Value::object(std::move(members));
  } else if constexpr (travels<T>) {
    return Value(payload);
  } else {
    static_assert(travels<T>,
                  "this type does not travel: give a struct BATON_FIELDS, an enumeration BATON_NAMES");
    return Value();
  }
}

template <class T>
bool read_vector(const Value& value, std::vector<T>& payload, Misfit& misfit) {
  if (!value.is_array()) return misfit.is_not(value, "an array");
  payload.clear();
  for (const Value& element : value.elements()) {
    T one{};
    if (!detail::read_payload(element, one, misfit)) return misfit.in_element(payload.size());
    payload.push_back(std::move(one));
  }
  return true;
}

template <class T>
bool read_map(const Value& value, std::map<std::string, T>& payload, Misfit& misfit) {
  if (!value.is_object()) return misfit.is_not(value, "an object");
  payload.clear();
  for (const auto& [key, member] : value.members()) {
    if (!detail::read_payload(member, payload[key], misfit)) return misfit.in_member(key);
  }
  return true;
}

template <class T>
std::string_view integer_type() {
  if constexpr (sizeof(T) == 1) return std::is_signed_v<T> ? "an 8-bit integer" : "an unsigned 8-bit integer";
  if constexpr (sizeof(T) == 2)
    return std::is_signed_v<T> ? "a 16-bit integer" : "an unsigned 16-bit integer";
  if constexpr (sizeof(T) == 4)
    return std::is_signed_v<T> ? "a 32-bit integer" : "an unsigned 32-bit integer";
  return std::is_signed_v<T> ? "an integer" : "an unsigned integer";
}

template <class T>
bool read_payload(const Value& value, T& payload, Misfit& misfit) {
  if constexpr (described<T>) {
    return read_struct(value, payload, misfit);
  } else if constexpr (named<T>) {
    return read_name(value, payload, misfit);
  } else if constexpr (is_a<T, std::optional>) {
    if (value.is_undefined() || value.is_null()) {
      payload.reset();
      return true;
    }
    return detail::read_payload(value, payload.emplace(), misfit);
  } else if constexpr (is_a<T, std::vector>) {
    return read_vector(value, payload, misfit);
  } else if constexpr (is_a<T, std::map>) {
    return read_map(value, payload, misfit);
  } else if constexpr (std::same_as<T, Value>) {
    payload = value;
    return true;
  } else if constexpr (std::same_as<T, bool>) {
    const auto boolean = value.get_if_boolean();
    if (!boolean) return misfit.is_not(value, "a boolean");
    payload = *boolean;
    return true;
  } else if constexpr (integer<T>) {
    const auto number = value.get_if_integer();
    if (!number || !std::in_range<T>(*number)) return misfit.is_not(value, integer_type<T>());
    payload = static_cast<T>(*number);
    return true;
  } else if constexpr (std::floating_point<T>) {
    const auto number = value.get_if_number();
    if (!number) return misfit.is_not(value, "a number");
    payload = static_cast<T>(*number);
    return true;
  } else if constexpr (std::same_as<T, std::string>) {
    if (!value.is_string()) return misfit.is_not(value, "a string");
    payload = value.as_string();
    return true;
  } else {
    static_assert(!std::same_as<T, T>,
                  "this type cannot be read: give a struct BATON_FIELDS, an enumeration BATON_NAMES, a text "
                  "std::string");
    return false;
  }
}

}  // namespace detail

}  // namespace baton
