// Many processes, one port: the primary listens, sends the server to each worker, and closes its own.
// 多个进程，一个端口：主进程监听，把 server 发给每个工作进程，然后关闭自己的那一份。
// The answer is plain text and no HTTP: `curl localhost:1234` refuses it.
// 回答是纯文本，不是 HTTP：`curl localhost:1234` 会拒收。
//
//     nc localhost 1234          curl telnet://localhost:1234 </dev/null

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
                            {.name = "notes_tcp_primary",
                             .does = "Listens, sends the server to each worker, and closes its own.",
                             .zh = "监听，把 server 发给每个工作进程，再关闭自己的。",
                             .worker = "notes_tcp_worker",
                             .port = 1234,
                             .many = true},
                            primary);
}
