// Looks at what came with each message, and answers clients with the kind of handle that brought them here.

#include <unistd.h>

#include <list>

#include "notes/notes.h"

using baton::net::Native;
using baton::net::Server;
using baton::net::Socket;

namespace {

void answer(Socket socket, const std::string& kind) {
  socket.end(kind + " in " + std::to_string(getpid()) + "\n");
}

baton::Task<> worker(baton::Process& self) {
  std::list<Server> servers;
  const auto serve = [&servers](Server server, const std::string& kind) {
    servers.push_back(std::move(server));
    servers.back().on_connection([kind](Socket socket) { answer(std::move(socket), kind); });
  };
  self.parent().on_message([&](baton::Message message) {
    const std::string kind = message.handle_type();
    if (message.get_if<Server>() != nullptr) {
      serve(message.take<Server>(), kind);
    } else if (message.get_if<Socket>() != nullptr) {
      answer(message.take<Socket>(), kind);
    } else if (message.get_if<Native>() != nullptr) {
      serve(Server::adopt(self.loop(), message.take<Native>().release()).value(), kind);
    }
  });
  co_await self.parent().disconnected();
}

}  // namespace

int main(int argc, char** argv) { return notes::run_worker(argc, argv, worker); }
