// What can be sent beside a message: servers, connections and UDP sockets, each also as a bare socket without
// an object around it, and a socket that has an address and does not listen yet.
// 随消息可以发送的句柄：server、连接、UDP 套接字，各自也可以是外面没有对象的裸套接字，
// 还有已经绑定地址、但尚未监听的套接字。

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
/// 任意一种句柄，先报出它的端口。
template <class Handle>
Handle told(const std::string& kind, Handle handle) {
  notes::say(kind + " on port " + std::to_string(handle.local().port()));
  return handle;
}

baton::Task<> primary(baton::Process& self, const notes::Settings& settings) {
  auto& worker = self.fork(settings.worker);
  // Only the youngest Nodes know what a bound socket is; the others die of it.
  // 只有 Node 26 起认识 net.BoundSocket；较老的 Node 收到会退出。
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
  // 这个 server 留在这里；它 accept 到的每条连接移交给工作进程。
  Server server = told("net.Socket", baton::net::listen(self.loop(), any_port));
  server.on_connection([&worker](Socket socket) { worker.send("net.Socket", std::move(socket)); });
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_primary(
      argc, argv,
      {.name = "notes_handles_primary",
       .does = "Sends a worker one handle of each kind, and says on which port each is.",
       .zh = "把每一种句柄各发一个给工作进程，并说明各自的端口。",
       .worker = "notes_handles_worker"},
      primary);
}
