#include <algorithm>
#include <utility>

#include "sim/cluster_worker.h"
#include "sim/coverage.h"

namespace baton::sim {
namespace {

Value start(std::string_view act) { return Value::object().set("cmd", "NODE_CLUSTER").set("act", act); }

}  // namespace

NodeWorker::NodeWorker(Story& story, ClusterBook& book, Pid pid, int descriptor)
    : ClusterWorker(story, book, pid), peer_(story, pid, descriptor) {
  say(start("online"));
}

void NodeWorker::say(Value message) {
  message.set("seq", seq_++);
  (void)peer_.send(0, message, -1, Cargo::nothing, false);
}

void NodeWorker::query(std::string_view act, Server& server) {
  Value message = start(act);
  message.set("index", 0).set("data", nullptr).set("address", nullptr).set("port", server.port);
  message.set("addressType", 4).set("backlog", 0);
  say(std::move(message));
}

void NodeWorker::listen(int port) {
  if (listens(port) || leaving_ || !peer_.accepts()) return;
  servers_.push_back({next_server_++, port, Phase::asked, seq_, {}});
  query("queryServer", servers_.back());
}

bool NodeWorker::listens(int port) const {
  return std::ranges::any_of(
      servers_, [&](const Server& one) { return one.port == port && one.phase != Phase::closed; });
}

void NodeWorker::close_server(int port) {
  for (Server& one : servers_) {
    if (one.port == port && one.phase == Phase::open) close(one);
  }
  check_leaving();
}

void NodeWorker::close(Server& server) {
  server.phase = Phase::closed;
  drop_shared(server.id);
  say(start("close").set("key", server.key));
}

void NodeWorker::leave() {
  if (!leaving_) leave(false);
}

void NodeWorker::leave(bool told) {
  leaving_ = true;
  told_ = told_ || told;
  for (Server& one : servers_) {
    if (one.phase == Phase::open) close(one);
  }
  check_leaving();
}

void NodeWorker::check_leaving() {
  if (!leaving_ || over_ || !held_.empty()) return;
  if (told_) {
    over_ = true;
    peer_.disconnect();
  } else if (farewell_ < 0) {
    farewell_ = seq_;
    say(start("exitedAfterDisconnect"));
  }
}

void NodeWorker::go_mad() {
  if (!running()) return;
  mad_ = true;
  book_->went_mad(pid_);
  held_.clear();
  if (peer_.open()) {
    peer_.disconnect();
    peer_.act(Act::close);
  }
}

void NodeWorker::heard(const Value& message, int descriptor) {
  if (const auto ack = message["ack"].get_if_integer()) {
    if (*ack == farewell_) {
      over_ = true;
      return peer_.disconnect();
    }
    return reply(message, descriptor);
  }
  if (message["cmd"] == Value("NODE_BATON_DRAIN")) return drain();
  if (message["cmd"] == Value("NODE_BATON_PING")) {
    return say(Value::object().set("cmd", "NODE_BATON_PONG").set("n", message["n"]));
  }
  const std::string* act = message["act"].get_if_string();
  if (act == nullptr) return;
  if (*act == "newconn") new_connection(message, descriptor);
  if (*act == "disconnect") leave(true);
}

// Some programs have no handler, some close their servers in it, and some loops are too busy to answer.
void NodeWorker::drain() {
  if (pid_ % 4 == 0) return;
  const bool handled = pid_ % 4 > 1;
  if (handled) {
    for (Server& one : servers_) {
      if (one.phase == Phase::open) close(one);
    }
  }
  say(Value::object().set("cmd", "NODE_BATON_DRAINS").set("signalled", handled));
}

void NodeWorker::lag(double milliseconds) {
  say(Value::object()
          .set("cmd", "NODE_BATON_LOAD")
          .set("connections", held_.size())
          .set("lag", milliseconds));
}

void NodeWorker::reply(const Value& message, int descriptor) {
  const auto server = std::ranges::find(servers_, message["ack"].as_integer(), &Server::query);
  if (server == servers_.end()) return story_->wrong("a reply to nothing");
  if (message["errno"].get_if_integer().value_or(0) != 0) {
    server->phase = Phase::closed;
    return;
  }
  const std::string key = message["key"].as_string();
  const auto same = [&](const Server& one) { return one.phase == Phase::open && one.key == key; };
  if (std::ranges::any_of(servers_, same)) return story_->wrong("a key twice: an assertion in Node");
  server->key = key;
  server->phase = Phase::open;
  if (descriptor >= 0) shared_.push_back({descriptor, server->id});
  if (leaving_) {
    close(*server);
  } else {
    query("listening", *server);
  }
}

void NodeWorker::new_connection(const Value& message, int descriptor) {
  const auto server = std::ranges::find_if(servers_, [&](const Server& one) {
    return one.phase == Phase::open && Value(one.key) == message["key"];
  });
  const bool accepts = server != servers_.end() && (!most_ || server->open < *most_);
  Value answer =
      Value::object().set("cmd", "NODE_CLUSTER").set("ack", message["seq"]).set("accepted", accepts);
  say(std::move(answer));
  if (!accepts) {
    kernel().close(pid_, descriptor);
    return;
  }
  ++server->open;
  hold(descriptor, server->id);
}

void NodeWorker::ended() {
  if (leaving_) {
    over_ = true;
  } else {
    exit(0);
  }
}

void NodeWorker::connection_opened(std::uint32_t server) {
  const auto one = std::ranges::find(servers_, server, &Server::id);
  if (one != servers_.end()) ++one->open;
}

void NodeWorker::connection_closed(std::uint32_t server) {
  const auto one = std::ranges::find(servers_, server, &Server::id);
  if (one != servers_.end()) --one->open;
  check_leaving();
}

}  // namespace baton::sim
