// A child that gives its parent what it has; giver.js does the same by Node:
//
//   {"ready":<pid>}                 its first message
//   {"do":"listen"}              -> {"listening":PORT}; each connection goes to the parent, with "yours".
//   With
//                                   "path" it listens there, and says that.
//   {"do":"listen","keep":true}     says something to it, sends it with "ours", and has it still
//   {"do":"listen","read":true}     reads first, and sends with the connection what it has read; {"back":...}
//   says that the
//                                   connection came back, with that
//   {"do":"drop"}                -> {"open":1} as it kept that one connection, which it closes
//   {"do":"count"}               -> {"open":N}: how many connections of the server the parent has
//   {"do":"close"}               -> {"closed":true} once the parent has closed all of them
//   {"do":"udp6"}                -> {"given":PORT} with a UDP socket of ::1
//   {"do":"server","path":...}   -> {"given":PATH} with a server
//   {"do":"ping"}                -> {"pong":true}
//   {"do":"bye"}                    it exits with 0 once everything it sent has left

#include <unistd.h>

#include <string>
#include <utility>

#include "baton/baton.h"

using baton::Process;
using baton::Value;
using baton::net::Endpoint;
using baton::net::Server;
using baton::net::Socket;

namespace {

class Giver {
 public:
  explicit Giver(Process& self) : self_(self), parent_(self.parent()) {
    parent_.on_message([this](const baton::Message& message) { on_order(message.value()); });
    parent_.send(Value::object().set("ready", getpid()));
  }

 private:
  void on_order(const Value& order) {
    const std::string& what = order["do"].as_string();
    if (what == "listen") return listen(order);
    if (what == "drop") return drop();
    if (what == "count") return count();
    if (what == "close") return close();
    if (what == "udp6") return give_udp();
    if (what == "server") return give_server(order);
    if (what == "ping") return say("pong", true);
    if (what == "bye") self_.exit(0);
  }

  void say(std::string_view name, const Value& value) {
    parent_.send(Value::object().set(std::string(name), value));
  }

  static Endpoint where(const Value& order) {
    if (order.find("path") == nullptr) return Endpoint("127.0.0.1", 0);
    return Endpoint::unix_path(order["path"].as_string());
  }

  void listen(const Value& order) {
    server_ = baton::net::listen(self_.loop(), where(order));
    if (order.find("keep") != nullptr) {
      server_.on_connection([this](Socket socket) { share(std::move(socket)); });
    } else if (order.find("read") != nullptr) {
      server_.on_connection([this](Socket socket) { read_and_give(std::move(socket)); });
    } else {
      server_.on_connection([this](Socket socket) { parent_.send("yours", std::move(socket)); });
    }
    const Endpoint local = server_.local();
    say("listening", local.family() == -1 ? Value(local.path()) : Value(local.port()));
  }

  void share(Socket socket) {
    kept_ = std::move(socket);
    kept_.write("said by the child\n");
    kept_.flushed().then([this](const baton::Result<void>&) {
      parent_.send("ours", kept_, baton::SendOptions().keep_open());
    });
  }

  void read_and_give(Socket socket) {
    // To a Node it cannot go like that, and comes back.
    parent_.on_error([](const baton::Error&) {});
    parent_.on_unsent(
        [this](const baton::net::Native& handle, const baton::Error&) { say("back", handle.unread()); });
    kept_ = std::move(socket);
    kept_.on_data([this](std::string_view bytes) {
      kept_.unread(bytes);
      parent_.send("yours", std::move(kept_));
    });
  }

  void drop() {
    say("open", kept_ ? 1 : 0);
    kept_.close();
  }

  void count() {
    parent_.count_sockets(server_).then(
        [this](const baton::Result<uint64_t>& open) { say("open", static_cast<int64_t>(open.value())); });
  }

  void close() {
    parent_.sockets_closed(server_).then([this](const baton::Result<void>& closed) {
      server_.close();
      say("closed", closed.has_value());
    });
  }

  void give_udp() {
    const auto socket = baton::net::bind_udp(self_.loop(), Endpoint("::1", 0));
    parent_.send(Value::object().set("given", socket.local().port()), socket);
  }

  void give_server(const Value& order) {
    const Server server = baton::net::listen(self_.loop(), where(order));
    parent_.send(Value::object().set("given", server.local().path()), server);
  }

  Process& self_;
  baton::Channel& parent_;
  Server server_;
  Socket kept_;
};

baton::Task<> give(Process& self) {
  const Giver giver(self);
  co_await self.parent().disconnected();
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"give", give}}); }
