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
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/loop/task.h"
#include "baton/wire/json.h"
#include "baton/wire/payload.h"
#include "baton/wire/value.h"

namespace baton::web {

/// How long a JSON text may be where nobody says anything else: 1 MiB.
inline constexpr std::size_t json_limit = std::size_t{1} << 20;

namespace detail {
/// What a text says, which is read beside the loop if it is long, and destroyed there too. Errc::bad_json.
Op<Value> value_of(Loop& loop, std::string text);
/// The same of a struct; Errc::wrong_value.
template <class T>
Task<T> read(Loop& loop, std::string text) {
  Value value = co_await value_of(loop, std::move(text));
  if constexpr (std::same_as<T, Value>) {
    co_return value;
  } else {
    auto fitting = from_value<T>(value);
    if (!fitting) throw std::move(fitting).error();
    co_return std::move(*fitting);
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
/// answers that. Throws Errc::disconnected when the client disappears. A long text is read beside the loop.
template <class T = Value>
Task<T> read_json(http::Request& request, std::size_t limit = json_limit) {
  std::string text = co_await detail::text_of(request, limit);
  try {
    co_return co_await detail::read<T>(request.loop(), std::move(text));
  } catch (const Error& error) {
    throw http::Refusal(400, error.what());
  }
}

/// The same of a reply: what does not fit is an Error (Errc::bad_json, Errc::wrong_value), a body over
/// `limit` bytes Errc::message_too_large.
template <class T = Value>
Task<T> read_json(http::Reply& reply, std::size_t limit = json_limit) {
  std::string text = co_await reply.body(limit);
  co_return co_await detail::read<T>(reply.loop(), std::move(text));
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
