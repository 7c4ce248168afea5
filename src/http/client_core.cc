#include "http/client_core.h"

#include <sys/socket.h>

#include <cerrno>
#include <iterator>
#include <utility>

#include "http/exchange.h"

namespace baton::http {
namespace {

// The server may have closed it, and the loop not have seen that yet.
bool is_quiet(int descriptor) {
  char byte = 0;
  return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace

ClientCore::ClientCore(Loop& loop, const ClientOptions& options, bool keeps)
    : loop_(loop), options_(options), keeps_(keeps && options.keep_alive_timeout().count() > 0) {}

void ClientCore::count(Origin& origin, int change) noexcept {
  origin.open += static_cast<std::size_t>(change);
  connections_ += static_cast<std::size_t>(change);
}

std::optional<net::Socket> ClientCore::take_idle(Origin& origin) {
  while (!origin.idle.empty()) {
    net::Socket socket = std::move(origin.idle.back().socket);
    origin.idle.pop_back();
    if (socket && is_quiet(socket.descriptor())) {
      socket.forget_callbacks();
      socket.ref();
      return socket;
    }
    count(origin, -1);
  }
  return std::nullopt;
}

void ClientCore::want(const std::shared_ptr<Exchange>& exchange) {
  Origin& origin = origins_[exchange->origin()];
  if (auto socket = take_idle(origin)) return exchange->use_again(std::move(*socket));
  const std::size_t most = options_.max_connections();
  if (most > 0 && origin.open >= most) {
    origin.waiting.emplace(exchange->number(), exchange);
    return exchange->wait_for_place();
  }
  count(origin, 1);
  exchange->connect();
}

void ClientCore::forget(const Exchange& exchange) {
  // It may have been passed over already, as the last of its place.
  const auto place = origins_.find(exchange.origin());
  if (place == origins_.end()) return;
  place->second.waiting.erase(exchange.number());
}

void ClientCore::keep(const std::string& origin, net::Socket socket, std::chrono::milliseconds time) {
  const auto place = origins_.find(origin);
  auto& idle = place->second.idle;
  const auto which = idle.emplace(idle.end(), std::move(socket), Timer());
  net::Socket& kept = which->socket;
  // Whatever comes on it now is no answer.
  const auto lost = [this, origin, which] { lose(origin, which); };
  kept.on_data([lost](std::string_view) { lost(); });
  kept.on_end([lost] { lost(); });
  kept.on_close([lost] { lost(); });
  kept.unref();
  which->timer = Timer(loop_, time, [lost] { lost(); }).unref();
  freed(place);
}

void ClientCore::lose(const std::string& origin, std::list<Idle>::iterator which) {
  const auto place = origins_.find(origin);
  // The callback that calls this lives in it.
  std::list<Idle> last;
  last.splice(last.end(), place->second.idle, which);
  count(place->second, -1);
  freed(place);
}

void ClientCore::gone(const std::string& origin) {
  const auto place = origins_.find(origin);
  count(place->second, -1);
  freed(place);
}

// There is a connection, or room for one.
void ClientCore::freed(Place place) {
  auto& waiting = place->second.waiting;
  while (!waiting.empty()) {
    const auto next = waiting.begin()->second.lock();
    waiting.erase(waiting.begin());
    if (next && next->waits()) return want(next);
  }
  if (place->second.open == 0) origins_.erase(place);
}

void ClientCore::close() noexcept {
  keeps_ = false;
  for (auto place = origins_.begin(); place != origins_.end();) {
    Origin& origin = place->second;
    count(origin, -static_cast<int>(origin.idle.size()));
    origin.idle.clear();
    const auto here = place++;
    if (origin.open == 0) origins_.erase(here);
  }
}

}  // namespace baton::http
