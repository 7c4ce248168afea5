#include "cli/admin.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "baton/net/server.h"
#include "cli/admin_order.h"
#include "cli/status.h"
#include "net/bound_stream.h"

namespace baton::cli {
namespace {

using std::chrono::milliseconds;

// Whoever asks is near. Beside him, at most so many waste our time, and none of them more than these.
constexpr std::size_t most_connections = 64;
constexpr milliseconds patience(2000);
constexpr std::size_t longest_head = 8192;
constexpr milliseconds text_lives(1000);
constexpr milliseconds ready_lives(50);
constexpr milliseconds between_looks_at_file(2000);
constexpr milliseconds file_patience(1000);
constexpr std::string_view plain_text = "text/plain; charset=utf-8";

void say(http::Response& response, int status, std::string_view type, std::string_view text) {
  response.status(status).header("content-type", type).header("cache-control", "no-store").end(text);
}

}  // namespace

Admin::Admin(Loop& loop, const net::Endpoint& endpoint, supervisor::Supervisor& service,
             const Figures& figures, std::string name, Log& log)
    : loop_(loop),
      service_(service),
      figures_(figures),
      name_(std::move(name)),
      log_(log),
      began_(loop.now()),
      takes_orders_(endpoint.family() == -1) {
  net::Server listener = net::listen(loop_, endpoint, net::ListenOptions().owner_only());
  if (takes_orders_) file_ = net::SocketFile(listener.descriptor(), endpoint.path());
  server_ = serve(std::move(listener));
  log_.listening_for_admin(server_.local().to_string());
  if (!takes_orders_) return;
  looking_ = Timer::every(loop, between_looks_at_file, [this, endpoint] { look_at_file(endpoint); });
  looking_.unref();
}

http::Server Admin::serve(net::Server listener) {
  return http::serve(
      std::move(listener),
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

// A cleaner may have removed it. Its folder may be gone too, or somebody else is there; perhaps not for long.
void Admin::look_at_file(const net::Endpoint& endpoint) {
  if (file_look_ || !metrics_.waiting.empty() || !status_.waiting.empty()) return;
  struct Anew {
    Fd socket;
    net::SocketFile file;
    std::optional<Error> failed;
    bool there = false;
  };
  const auto anew = std::make_shared<Anew>();
  file_look_ = spawner::Look(
      loop_, file_lane_, file_patience,
      [anew, endpoint, place = file_.place()] {
        if (!place.is_gone()) {
          anew->there = true;
          return;
        }
        try {
          anew->socket = net::listening_stream(endpoint, net::ListenOptions().owner_only());
          anew->file = net::SocketFile(anew->socket.get(), endpoint.path());
        } catch (const Error& error) {
          anew->failed = error;
        }
      },
      [this, anew](const Result<void>& made) {
        if (!made) return;
        if (anew->there) return has_file();
        if (anew->failed) return lost_file(*anew->failed);
        if (!anew->socket) return;
        auto listener = net::Server::adopt(loop_, std::move(anew->socket));
        if (!listener) return;
        // Whoever is being answered by the old server has until the next time.
        former_ = std::exchange(server_, serve(std::move(*listener)));
        file_.forget();  // it is gone
        file_ = std::move(anew->file);
        has_file();
      });
  file_look_.unref();
}

void Admin::has_file() {
  if (std::exchange(file_lost_, false)) log_.listening_for_admin(server_.local().to_string());
}

// Perhaps only for a moment: it is tried again.
void Admin::lost_file(const Error& why) {
  if (std::exchange(file_lost_, true)) return;
  log_.say("admin_lost", "admin on " + server_.local().to_string() +
                             " has lost its file, which cannot be made anew: nobody can connect (" +
                             why.what() + ")");
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
  answer_when_measured(path == "/status" ? status_ : metrics_, response);
}

void Admin::answer_when_measured(Text& text, http::Response& response) {
  if (is_fresh(text)) return say(response, 200, text.type, text.text);
  // Those of clients that have left meanwhile wait too.
  if (text.waiting.size() >= most_connections)
    return say(response, 503, plain_text, "too many ask at once\n");
  text.waiting.push_back(&response);
  if (text.looks.busy()) return;
  std::vector<supervisor::UsageLooks::Whom> whom;
  const supervisor::Snapshot now = service_.snapshot();
  for (const supervisor::WorkerView& worker : now.workers()) {
    if (worker.pid()) whom.emplace_back(worker.slot(), *worker.pid());
  }
  if (&text == &metrics_) whom.emplace_back(0, ::getpid());
  text.looks.measure(whom, [this, &text](std::vector<supervisor::Usage> all) {
    text.text = &text == &metrics_ ? metrics_of(std::move(all)) : status_of(all);
    text.events = figures_.events();
    text.made = loop_.now();
    for (http::Response* one : std::exchange(text.waiting, {})) say(*one, 200, text.type, text.text);
  });
}

std::string Admin::status_of(const std::vector<supervisor::Usage>& all) const {
  return status_text(service_.snapshot(), all, name_, loop_.now() - began_);
}

std::string Admin::metrics_of(std::vector<supervisor::Usage> all) const {
  const auto ours = std::ranges::find(all, ::getpid(), &supervisor::Usage::pid);
  const supervisor::Usage self = ours == all.end() ? supervisor::Usage() : *ours;
  if (ours != all.end()) all.erase(ours);
  return figures_.metrics(service_.snapshot(), all, self);
}

bool Admin::is_fresh(const Text& text) const {
  return loop_.now() - text.made < text_lives && text.events == figures_.events();
}

void Admin::obey(const http::Request& request, http::Response& response) {
  if (!takes_orders_) {
    return say(response, 403, plain_text, "orders are taken on a Unix socket only: --admin unix:/path\n");
  }
  const OrderAnswer answer = obey_order(request.target(), service_);
  say(response, answer.status, plain_text, answer.text);
}

// With many listeners it is costly to say, and many may ask.
void Admin::say_ready(http::Response& response) {
  if (loop_.now() - ready_.made >= ready_lives || ready_.events != figures_.events()) {
    ready_.text = why_not_ready();
    ready_.events = figures_.events();
    ready_.made = loop_.now();
  }
  if (ready_.text.empty()) return say(response, 200, plain_text, "ready\n");
  say(response, 503, plain_text, ready_.text);
}

std::string Admin::why_not_ready() const {
  const supervisor::Snapshot snapshot = service_.snapshot();
  if (snapshot.state() == supervisor::State::draining) return "draining\n";
  if (snapshot.ready() == 0) return "no worker is ready\n";
  if (!snapshot.stuck().empty())
    return "no worker takes the connections of " + snapshot.stuck().front() + "\n";
  return {};
}

}  // namespace baton::cli
