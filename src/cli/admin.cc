#include "cli/admin.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "cli/admin_order.h"
#include "cli/open_metrics.h"
#include "cli/status.h"

namespace baton::cli {
namespace {

using std::chrono::milliseconds;

// Whoever asks is near. Beside him, at most so many waste our time, and none of them more than these.
constexpr std::size_t most_connections = 64;
constexpr milliseconds patience(2000);
constexpr std::size_t longest_head = 8192;
constexpr milliseconds text_lives(1000);
constexpr milliseconds between_looks_at_file(2000);
constexpr std::string_view plain_text = "text/plain; charset=utf-8";

void say(http::Response& response, int status, std::string_view type, std::string_view text) {
  response.status(status).header("content-type", type).header("cache-control", "no-store").end(text);
}

}  // namespace

Admin::Admin(Loop& loop, const net::Endpoint& endpoint, supervisor::Supervisor& service,
             const Figures& figures, std::string name)
    : loop_(loop),
      service_(service),
      figures_(figures),
      name_(std::move(name)),
      began_(loop.now()),
      takes_orders_(endpoint.family() == -1) {
  server_ = serve(endpoint);
  if (!takes_orders_) return;
  file_ = net::SocketFile(endpoint.path());
  looking_ = Timer::every(loop, between_looks_at_file, [this, endpoint] { look_at_file(endpoint); });
  looking_.unref();
}

http::Server Admin::serve(const net::Endpoint& endpoint) {
  return http::serve(
      net::listen(loop_, endpoint, net::ListenOptions().owner_only()),
      [this](http::Request& request, http::Response& response) { answer(request, response); },
      http::Options()
          .max_connections(most_connections)
          .replace_oldest()
          .max_requests_per_turn(1)
          .headers_timeout(patience)
          .request_timeout(patience)
          .send_timeout(patience)
          .max_header_size(longest_head)
          .max_body_size(longest_head));
}

// A cleaner may have removed it. Whoever is being answered by the old server has until the next time.
void Admin::look_at_file(const net::Endpoint& endpoint) {
  if (!file_.is_gone() || !waiting_.empty()) return;
  try {
    http::Server anew = serve(endpoint);
    former_ = std::exchange(server_, std::move(anew));
    file_ = net::SocketFile(endpoint.path());
  } catch (const Error&) {
    // Its folder is gone too, or somebody else is there; perhaps not for long.
  }
}

void Admin::answer(const http::Request& request, http::Response& response) {
  const std::string_view path = request.target().substr(0, request.target().find('?'));
  const bool known = path == "/livez" || path == "/readyz" || path == "/status" || path == "/metrics";
  if (request.method() == "POST" && !known) return obey(request, response);
  if (is_order(path)) {
    response.header("allow", "POST");
    return say(response, 405, plain_text, "POST only\n");
  }
  if (!known) return say(response, 404, plain_text, "there are /livez, /readyz, /status and /metrics\n");
  if (request.method() != "GET" && request.method() != "HEAD") {
    response.header("allow", "GET, HEAD");
    return say(response, 405, plain_text, "GET and HEAD only\n");
  }
  if (path == "/livez") return say(response, 200, plain_text, "alive\n");
  if (path == "/readyz") return say_ready(response);
  if (path == "/status") {
    if (!is_fresh(status_)) renew(status_, status_text(service_.snapshot(), name_, loop_.now() - began_));
    return say(response, 200, "application/json", status_.text);
  }
  if (is_fresh(metrics_)) return say(response, 200, OpenMetrics::content_type, metrics_.text);
  // Those of clients that have left meanwhile wait too.
  if (waiting_.size() >= most_connections) return say(response, 503, plain_text, "too many ask at once\n");
  waiting_.push_back(&response);
  if (!measuring_) measure();
}

bool Admin::is_fresh(const Text& text) const {
  return loop_.now() - text.made < text_lives && text.events == figures_.events();
}

void Admin::renew(Text& text, std::string with) const {
  text = {.text = std::move(with), .events = figures_.events(), .made = loop_.now()};
}

// The kernel walks through all memory of each of them.
void Admin::measure() {
  struct Measured {
    std::vector<supervisor::Usage> workers;
    supervisor::Usage self;
  };
  const auto measured = std::make_shared<Measured>();
  auto job = [measured, all = service_.snapshot().workers()] {
    for (const supervisor::WorkerView& worker : all) {
      if (worker.pid()) measured->workers.push_back(supervisor::Usage::of(*worker.pid(), worker.slot()));
    }
    measured->self = supervisor::Usage::of(::getpid());
  };
  measuring_ = Work(loop_, std::move(job), [this, measured] {
    renew(metrics_, figures_.metrics(service_.snapshot(), measured->workers, measured->self));
    for (http::Response* response : std::exchange(waiting_, {})) {
      say(*response, 200, OpenMetrics::content_type, metrics_.text);
    }
  });
}

void Admin::obey(const http::Request& request, http::Response& response) {
  if (!takes_orders_) {
    return say(response, 403, plain_text, "orders are taken on a Unix socket only: --admin unix:/path\n");
  }
  const OrderAnswer answer = obey_order(request.target(), service_);
  say(response, answer.status, plain_text, answer.text);
}

void Admin::say_ready(http::Response& response) const {
  const supervisor::Snapshot snapshot = service_.snapshot();
  if (snapshot.state() == supervisor::State::draining) return say(response, 503, plain_text, "draining\n");
  if (snapshot.ready() == 0) return say(response, 503, plain_text, "no worker is ready\n");
  if (!snapshot.stuck().empty()) {
    return say(response, 503, plain_text,
               "no worker takes the connections of " + snapshot.stuck().front() + "\n");
  }
  say(response, 200, plain_text, "ready\n");
}

}  // namespace baton::cli
