// What can be sent beside a message: a server, a connection, and a bare socket without an object around it.

#include "notes/notes.h"

using baton::net::Endpoint;
using baton::net::Native;
using baton::net::Server;
using baton::net::Socket;

namespace {

Server listen(baton::Process& self, const std::string& kind) {
  Server server = baton::net::listen(self.loop(), Endpoint("127.0.0.1", 0));
  notes::say(kind + " on port " + std::to_string(server.local().port()));
  return server;
}

baton::Task<> primary(baton::Process& self) {
  auto& worker = self.fork(notes::worker_module(self, "notes_handles_worker"));
  worker.send("net.Server", listen(self, "net.Server"));
  worker.send("net.Native", Native(listen(self, "net.Native").release()));
  // This one stays here, and each connection that it accepts moves to the worker.
  Server server = listen(self, "net.Socket");
  server.on_connection([&worker](Socket socket) { worker.send("net.Socket", std::move(socket)); });
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
