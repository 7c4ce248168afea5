#include "cluster/worker_machine.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace baton::cluster {
namespace {

using wire::PrimaryMessage;
using wire::WorkerMessage;

// Node sends a message whose handle was refused three times more.
constexpr unsigned tries = 4;

// Within one place servers are told apart by their index.
std::string place_of(const wire::ListenQuery& query) {
  const auto number = [](const std::optional<int64_t>& one) { return one ? std::to_string(*one) : "null"; };
  return query.address.value_or("null") + ':' + number(query.port) + ':' +
         std::to_string(static_cast<int>(query.type)) + ':' + number(query.fd);
}

}  // namespace

WorkerMachine::WorkerMachine(WorkerLimits limits) : limits_(limits) {}

// --- the program

void WorkerMachine::start() {
  if (std::exchange(started_, true)) return;
  send({.kind = WorkerMessage::Kind::online});
  report_load();
}

void WorkerMachine::listen(ServerId id, wire::ListenQuery query) {
  const auto [server, added] = servers_.try_emplace(id);
  if (!added) return;
  server->second.query = std::move(query);
  server->second.place = place_of(server->second.query);
  auto& [next, open] = indices_[server->second.place];
  server->second.query.index = next++;
  ++open;
  server->second.indexed = true;
  if (ended_ || leaving_) return fail(server, ended_ ? ENOTCONN : ECANCELED);
  if (servers_.size() > limits_.servers) return fail(server, EMFILE);
  const uint64_t seq = send({.kind = WorkerMessage::Kind::query_server, .query = server->second.query});
  queries_.emplace(seq, id);
}

void WorkerMachine::listening(ServerId id, int64_t port) {
  const auto server = servers_.find(id);
  if (server == servers_.end() || server->second.closed) return;
  WorkerMessage message{.kind = WorkerMessage::Kind::listening, .query = server->second.query};
  message.query.port = port;
  send(std::move(message));
}

void WorkerMachine::listen_failed(ServerId id, int error) {
  const auto server = servers_.find(id);
  if (server == servers_.end() || server->second.closed || !server->second.keyed) return;
  release_key(server->second.key);
  fail(server, error);
}

void WorkerMachine::close(ServerId id) {
  const auto server = servers_.find(id);
  if (server == servers_.end() || std::exchange(server->second.closed, true)) return;
  if (server->second.keyed) release_key(server->second.key);
  leave_place(server->second);
  forget_if_done(server);
}

void WorkerMachine::max_connections(ServerId id, std::optional<uint64_t> most) {
  const auto server = servers_.find(id);
  if (server != servers_.end()) server->second.most = most;
}

void WorkerMachine::connection_opened(ServerId id) {
  const auto server = servers_.find(id);
  if (server == servers_.end()) return;
  ++server->second.open;
  ++open_;
  report_load();
}

void WorkerMachine::connection_closed(ServerId id) {
  closed_one(id);
  report_load();
  leave_if_done();
}

void WorkerMachine::closed_one(ServerId id) {
  const auto server = servers_.find(id);
  if (server == servers_.end() || server->second.open == 0) return;
  --server->second.open;
  --open_;
  forget_if_done(server);
}

void WorkerMachine::disconnect() {
  if (!leaving_ && !ended_) leave(false);
}

void WorkerMachine::kill() {
  if (ended_ || done_) return;
  leaving_ = true;
  if (!farewell_) farewell_ = send({.kind = WorkerMessage::Kind::exited_after_disconnect});
}

// --- the primary

void WorkerMachine::primary_is_baton() {
  if (std::exchange(primary_is_baton_, true)) return;
  load_due_ = true;
  report_load();
}

void WorkerMachine::message(const Value& value, std::optional<HandleId> handle) {
  if (ended_) return close_handle(handle);
  auto message = wire::parse_primary_message(value, limits_.message);
  if (!message) {
    close_handle(handle);
    return report(message.error());
  }
  switch (message->kind) {
    case PrimaryMessage::Kind::reply:
      return on_reply(*message, handle);
    case PrimaryMessage::Kind::new_connection:
      return on_connection(*message, handle);
    case PrimaryMessage::Kind::disconnect:
      close_handle(handle);
      return leave(true);
    case PrimaryMessage::Kind::ping:
      close_handle(handle);
      send({.kind = WorkerMessage::Kind::pong, .number = message->number});
  }
}

void WorkerMachine::on_reply(PrimaryMessage& message, std::optional<HandleId> handle) {
  if (farewell_ && message.ack == *farewell_) {
    farewell_.reset();
    close_handle(handle);
    if (!std::exchange(done_, true)) act(WorkerAction::Kind::end_channel);
    return;
  }
  const auto query = queries_.find(message.ack);
  if (query == queries_.end()) {
    close_handle(handle);
    // A primary may say that the answer was lost, which is known here.
    if (message.error != 0) return;
    return unexpected("a reply to " + std::to_string(message.ack));
  }
  const auto server = servers_.find(query->second);
  queries_.erase(query);
  on_listener(server, message, handle);
}

// A handle: listen on it. None: the primary accepts.
void WorkerMachine::on_listener(Servers::iterator server, PrimaryMessage& message,
                                std::optional<HandleId> handle) {
  Server& entry = server->second;
  if (message.error != 0) {
    close_handle(handle);
    if (entry.closed) return forget(server);
    return fail(server, static_cast<int>(message.error < 0 ? -message.error : message.error));
  }
  if (server_of(message.key) != servers_.end()) {
    // To close that key would close the other one's.
    close_handle(handle);
    unexpected("a key that is in use");
    if (entry.closed) return forget(server);
    return fail(server, EADDRINUSE);
  }
  const int64_t asked = entry.query.port.value_or(0);
  const bool wrong_port = !handle && asked > 0 && message.sockname && message.sockname->port != asked;
  if (entry.closed || wrong_port) {
    close_handle(handle);
    release_key(message.key);
    if (entry.closed) return forget(server);
    return fail(server, EADDRINUSE);
  }
  entry.keyed = true;
  entry.key = std::move(message.key);
  WorkerAction& action = act(handle ? WorkerAction::Kind::adopt : WorkerAction::Kind::emulate);
  action.server = server->first;
  action.sockname = std::move(message.sockname);
  if (!handle) return;
  action.handle = *handle;
  action.port = asked;
  action.type = entry.query.is_udp() ? "dgram.Native" : "net.Native";
}

void WorkerMachine::on_connection(const PrimaryMessage& message, std::optional<HandleId> handle) {
  if (!message.seq) {
    close_handle(handle);
    return unexpected("newconn without seq");
  }
  const uint64_t seq = *message.seq;
  // It was sent again although it was refused for good: somebody else has it by now.
  if (was_refused(seq)) return close_handle(handle);
  const auto server = server_of(message.key);
  const bool takes = handle && server != servers_.end() &&
                     (!server->second.most || server->second.open < *server->second.most);
  if (!takes) {
    close_handle(handle);
    return answer(seq, false);
  }
  ++server->second.open;
  ++open_;
  pending_.push_back({0, server->first, *handle});
  answer(seq, true);
  report_load();
}

void WorkerMachine::handle_lost(const Value& value) {
  const auto message = wire::parse_primary_message(value, limits_.message);
  if (!message || ended_) return;
  if (message->kind == PrimaryMessage::Kind::new_connection && message->seq) {
    if (!was_refused(*message->seq)) refuse(*message->seq);
  } else if (message->kind == PrimaryMessage::Kind::reply) {
    const auto query = queries_.find(message->ack);
    if (query == queries_.end()) return;
    const auto server = servers_.find(query->second);
    if (++server->second.lost < tries) return;
    queries_.erase(query);
    // A Baton knows it by our refusals, which overtake what waits to be sent: this would come behind the next
    // query for the key, and take away what that one got.
    if (!primary_is_baton_) release_key(message->key);
    if (server->second.closed) return forget(server);
    fail(server, EMFILE);
  }
}

// --- answers

bool WorkerMachine::was_refused(uint64_t seq) const {
  return std::ranges::find(refusals_, seq) != refusals_.end();
}

void WorkerMachine::refuse(uint64_t seq) {
  refusals_.push_back(seq);
  if (refusals_.size() > limits_.remembered) refusals_.pop_front();
  answer(seq, false);
}

void WorkerMachine::answer(uint64_t seq, bool accepted) {
  (accepted ? accepted_ : refused_).push_back(seq);
  if (!primary_is_baton_ || accepted_.size() + refused_.size() >= limits_.message.answers) send_answers();
}

void WorkerMachine::read_done() { send_answers(); }

void WorkerMachine::send_answers() {
  if (accepted_.empty() && refused_.empty()) return;
  const bool settled = !accepted_.empty();
  WorkerMessage message{.kind = WorkerMessage::Kind::answers};
  message.accepted = std::exchange(accepted_, {});
  message.refused = std::exchange(refused_, {});
  send(std::move(message), settled);
  if (!settled) return;
  for (Pending& one : pending_) {
    if (one.token == 0) one.token = token_;
  }
}

void WorkerMachine::in_kernel(uint64_t token) {
  while (!pending_.empty() && pending_.front().token != 0 && pending_.front().token <= token) {
    WorkerAction& action = act(WorkerAction::Kind::deliver);
    action.server = pending_.front().server;
    action.handle = pending_.front().handle;
    pending_.pop_front();
  }
}

// --- leaving

void WorkerMachine::leave(bool told) {
  leaving_ = true;
  told_ = told_ || told;
  for (auto entry = servers_.begin(); entry != servers_.end();) {
    const auto server = entry++;
    if (server->second.closed) continue;
    if (!server->second.keyed) {
      // The primary no longer answers.
      server->second.closed = true;
      leave_place(server->second);
      WorkerAction& action = act(WorkerAction::Kind::failed);
      action.server = server->first;
      action.error = Error(ECANCELED, "listen", "the worker is leaving");
      continue;
    }
    act(WorkerAction::Kind::close_server).server = server->first;
    close(server->first);
  }
  leave_if_done();
}

void WorkerMachine::leave_if_done() {
  if (!leaving_ || done_ || ended_ || open_ > 0) return;
  send_answers();
  if (told_) {
    done_ = true;
    act(WorkerAction::Kind::end_channel);
  } else if (!farewell_) {
    farewell_ = send({.kind = WorkerMessage::Kind::exited_after_disconnect});
  }
}

void WorkerMachine::channel_ended() {
  if (std::exchange(ended_, true)) return;
  // Nobody can say whether the primary knows that they were accepted: they are still its own.
  for (const Pending& one : std::exchange(pending_, {})) {
    close_handle(one.handle);
    closed_one(one.server);
  }
  accepted_.clear();
  refused_.clear();
  for (const auto& [seq, id] : std::exchange(queries_, {})) {
    const auto server = servers_.find(id);
    if (server->second.closed) {
      forget(server);
    } else {
      fail(server, ENOTCONN);
    }
  }
  act(WorkerAction::Kind::ended).agreed = leaving_;
}

// --- servers

WorkerMachine::Servers::iterator WorkerMachine::server_of(const Value& key) {
  return std::ranges::find_if(servers_, [&](const auto& entry) {
    return entry.second.keyed && !entry.second.closed && entry.second.key == key;
  });
}

void WorkerMachine::release_key(const Value& key) { send({.kind = WorkerMessage::Kind::close, .key = key}); }

void WorkerMachine::fail(Servers::iterator server, int error) {
  WorkerAction& action = act(WorkerAction::Kind::failed);
  action.server = server->first;
  action.error = Error(error, "listen");
  forget(server);
}

void WorkerMachine::forget_if_done(Servers::iterator server) {
  const bool asks =
      std::ranges::any_of(queries_, [&](const auto& entry) { return entry.second == server->first; });
  if (server->second.closed && server->second.open == 0 && !asks) forget(server);
}

void WorkerMachine::forget(Servers::iterator server) {
  leave_place(server->second);
  servers_.erase(server);
}

// Indices begin again when all of a place are closed.
void WorkerMachine::leave_place(Server& server) {
  if (!std::exchange(server.indexed, false)) return;
  const auto place = indices_.find(server.place);
  if (--place->second.second == 0) indices_.erase(place);
}

// --- load

void WorkerMachine::lag(double milliseconds) {
  lag_ = milliseconds;
  report_load();
}

void WorkerMachine::time(uint64_t now) {
  now_ = std::max(now_, now);
  report_load();
}

std::optional<uint64_t> WorkerMachine::next_deadline() const {
  if (!primary_is_baton_ || ended_) return std::nullopt;
  if (open_ != sent_open_) return load_at_ + limits_.load_pause;
  if (lag_ != sent_lag_) return load_at_ + limits_.lag_pause;
  return std::nullopt;
}

void WorkerMachine::report_load() {
  if (!primary_is_baton_ || !started_ || ended_) return;
  const auto due = next_deadline();
  if (!load_due_ && (!due || *due > now_)) return;
  load_due_ = false;
  sent_open_ = open_;
  sent_lag_ = lag_;
  load_at_ = now_;
  send({.kind = WorkerMessage::Kind::load, .connections = open_, .lag = lag_});
}

// --- actions

uint64_t WorkerMachine::send(WorkerMessage message, bool settled) {
  const uint64_t seq = seq_;
  const bool unnumbered = message.kind == WorkerMessage::Kind::load ||
                          message.kind == WorkerMessage::Kind::pong ||
                          (message.kind == WorkerMessage::Kind::answers && primary_is_baton_);
  if (!unnumbered) message.seq = seq_++;
  if (ended_) return seq;
  WorkerAction& action = act(WorkerAction::Kind::send);
  action.message = wire::to_value(message);
  if (settled) action.token = ++token_;
  return seq;
}

void WorkerMachine::close_handle(std::optional<HandleId> handle) {
  if (handle) act(WorkerAction::Kind::close_handle).handle = *handle;
}

WorkerAction& WorkerMachine::act(WorkerAction::Kind kind) {
  return actions_.emplace_back(WorkerAction{.kind = kind});
}

void WorkerMachine::report(const Error& error) { act(WorkerAction::Kind::report).error = error; }

void WorkerMachine::unexpected(std::string_view what) {
  report(Error(make_error_code(Errc::unexpected_message), "cluster", what));
}

std::optional<WorkerAction> WorkerMachine::next_action() {
  if (actions_.empty()) return std::nullopt;
  std::optional<WorkerAction> next(std::move(actions_.front()));
  actions_.pop_front();
  return next;
}

}  // namespace baton::cluster
