#include "baton/http/server.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <stdexcept>
#include <utility>

#include "http/connection.h"
#include "http/server_core.h"

namespace baton::http {
namespace {

using std::chrono::milliseconds;

// Often enough that the shortest limit is kept to within a quarter of it, and seldom enough to cost nothing.
milliseconds sweep_interval(const Options& options) {
  milliseconds interval(500);
  for (const milliseconds limit : {options.headers_timeout(), options.request_timeout(),
                                   options.keep_alive_timeout(), options.send_timeout()}) {
    if (limit.count() > 0) interval = std::min(interval, limit / 4);
  }
  return std::max(interval, milliseconds(5));
}

}  // namespace

ServerCore::ServerCore(Loop& loop, Handler handler, const Options& options)
    : loop_(loop),
      handler_(std::make_shared<Handler>(std::move(handler))),
      options_(options),
      keep_alive_seconds_(static_cast<unsigned>(
          std::chrono::floor<std::chrono::seconds>(options.keep_alive_timeout()).count())),
      idle_limit_(options.keep_alive_timeout()),
      sweep_interval_(sweep_interval(options)) {}

ServerCore::~ServerCore() = default;

void ServerCore::listen_on(net::Server listener) {
  listener_ = std::move(listener);
  listener_.on_connection([this](net::Socket socket) {
    const auto self = shared_from_this();
    const std::size_t limit = draining_ ? 0 : options_.max_connections();
    if (limit > 0 && options_.replace_oldest()) {
      if (connections_.size() >= limit) replace_oldest();
      adopt(std::move(socket));
      // None of them may have been in the way of being let go.
      full_ = connections_.size() > limit;
      if (full_ && listener_) listener_.pause();
      return;
    }
    adopt(std::move(socket));
    full_ = limit > 0 && connections_.size() >= limit;
    if (full_ && listener_) listener_.pause();
  });
}

// One of the listener, and the next one no earlier than in the next turn.
void ServerCore::replace_oldest() {
  const auto oldest =
      std::ranges::min_element(connections_, {}, [](const auto& one) { return one->waiting_since(); });
  if ((*oldest)->waiting_since() != milliseconds::max()) {
    const auto connection = (*oldest)->shared_from_this();
    connection->abandon();
  }
  if (!listener_) return;
  replaced_ = true;
  listener_.pause();
  ask_for_turn();
}

void ServerCore::next_turn(const std::shared_ptr<Connection>& connection) {
  wait_for_turn_.push_back(connection);
  ask_for_turn();
}

void ServerCore::ask_for_turn() {
  if (!turn_) {
    turn_ = NextTurn(loop_, [this] {
      const auto self = shared_from_this();
      begin_turn();
    });
  }
  turn_.ask();
}

void ServerCore::begin_turn() {
  if (std::exchange(replaced_, false) && listener_ && !full_) listener_.resume();
  for (const auto& waiting : std::exchange(wait_for_turn_, {})) {
    if (const auto connection = waiting.lock()) connection->go_on();
  }
}

void ServerCore::adopt(net::Socket socket) {
  if (!socket) return;
  const std::size_t most = options_.max_connections_per_address();
  const std::string address = most > 0 ? socket.remote().address() : std::string();
  auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket), connections_.size());
  connections_.push_back(connection);
  connection->start();
  // The client of a Unix-domain socket has no address.
  if (!address.empty()) connection->count_in(addresses_.add(address, most));
  if (!sweep_timer_.active()) start_sweep();
}

void ServerCore::start_sweep() {
  sweep_timer_ = Timer::every(loop_, sweep_interval_, [this] {
    const auto self = shared_from_this();
    sweep();
  });
  sweep_timer_.unref();
}

void ServerCore::remove(Connection& connection) {
  const std::size_t place = connection.place();
  const auto removed = std::move(connections_[place]);
  if (place + 1 < connections_.size()) {
    connections_[place] = std::move(connections_.back());
    connections_[place]->moved_to(place);
  }
  connections_.pop_back();
  if (const auto* entry = connection.counted_in()) addresses_.remove(entry);
  if (full_ && listener_ && connections_.size() < options_.max_connections()) {
    full_ = false;
    listener_.resume();
  }
  connection_ended();
}

// From the back, since a connection that is removed leaves its place to the last.
void ServerCore::sweep() {
  // With nothing to look at, an idle process is not woken for it.
  if (connections_.empty()) return sweep_timer_.stop();
  const milliseconds now = loop_.now();
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (i >= connections_.size()) continue;
    const auto connection = connections_[i];
    connection->check(now);
  }
}

std::size_t ServerCore::most_headers() const noexcept {
  const std::size_t most = options_.max_headers_count();
  return most > 0 ? most : std::numeric_limits<std::size_t>::max();
}

void ServerCore::report(const Error& error) {
  if (!on_error_) return;
  loop_.defer([self = shared_from_this(), error] { self->on_error_.fire(self->loop_, error); });
}

std::string_view ServerCore::date_line() { return date_.at(std::time(nullptr)); }

net::Endpoint ServerCore::local() const { return listener_ ? listener_.local() : net::Endpoint(); }

Op<> ServerCore::stop_accepting() {
  draining_ = true;
  // A client whose connection waits in the backlog has been told that it is connected, also by a full server.
  if (listener_) {
    listener_.resume();
    listener_.accept_pending();
  }
  listener_.close();
  Promise<>& promise = drains_.emplace_back(loop_, "drain a server");
  auto op = promise.op();
  connection_ended();
  return op;
}

Op<> ServerCore::retire(milliseconds grace) {
  auto op = stop_accepting();
  if (idle_limit_.count() == 0 || grace < idle_limit_) idle_limit_ = std::max(grace, milliseconds(1));
  sweep_interval_ = std::min(sweep_interval_, std::max(idle_limit_ / 4, milliseconds(5)));
  if (!connections_.empty()) start_sweep();
  return op;
}

Op<> ServerCore::drain(std::chrono::nanoseconds time) {
  auto op = stop_accepting();
  if (connections_.empty()) return op;
  const milliseconds deadline = loop_.now() + std::chrono::ceil<milliseconds>(time);
  if (!drain_deadline_ || deadline < *drain_deadline_) {
    drain_deadline_ = deadline;
    drain_timer_ = Timer(loop_, time, [this] {
      const auto self = shared_from_this();
      while (!connections_.empty()) {
        const auto connection = connections_.back();
        connection->give_up();
      }
    });
  }
  return op;
}

void ServerCore::connection_ended() {
  if (!draining_ || !connections_.empty()) return;
  drain_timer_.stop();
  drain_deadline_.reset();
  for (Promise<>& promise : std::exchange(drains_, {})) promise.resolve({});
}

void ServerCore::close() noexcept {
  drains_.clear();
  on_error_.clear();
  listener_.close();
  sweep_timer_.stop();
  drain_timer_.stop();
  turn_.close();
  wait_for_turn_.clear();
  while (!connections_.empty()) {
    const auto connection = connections_.back();
    connection->drop();
  }
}

Server::Server() noexcept = default;
Server::Server(std::shared_ptr<ServerCore> core) noexcept : core_(std::move(core)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&& other) noexcept {
  if (this != &other) {
    close();
    core_ = std::move(other.core_);
  }
  return *this;
}
Server::~Server() { close(); }

ServerCore& Server::core() const {
  if (!core_) throw std::logic_error("there is no HTTP server: none was made, or it was moved away");
  return *core_;
}
void Server::on_check_continue(Handler handler) { core().on_check_continue(std::move(handler)); }
void Server::on_check_expectation(Handler handler) { core().on_check_expectation(std::move(handler)); }
void Server::on_upgrade(UpgradeHandler handler) { core().on_upgrade(std::move(handler)); }
void Server::on_connect(UpgradeHandler handler) { core().on_connect(std::move(handler)); }
void Server::on_error(baton::Handler<const Error&> callback) { core().on_error(std::move(callback)); }
void Server::adopt(net::Socket socket) { core().adopt(std::move(socket)); }
Op<> Server::drain(std::chrono::nanoseconds time) { return core().drain(time); }
Op<> Server::retire(milliseconds grace) { return core().retire(grace); }
void Server::close() noexcept {
  if (core_) std::exchange(core_, nullptr)->close();
}
net::Endpoint Server::local() const { return core().local(); }
std::size_t Server::connections() const noexcept { return core_ ? core_->connections() : 0; }

Server serve(net::Server listener, Handler handler, const Options& options) {
  auto core = std::make_shared<ServerCore>(listener.loop(), std::move(handler), options);
  core->listen_on(std::move(listener));
  return Server(std::move(core));
}

Server serve(Loop& loop, Handler handler, const Options& options) {
  return Server(std::make_shared<ServerCore>(loop, std::move(handler), options));
}

}  // namespace baton::http
