// The primary sends its server to a worker and goes on using it: now either of them may answer a client.
// 主进程把 server 发给工作进程，自己也继续用：客户端的请求由谁回答都有可能。
// A server is shared, not moved: one socket in the kernel, a descriptor of it in each process.
// server 是共享的，不是移走的：内核里只有一个套接字，两个进程各持有它的一个描述符。

#include <unistd.h>

#include "notes/notes.h"

namespace {

baton::Task<> primary(baton::Process& self, const notes::Settings& settings) {
  auto server = baton::net::listen(self.loop(), settings.endpoint());
  server.on_connection(
      [](baton::net::Socket socket) { socket.end("parent, pid " + std::to_string(getpid()) + "\n"); });
  auto& worker = self.fork(settings.worker);
  worker.send("server", server);
  notes::say("listening on port " + std::to_string(server.local().port()));
  notes::say("worker " + std::to_string(worker.pid()));
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_primary(argc, argv,
                            {.name = "notes_both_answer_primary",
                             .does = "Sends its server to a worker and answers clients too.",
                             .zh = "把 server 发给工作进程，自己也回答客户端。",
                             .worker = "notes_tcp_worker",
                             .port = 1234},
                            primary);
}
