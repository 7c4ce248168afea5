// The same as with TCP: what a worker does with the connections is not the primary's business.
// 与 TCP 的主进程一样：工作进程拿连接做什么，主进程不必知道。
//
//     curl localhost:8080

#include "notes/notes.h"

namespace {

void hand_out_a_server(baton::Process& self, const notes::Settings& settings) {
  const auto server = baton::net::listen(self.loop(), settings.endpoint());
  notes::say("listening on port " + std::to_string(server.local().port()));
  for (unsigned i = 0; i < settings.count; ++i) {
    auto& worker = self.fork(settings.worker);
    worker.send("server", server);
    notes::say("worker " + std::to_string(worker.pid()));
  }
}  // the primary's own server closes here; those of the workers serve on  主进程的 server 在此关闭

baton::Task<> primary(baton::Process& self, const notes::Settings& settings) {
  hand_out_a_server(self, settings);
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_primary(argc, argv,
                            {.name = "notes_http_primary",
                             .does = "Listens, sends the server to each worker, and closes its own.",
                             .zh = "监听，把 server 发给每个工作进程，再关闭自己的。",
                             .worker = "notes_http_worker",
                             .port = 8080,
                             .many = true},
                            primary);
}
