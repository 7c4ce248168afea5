// An HTTP server that reads each request to its end and says what it read; `server.js` beside it is the same
// for Node. Prints "port N" and serves until SIGTERM. With `impatient` it waits for nobody.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "baton/http/server.h"
#include "baton/loop/signal.h"
#include "baton/loop/timer.h"

namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using baton::http::Request;
using baton::http::Response;

// What would end a field early, or be no field at all.
constexpr std::pair<std::string_view, std::string_view> split[] = {
    {"x", "a\r\nSet-Cookie: b"},
    {"x", "a\nb"},
    {"x", "a\rb"},
    {"x", "a\0b"sv},
    {"x",
     "a\x7f"
     "b"},
    {"x: y\r\nz", "a"},
    {"x y", "a"},
    {"", "a"},
};
std::string try_splitting(Response& response) {
  std::string text;
  for (const auto& [name, value] : split) {
    try {
      response.header(name, value);
      text += "taken ";
    } catch (const std::invalid_argument&) {
      text += "refused ";
    }
  }
  return text;
}

class Service {
 public:
  explicit Service(baton::Loop& loop) : loop_(loop) {}

  void operator()(Request& request, Response& response) {
    request.body(std::size_t{64} << 20, [&](const baton::Result<std::string>& body) {
      if (!body) return response.end();
      answer(request, response, *body);
    });
  }

 private:
  void answer(Request& request, Response& response, const std::string& body) {
    const std::string_view target = request.target();
    std::string text = std::string(request.method()) + " " + std::string(target) + " " +
                       std::to_string(request.headers().size()) + " fields\n" + body + "\n";
    for (const auto& [name, value] : request.trailers()) {
      text += std::string(name) + ": " + std::string(value) + "\n";
    }
    if (target == "/split") text = try_splitting(response);
    if (target == "/204") response.status(204);
    if (target == "/304") response.status(304);
    if (target != "/late") return response.end(text);
    late_.emplace_back(loop_, 20ms, [&response, text] { response.end(text); });
  }

  baton::Loop& loop_;
  std::list<baton::Timer> late_;
};

}  // namespace

int main(int argc, char** argv) {
  baton::Loop loop;
  baton::http::Options options;
  if (argc > 1 && argv[1] == "impatient"sv) {
    options.headers_timeout(100ms).request_timeout(100ms).keep_alive_timeout(100ms);
  }
  Service service(loop);
  auto server = baton::http::serve(baton::net::listen(loop, baton::net::Endpoint("127.0.0.1", 0)),
                                   std::ref(service), options);
  baton::SignalWatcher terminate(loop, SIGTERM, [&](int) {
    server.close();
    loop.stop();
  });
  std::printf("port %u\n", server.local().port());
  std::fflush(stdout);
  loop.run();
}
