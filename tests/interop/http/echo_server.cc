// An HTTP server that shows what an answer can be made of; `echo_server.js` beside it is the same for Node.
// Prints "port N" and serves until SIGTERM.
//   /chunks    three pieces
//   /nothing   204
//   others     the body back, piece by piece, then its trailers and how long it was
// Whoever expects `100 Continue` gets it, but for /refused; "tea" can be upgraded to, and echoes.

#include <csignal>
#include <cstdio>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "baton/http/server.h"
#include "baton/loop/signal.h"
#include "baton/loop/task.h"

namespace {

using baton::http::Request;
using baton::http::Response;

baton::Task<> echo(Request& request, Response& response) {
  std::size_t size = 0;
  response.header("trailer", "x-bytes");
  try {
    while (auto piece = co_await request.next_data()) {
      size += piece->size();
      if (!response.write(*piece)) co_await response.drained();
    }
    for (const auto& [name, value] : request.trailers()) response.trailer(name, value);
    response.trailer("x-bytes", std::to_string(size));
  } catch (const baton::Error&) {
    // The client is gone.
  }
  response.end();
}

class Service {
 public:
  explicit Service(baton::Loop& loop)
      : loop_(loop),
        server_(
            baton::http::serve(baton::net::listen(loop, baton::net::Endpoint("127.0.0.1", 0)),
                               [this](Request& request, Response& response) { answer(request, response); })) {
    server_.on_check_continue([this](Request& request, Response& response) {
      if (request.target() == "/refused") return response.status(401).end("who are you?");
      response.write_continue();
      answer(request, response);
    });
    server_.on_upgrade([this](Request& request, baton::net::Socket socket, std::string first) {
      upgrade(std::string(*request.header("upgrade")), std::move(socket), first);
    });
  }

  [[nodiscard]] unsigned port() const { return server_.local().port(); }
  void close() {
    server_.close();
    upgraded_.clear();
  }

 private:
  void answer(Request& request, Response& response) {
    response.header("x-port", std::to_string(request.remote().port()));
    if (request.target() == "/chunks") {
      for (const char* piece : {"one ", "two ", "three"}) response.write(piece);
      response.end();
    } else if (request.target() == "/nothing") {
      response.status(204).end();
    } else {
      baton::start(loop_, echo(request, response));
    }
  }

  void upgrade(const std::string& protocol, baton::net::Socket given, const std::string& first) {
    baton::net::Socket& socket = upgraded_.emplace_back(std::move(given));
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol +
                 "\r\n\r\n");
    socket.write(first);
    socket.on_data([&socket](std::string_view bytes) { socket.write(bytes); });
  }

  baton::Loop& loop_;
  baton::http::Server server_;
  std::list<baton::net::Socket> upgraded_;
};

}  // namespace

int main() {
  baton::Loop loop;
  Service service(loop);
  baton::SignalWatcher terminate(loop, SIGTERM, [&](int) {
    service.close();
    loop.stop();
  });
  std::printf("port %u\n", service.port());
  std::fflush(stdout);
  loop.run();
}
