// Looks at what came with each message, and answers clients with the kind of handle that brought them here.
// 看每条消息带来了什么句柄；有客户端来，就回答是哪一种句柄把它带到这里的。

#include <unistd.h>

#include <list>

#include "notes/notes.h"

using baton::Value;
using baton::net::BoundSocket;
using baton::net::Endpoint;
using baton::net::Native;
using baton::net::Server;
using baton::net::Socket;
using baton::net::UdpSocket;

namespace {

class Answering {
 public:
  explicit Answering(baton::Loop& loop) : loop_(loop) {}

  void take(baton::Message message) {
    const std::string answer = message.handle_type() + " in " + std::to_string(getpid()) + "\n";
    if (message.get_if<Server>() != nullptr) {
      serve(message.take<Server>(), answer);
    } else if (message.get_if<Socket>() != nullptr) {
      message.take<Socket>().end(answer);
    } else if (message.get_if<UdpSocket>() != nullptr) {
      serve(message.take<UdpSocket>(), answer);
    } else if (message.get_if<BoundSocket>() != nullptr) {
      serve(baton::net::listen(loop_, message.take<BoundSocket>()), answer);
    } else if (message.get_if<Native>() != nullptr) {
      serve(message.take<Native>(), answer);
    }
  }

 private:
  void serve(Server server, const std::string& answer) {
    servers_.push_back(std::move(server));
    servers_.back().on_connection([answer](Socket socket) { socket.end(answer); });
  }
  void serve(UdpSocket socket, const std::string& answer) {
    UdpSocket& served = datagrams_.emplace_back(std::move(socket));
    served.on_message(
        [&served, answer](std::string_view, const Endpoint& from) { served.send(answer, from); });
  }
  void serve(Native bare, const std::string& answer) {
    if (bare.listens()) {
      serve(Server::adopt(loop_, bare.release()).value(), answer);
    } else {
      serve(UdpSocket::adopt(loop_, bare.release()).value(), answer);
    }
  }

  baton::Loop& loop_;
  std::list<Server> servers_;
  std::list<UdpSocket> datagrams_;
};

baton::Task<> worker(baton::Process& self) {
  Answering answering(self.loop());
  self.parent().on_message([&answering](baton::Message message) { answering.take(std::move(message)); });
  self.parent().send(Value::object().set("knows_bound_sockets", true));
  co_await self.parent().disconnected();
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_worker(argc, argv,
                           {.name = "notes_handles_worker",
                            .does = "Answers clients with the kind of handle that brought them here.",
                            .zh = "回答客户端：是哪一种句柄把它带到这里的。"},
                           worker);
}
