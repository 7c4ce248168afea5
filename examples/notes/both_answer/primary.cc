// The primary sends its server to a worker and goes on using it: now either of them may answer a client.

#include <unistd.h>

#include "notes/notes.h"

namespace {

baton::Task<> primary(baton::Process& self) {
  auto server = baton::net::listen(self.loop(), notes::endpoint(self, 1234));
  server.on_connection(
      [](baton::net::Socket socket) { socket.end("parent, pid " + std::to_string(getpid()) + "\n"); });
  auto& worker = self.fork(notes::worker_module(self, "notes_tcp_worker"));
  worker.send("server", server);
  notes::say("listening on port " + std::to_string(server.local().port()));
  notes::say("worker " + std::to_string(worker.pid()));
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
