// Gets a server that listens already, and answers each connection with its process id.
// 收到一个已经在监听的 server，用自己的 pid 回答每条连接。

#include <unistd.h>

#include "notes/notes.h"

namespace {

baton::Task<> worker(baton::Process& self) {
  baton::net::Server server;
  self.parent().on_message([&server](baton::Message message) {
    if (message.value() != baton::Value("server")) return;
    server = message.take<baton::net::Server>();
    server.on_connection(
        [](baton::net::Socket socket) { socket.end("child, pid " + std::to_string(getpid()) + "\n"); });
  });
  co_await self.parent().disconnected();
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_worker(argc, argv,
                           {.name = "notes_tcp_worker",
                            .does = "Gets a server, and answers each connection with its pid.",
                            .zh = "收到 server，用自己的 pid 回答每条连接。"},
                           worker);
}
