// One worker a core, each with an HTTP server on a port of its own. The channel is how the primary learns
// which.

#include "notes/notes.h"

namespace {

baton::Task<> primary(baton::Process& self) {
  const std::string module = notes::worker_module(self, "notes_random_port_worker");
  for (unsigned i = 0; i < notes::count(self); ++i) {
    auto& worker = self.fork(module);
    worker.on_message([&worker](const baton::Message& message) {
      notes::say("worker " + std::to_string(worker.pid()) + " listening on port " +
                 baton::to_json(message.value()["listening"]));
    });
  }
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
