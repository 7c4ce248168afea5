// An HTTP server that reads each request to its end and says what it read; `server.js` beside it is the same
// for Node. Prints "port N" and serves until SIGTERM.

#include <csignal>
#include <cstdio>
#include <string>

#include "baton/http/server.h"
#include "baton/loop/signal.h"

namespace {

void answer(baton::http::Request& request, baton::http::Response& response) {
  request.body(std::size_t{64} << 20, [&request, &response](const baton::Result<std::string>& body) {
    if (!body) return response.end();
    response.end(std::string(request.method()) + " " + std::string(request.target()) + " " +
                 std::to_string(body->size()) + "\n");
  });
}

}  // namespace

int main() {
  baton::Loop loop;
  auto server = baton::http::serve(baton::net::listen(loop, baton::net::Endpoint("127.0.0.1", 0)), answer);
  baton::SignalWatcher terminate(loop, SIGTERM, [&](int) {
    server.close();
    loop.stop();
  });
  std::printf("port %u\n", server.local().port());
  std::fflush(stdout);
  loop.run();
}
