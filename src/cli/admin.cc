#include "cli/admin.h"

#include <unistd.h>

#include <string>

#include "cli/open_metrics.h"

namespace baton::cli {
namespace {

constexpr std::size_t most_connections = 64;
constexpr std::string_view plain_text = "text/plain; charset=utf-8";

void say(http::Response& response, int status, std::string_view type, std::string_view text) {
  response.status(status).header("content-type", type).header("cache-control", "no-store").end(text);
}

}  // namespace

Admin::Admin(Loop& loop, const net::Endpoint& endpoint, const supervisor::Supervisor& service,
             const Figures& figures)
    : service_(service), figures_(figures) {
  server_ = http::serve(
      net::listen(loop, endpoint),
      [this](http::Request& request, http::Response& response) { answer(request, response); },
      http::Options().max_connections(most_connections));
}

Admin::~Admin() {
  const std::string path = local().path();
  if (!path.empty() && path.front() != '\0') ::unlink(path.c_str());
}

void Admin::answer(const http::Request& request, http::Response& response) const {
  const std::string_view path = request.target().substr(0, request.target().find('?'));
  const bool known = path == "/livez" || path == "/readyz" || path == "/status" || path == "/metrics";
  if (!known) return say(response, 404, plain_text, "there are /livez, /readyz, /status and /metrics\n");
  if (request.method() != "GET" && request.method() != "HEAD") {
    response.header("allow", "GET, HEAD");
    return say(response, 405, plain_text, "GET and HEAD only\n");
  }
  if (path == "/livez") return say(response, 200, plain_text, "alive\n");
  if (path == "/readyz") return say_ready(response);
  if (path == "/status") return say(response, 200, "application/json", Figures::status(service_.snapshot()));
  say(response, 200, OpenMetrics::content_type,
      figures_.metrics(service_.snapshot(), service_.usage(), supervisor::Usage::of(::getpid())));
}

void Admin::say_ready(http::Response& response) const {
  const supervisor::Snapshot snapshot = service_.snapshot();
  if (snapshot.state() == supervisor::State::draining) return say(response, 503, plain_text, "draining\n");
  if (snapshot.ready() == 0) return say(response, 503, plain_text, "no worker is ready\n");
  say(response, 200, plain_text, "ready\n");
}

}  // namespace baton::cli
