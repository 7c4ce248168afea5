#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>

#include "baton/base/error.h"
#include "baton/http/refusal.h"
#include "baton/http/reply.h"
#include "baton/http/request.h"
#include "baton/http/response.h"
#include "baton/loop/task.h"
#include "baton/wire/json.h"
#include "baton/wire/payload.h"
#include "baton/wire/value.h"

namespace baton::web {

/// How long a JSON text may be where nobody says anything else: 1 MiB.
inline constexpr std::size_t json_limit = std::size_t{1} << 20;

namespace detail {
/// A text's value, or what is wrong with it.
template <class T>
Result<T> parse(const std::string& text) {
  if constexpr (std::same_as<T, Value>) {
    return from_json(text);
  } else {
    return from_json<T>(text);
  }
}
/// The body of a request. Throws http::Refusal (413) when it is longer.
Task<std::string> text_of(http::Request& request, std::size_t limit);
}  // namespace detail

/// The body of a request, as JSON: a Value, or a struct with BATON_FIELDS.
///
///     const auto order = co_await web::read_json<Order>(request);
///
/// What the client does wrong is its own matter: a text that is no JSON, or not that struct's, throws
/// http::Refusal (400, with the reason as text), one over `limit` bytes 413. So a handler that lets it pass
/// answers that. Throws Errc::disconnected when the client disappears.
template <class T = Value>
Task<T> read_json(http::Request& request, std::size_t limit = json_limit) {
  const std::string text = co_await detail::text_of(request, limit);
  Result<T> value = detail::parse<T>(text);
  if (!value) throw http::Refusal(400, value.error().what());
  co_return std::move(*value);
}

/// The same of a reply: what does not fit is an Error (Errc::bad_json, Errc::wrong_value), a body over
/// `limit` bytes Errc::message_too_large.
template <class T = Value>
Task<T> read_json(http::Reply& reply, std::size_t limit = json_limit) {
  const std::string text = co_await reply.body(limit);
  Result<T> value = detail::parse<T>(text);
  if (!value) throw std::move(value).error();
  co_return std::move(*value);
}

/// Ends a response with a value as JSON, and `Content-Type: application/json`: a Value, or a struct
/// with BATON_FIELDS. The status is the caller's to set before. Throws as
/// `to_json` does.
void send_json(http::Response& response, const Value& value);
/// A struct without BATON_FIELDS (`wire/payload.h`) does not compile.
template <class T>
  requires(!std::convertible_to<const T&, Value>)
void send_json(http::Response& /*response*/, const T& /*value*/) {
  baton::detail::refuse_message<T>();
}

}  // namespace baton::web
