// One worker a core, each with an HTTP server on a port of its own. The channel is how the primary learns
// which.
// 每个核一个工作进程，各自监听自己的端口，提供 HTTP。主进程从通道得知是哪个端口。

#include "notes/notes.h"

namespace {

baton::Task<> primary(baton::Process& self, const notes::Settings& settings) {
  for (unsigned i = 0; i < settings.count; ++i) {
    auto& worker = self.fork(settings.worker);
    worker.on_message([&worker](const baton::Message& message) {
      notes::say("worker " + std::to_string(worker.pid()) + " listening on port " +
                 baton::to_json(message.value()["listening"]));
    });
  }
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_primary(argc, argv,
                            {.name = "notes_random_port_primary",
                             .does = "Starts a worker a core, and prints the port that each has found.",
                             .zh = "每个核启动一个工作进程，并打印各自得到的端口。",
                             .worker = "notes_random_port_worker",
                             .many = true},
                            primary);
}
