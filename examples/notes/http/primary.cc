// The same as with TCP: what a worker does with the connections is not the primary's business.
//
//     curl localhost:8080

#include "notes/notes.h"

namespace {

void hand_out_a_server(baton::Process& self) {
  const auto server = baton::net::listen(self.loop(), notes::endpoint(self, 8080));
  notes::say("listening on port " + std::to_string(server.local().port()));
  const std::string module = notes::worker_module(self, "notes_http_worker");
  for (unsigned i = 0; i < notes::count(self); ++i) {
    auto& worker = self.fork(module);
    worker.send("server", server);
    notes::say("worker " + std::to_string(worker.pid()));
  }
}  // the primary's own server closes here; those of the workers serve on

baton::Task<> primary(baton::Process& self) {
  hand_out_a_server(self);
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
