#pragma once

#include "baton/http/fetch_options.h"
#include "baton/http/reply.h"
#include "baton/http/request.h"
#include "baton/http/response.h"
#include "baton/loop/task.h"

namespace baton::http {

// What a proxy does with a request, but for choosing whom to ask:
//
//     Task<> pass_on(http::Client& client, std::string origin, Request& request, Response& response) {
//       http::Reply reply = co_await client.fetch(origin, http::forward(request)).cancel_on(response.gone());
//       co_await http::forward(std::move(reply), response);
//     }
//
// Both ways as fast as the slower end takes it; nothing is kept. What fails leaves the handler: answer
// `Refusal(502, ...)` where the fetch fails, and let the rest pass, so that the client's connection is cut.

/// A fetch of what a client asks: its method, its target, its body, and its headers but for those of one
/// connection alone (Connection and what that names, Keep-Alive, TE, Trailer, Transfer-Encoding, Upgrade,
/// Proxy-Connection, Expect). What a client names in Connection goes on all the same where it is for all
/// recipients: Host, Authorization, Cookie, Forwarded and its like, Cache-Control. The URL says who is asked,
/// and nothing more: its own path is not used. Host is the client's. The request must live until the fetch
/// has ended, as that of a handler does. Throws Refusal (501) for CONNECT.
[[nodiscard]] FetchOptions forward(Request& request);
/// Answers with a reply: its status, its headers but for those of one connection alone, and its body as it
/// comes, which is waited for. Trailers are not passed on. Throws as `Reply::next_data` does, and, once the
/// client is gone, Errc::disconnected or Errc::cancelled; then the connection to the server is closed.
[[nodiscard]] Task<> forward(Reply reply, Response& response);

}  // namespace baton::http
