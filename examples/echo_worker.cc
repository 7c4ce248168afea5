// A child for any parent, Baton or Node: it echoes messages, and serves the handles that come with them.
//
//   {"ready":<pid>}                         its first message
//   m                                    -> {"echo":m}
//   m with a handle                      -> {"got":"net.Server","with":m}, and it serves the handle: a
//   server's
//                                           connections, a connection, each datagram with the same datagram
//   {"give":"net.Server"|"net.Socket"|"net.Native"|"net.BoundSocket"|"dgram.Socket"|"dgram.Native"}
//                                        -> {"given":...,"port":P} with such a handle
//   "bye"                                   it exits with 0 once everything it sent has left
//   "throw"                                 an exception leaves the callback: it exits with 1
//
// It speaks the serialization that its parent says. --serialization json|advanced says which one that has to
// be.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "baton/baton.h"

using baton::Message;
using baton::Process;
using baton::Value;
using baton::net::BoundSocket;
using baton::net::Endpoint;
using baton::net::Native;
using baton::net::Server;
using baton::net::Socket;
using baton::net::UdpSocket;

namespace {

constexpr auto patience = std::chrono::seconds(5);

class EchoWorker {
 public:
  explicit EchoWorker(Process& self) : self_(self) {
    auto& parent = self.parent();
    parent.on_message([this](Message message) { on_message(std::move(message)); });
    parent.send(Value::object().set("ready", getpid()));
  }

  /// Accepts no more connections, and settles when those that were accepted are answered.
  baton::Op<> finished() {
    servers_.clear();
    datagrams_.clear();
    finished_.emplace(self_.loop());
    auto op = finished_->op();
    settle_if_finished();
    return op;
  }

 private:
  struct Served {
    Socket socket;
    baton::Timer deadline;
  };

  void on_message(Message message) {
    const Value& value = message.value();
    if (message.has_handle()) {
      take_handle(std::move(message));
    } else if (value == Value("bye")) {
      self_.exit(0);
    } else if (value == Value("throw")) {
      throw std::runtime_error("asked to");
    } else if (value.is_object() && value.size() == 1 && value.find("give") != nullptr) {
      give(value["give"]);
    } else {
      self_.parent().send(Value::object().set("echo", inside(message.take_value())));
    }
  }

  // A message becomes a part of the answer: the answer itself is the first object there.
  static Value inside(Value message) {
    message.move_references(1);
    return message;
  }

  void take_handle(Message message) {
    self_.parent().send(
        Value::object().set("got", message.handle_type()).set("with", inside(message.take_value())));
    if (message.get_if<Server>() != nullptr) {
      serve(message.take<Server>());
    } else if (message.get_if<Socket>() != nullptr) {
      serve(message.take<Socket>(), "handled by ");
    } else if (message.get_if<UdpSocket>() != nullptr) {
      serve(message.take<UdpSocket>());
    } else if (message.get_if<BoundSocket>() != nullptr) {
      listen_on(message.take<BoundSocket>());
    } else {
      serve(message.take<Native>());
    }
  }

  void serve(Native native) {
    if (native.listens()) {
      serve(Server::adopt(self_.loop(), native.release()).value());
    } else if (native.kind() == baton::DescriptorKind::udp) {
      serve(UdpSocket::adopt(self_.loop(), native.release()).value());
    } else {
      serve(Socket::adopt(self_.loop(), std::move(native)).value(), "handled by ");
    }
  }

  // Somebody else may listen on that address by now.
  void listen_on(BoundSocket socket) {
    try {
      serve(baton::net::listen(self_.loop(), std::move(socket)));
    } catch (const baton::Error& error) {
      self_.parent().send(Value::object().set("error", error.what()));
    }
  }

  void serve(UdpSocket socket) {
    UdpSocket& served = datagrams_.emplace_back(std::move(socket));
    served.on_message([&served](std::string_view bytes, const Endpoint& from) { served.send(bytes, from); });
  }

  void serve(Server server) {
    servers_.push_back(std::move(server));
    servers_.back().on_connection([this](Socket socket) { serve(std::move(socket), "served by "); });
  }

  // Closing while the peer still sends would reset the connection, and the answer might be lost with it.
  void serve(Socket socket, const std::string& greeting) {
    const auto served = connections_.insert(connections_.end(), Served{std::move(socket), {}});
    auto forget = [this, served] {
      connections_.erase(served);
      settle_if_finished();
    };
    served->deadline = baton::Timer(self_.loop(), patience, forget);
    served->socket.on_close(forget);
    served->socket.on_data([](std::string_view) {});
    served->socket.end(greeting + std::to_string(getpid()) + "\n");
  }

  void give(const Value& kind) {
    const Endpoint any_port("127.0.0.1", 0);
    if (kind == Value("net.Server")) {
      Server server = baton::net::listen(self_.loop(), any_port);
      self_.parent().send(given("net.Server", server.local().port()), server);
      serve(std::move(server));
    } else if (kind == Value("net.Socket")) {
      give_socket();
    } else if (kind == Value("net.Native")) {
      Server server = baton::net::listen(self_.loop(), any_port);
      const Value message = given("net.Native", server.local().port());
      const Native native(server.release());
      self_.parent().send(message, native);
    } else if (kind == Value("net.BoundSocket")) {
      BoundSocket socket = baton::net::bind(any_port);
      const Value message = given("net.BoundSocket", socket.local().port());
      self_.parent().send(message, std::move(socket));
    } else if (kind == Value("dgram.Socket")) {
      UdpSocket socket = baton::net::bind_udp(self_.loop(), any_port);
      self_.parent().send(given("dgram.Socket", socket.local().port()), socket);
      serve(std::move(socket));
    } else if (kind == Value("dgram.Native")) {
      UdpSocket socket = baton::net::bind_udp(self_.loop(), any_port);
      const Value message = given("dgram.Native", socket.local().port());
      self_.parent().send(message, Native(socket.release().value()));
    } else {
      self_.parent().send(Value::object().set("error", "cannot give " + baton::to_json(kind)));
    }
  }

  // Both ends are made here: the near one is given away, the far one is served.
  void give_socket() {
    servers_.push_back(baton::net::listen(self_.loop(), Endpoint("127.0.0.1", 0)));
    const auto server = std::prev(servers_.end());
    server->on_connection([this, server](Socket far) {
      servers_.erase(server);
      serve(std::move(far), "handled by ");
    });
    baton::net::connect(self_.loop(), server->local()).then([this](baton::Result<Socket> near) {
      if (!near) {
        self_.parent().send(Value::object().set("error", near.error().what()));
        return;
      }
      const uint16_t port = near->local().port();
      self_.parent().send(given("net.Socket", port), std::move(*near));
    });
  }

  void settle_if_finished() {
    if (finished_ && connections_.empty()) finished_->resolve({});
  }

  static Value given(const char* type, uint16_t port) {
    return Value::object().set("given", type).set("port", port);
  }

  Process& self_;
  std::list<Server> servers_;
  std::list<UdpSocket> datagrams_;
  std::list<Served> connections_;
  std::optional<baton::Promise<>> finished_;
};

// Whether the arguments ask for what the channel is.
bool fits(const Process& self, baton::Serialization serialization) {
  if (self.args().empty()) return true;
  const std::string spoken = serialization == baton::Serialization::advanced ? "advanced" : "json";
  if (self.args() == std::vector<std::string>{"--serialization", spoken}) return true;
  if (self.args()[0] != "--serialization") return true;
  std::fprintf(stderr, "echo_worker: the parent's serialization is %s\n", spoken.c_str());
  return false;
}

baton::Task<> echo(Process& self) {
  if (!self.has_parent()) {
    try {
      (void)self.parent();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "echo_worker: %s\n", error.what());
    }
    self.exit(2);
    co_return;
  }
  if (!fits(self, self.parent().serialization())) {
    self.exit(2);
    co_return;
  }
  EchoWorker worker(self);
  co_await self.parent().disconnected();
  co_await worker.finished();
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"echo", echo}}); }
