// What can be sent beside a message: servers, connections and UDP sockets, each also as a bare socket without
// an object around it, and a socket that has an address and does not listen yet.

#include "notes/notes.h"

using baton::Value;
using baton::net::BoundSocket;
using baton::net::Endpoint;
using baton::net::Native;
using baton::net::Server;
using baton::net::Socket;
using baton::net::UdpSocket;

namespace {

const Endpoint any_port("127.0.0.1", 0);

/// Any of them, once its port is told.
template <class Handle>
Handle told(const std::string& kind, Handle handle) {
  notes::say(kind + " on port " + std::to_string(handle.local().port()));
  return handle;
}

baton::Task<> primary(baton::Process& self) {
  auto& worker = self.fork(notes::worker_module(self, "notes_handles_worker"));
  // Only the youngest Nodes know what a bound socket is; the others die of it.
  const auto first = co_await worker.next_message();
  if (!first) co_return;
  worker.send("net.Server", told("net.Server", baton::net::listen(self.loop(), any_port)));
  worker.send("net.Native", Native(told("net.Native", baton::net::listen(self.loop(), any_port)).release()));
  worker.send("dgram.Socket", told("dgram.Socket", baton::net::bind_udp(self.loop(), any_port)));
  UdpSocket bare = told("dgram.Native", baton::net::bind_udp(self.loop(), any_port));
  worker.send("dgram.Native", Native(bare.release().value()));
  if (first->value()["knows_bound_sockets"] == Value(true)) {
    worker.send("net.BoundSocket", told("net.BoundSocket", baton::net::bind(any_port)));
  }
  // This one stays here, and each connection that it accepts moves to the worker.
  Server server = told("net.Socket", baton::net::listen(self.loop(), any_port));
  server.on_connection([&worker](Socket socket) { worker.send("net.Socket", std::move(socket)); });
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
