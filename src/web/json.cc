#include "baton/web/json.h"

namespace baton::web {

Task<std::string> detail::text_of(http::Request& request, std::size_t limit) {
  try {
    co_return co_await request.body(limit);
  } catch (const Error& error) {
    if (error.code() != Errc::message_too_large) throw;
  }
  throw http::Refusal(413, "the body is longer than " + std::to_string(limit) + " bytes");
}

void send_json(http::Response& response, const Value& value) {
  const std::string text = to_json(value);
  response.header("Content-Type", "application/json").end(text);
}

}  // namespace baton::web
