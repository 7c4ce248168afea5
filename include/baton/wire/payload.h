#pragma once

#include <array>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "baton/base/error.h"
#include "baton/wire/json.h"
#include "baton/wire/payload_codec.h"
#include "baton/wire/value.h"

// Structs of yours as messages, and back: one line for each struct.
//
//   struct Job { int id; std::string path; std::optional<int> width; std::vector<std::string> tags; };
//   BATON_FIELDS(Job, id, path, width, tags)
//
//   child.send(Job{.id = 1, .path = "a.png"});              // {"id":1,"path":"a.png","tags":[]}
//   baton::Result<Job> job = message.as<Job>();
//   // job.error().what(): "read Job: tags[2] is 5, not a string: the value does not fit"
//
// A member may be: bool; an integer type (one that the number does not fit into is an error); float or
// double; std::string; Value (whatever comes; undefined if nothing does); std::optional, std::vector or
// std::map<std::string, ...> of these; an enumeration with BATON_NAMES; another struct with BATON_FIELDS.
//
// Written: an optional that is empty is left out. Read: an optional that is absent, undefined or null is
// empty; any other member that is absent is an error; members that the struct does not have are ignored, so
// that a newer peer may send more. An integer beyond 2^53 throws std::out_of_range when it is written, as
// `Value` does, and an enumerator without a name std::logic_error.
//
// With g++ 12 give a struct a name before a `co_await` expression (see `loop/task.h`).

/// Describes a struct: its type, then the members that travel, whose names are the keys. Stands at namespace
/// scope in the struct's own namespace. Where a key is no C++ name, write the two functions yourself:
///
///   constexpr auto baton_fields(std::type_identity<Job>) {
///     return std::tuple(baton::Field("max-width", &Job::max_width), baton::Field("id", &Job::id));
///   }
///   constexpr std::string_view baton_name(std::type_identity<Job>) { return "Job"; }
#define BATON_FIELDS(type, ...)                                                  \
  [[maybe_unused]] constexpr auto baton_fields(std::type_identity<type>) {       \
    return std::tuple(BATON_DETAIL_EACH(BATON_DETAIL_FIELD, type, __VA_ARGS__)); \
  }                                                                              \
  [[maybe_unused]] constexpr std::string_view baton_name(std::type_identity<type>) { return #type; }

/// Describes an enumeration: its type, then its enumerators, which travel as strings of the same names.
#define BATON_NAMES(type, ...)                                                  \
  [[maybe_unused]] constexpr auto baton_names(std::type_identity<type>) {       \
    return std::array{BATON_DETAIL_EACH(BATON_DETAIL_NAME, type, __VA_ARGS__)}; \
  }                                                                             \
  [[maybe_unused]] constexpr std::string_view baton_name(std::type_identity<type>) { return #type; }

#define BATON_DETAIL_FIELD(type, name) ::baton::Field(#name, &type::name)
#define BATON_DETAIL_NAME(type, name) std::pair<std::string_view, type>(#name, type::name)
// Each scan of the preprocessor lets the next name through: up to 256 names.
#define BATON_DETAIL_EACH(one, type, ...) \
  __VA_OPT__(BATON_DETAIL_SCAN(BATON_DETAIL_STEP(one, type, __VA_ARGS__)))
#define BATON_DETAIL_STEP(one, type, name, ...) \
  one(type, name) __VA_OPT__(, BATON_DETAIL_AGAIN BATON_DETAIL_PARENTHESES(one, type, __VA_ARGS__))
#define BATON_DETAIL_AGAIN() BATON_DETAIL_STEP
#define BATON_DETAIL_PARENTHESES ()
#define BATON_DETAIL_SCAN(...) \
  BATON_DETAIL_SCAN64(BATON_DETAIL_SCAN64(BATON_DETAIL_SCAN64(BATON_DETAIL_SCAN64(__VA_ARGS__))))
#define BATON_DETAIL_SCAN64(...) \
  BATON_DETAIL_SCAN16(BATON_DETAIL_SCAN16(BATON_DETAIL_SCAN16(BATON_DETAIL_SCAN16(__VA_ARGS__))))
#define BATON_DETAIL_SCAN16(...) \
  BATON_DETAIL_SCAN4(BATON_DETAIL_SCAN4(BATON_DETAIL_SCAN4(BATON_DETAIL_SCAN4(__VA_ARGS__))))
#define BATON_DETAIL_SCAN4(...) \
  BATON_DETAIL_SCAN1(BATON_DETAIL_SCAN1(BATON_DETAIL_SCAN1(BATON_DETAIL_SCAN1(__VA_ARGS__))))
#define BATON_DETAIL_SCAN1(...) __VA_ARGS__

namespace baton {

/// A struct, or anything else that may be a member of one, from what a peer sent; what does not fit is named:
/// "read Job: tags[2] is 5, not a string: the value does not fit" (Errc::wrong_value). T is
/// default-constructible. Any other type does not compile.
template <class T>
[[nodiscard]] Result<T> from_value(const Value& value) {
  T payload{};
  detail::Misfit misfit;
  if (!detail::read_payload(value, payload, misfit)) return misfit.error(detail::name_of_type<T>());
  return payload;
}

/// The same from a JSON text: `auto job = from_json<Job>(co_await request.body());`.
template <class T>
[[nodiscard]] Result<T> from_json(std::string_view text) {
  auto value = from_json(text);
  if (!value) return std::unexpected(std::move(value).error());
  return from_value<T>(*value);
}

template <detail::described T>
Value::Value(const T& payload) : Value(detail::write_payload(payload)) {}

}  // namespace baton
