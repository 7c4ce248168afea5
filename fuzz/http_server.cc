// A connection's bytes to a whole server, in two pieces, whose handler does a different thing for each
// target: it must answer with HTTP or not at all, and come to its end when the client has finished. The first
// two bytes of the input say where it is cut.

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "baton/http/server.h"
#include "baton/loop/task.h"

namespace {

using baton::http::Request;
using baton::http::Response;

baton::Task<> pull(Request& request, Response& response) {
  std::size_t size = 0;
  try {
    while (const auto piece = co_await request.next_data()) size += piece->size();
  } catch (const baton::Error&) {
  }
  response.end(std::to_string(size));
}

void answer(baton::Loop& loop, Request& request, Response& response) {
  const std::string_view target = request.target();
  switch (target.size() > 1 ? target[1] : '/') {
    case 'd':
      response.on_close([&response] { response.end(); });
      request.on_data([&response](std::string_view bytes) { response.write(bytes); });
      request.on_end([&request, &response] {
        if (!request.trailers().empty()) response.trailer("seen", request.trailers()[0].second);
        response.end();
      });
      return;
    case 'b':
      return request.body(100, [&response](const baton::Result<std::string>& body) {
        response.end(body ? *body : "no body");
      });
    case 'p':
      baton::start(loop, pull(request, response));
      return;
    case 't':
      return response.trailer("a", "b").end("body");
    case 'f':
      if (!response.end_file("/etc/passwd")) response.status(404).end();
      return;
    case 'l':
      loop.defer([&response] { response.end("late"); });
      return;
    default:
      return response.end(target);
  }
}

std::string answers_to(std::string_view first, std::string_view second) {
  baton::Loop loop;
  auto server = baton::http::serve(
      loop, [&](Request& request, Response& response) { answer(loop, request, response); },
      baton::http::Options()
          .max_header_size(512)
          .max_headers_count(20)
          .max_body_size(1000)
          .max_requests_per_socket(50));
  server.on_check_continue([&](Request& request, Response& response) { answer(loop, request, response); });
  baton::net::Socket upgraded;
  server.on_upgrade([&](Request&, baton::net::Socket socket, const std::string& rest) {
    upgraded = std::move(socket);
    upgraded.on_data([&](std::string_view bytes) { upgraded.write(bytes); });
    upgraded.write("HTTP/1.1 101 Switching Protocols\r\n\r\n" + rest);
  });
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  server.adopt(baton::net::Socket::adopt(loop, baton::Fd(ends[0])).value());
  auto client = baton::net::Socket::adopt(loop, baton::Fd(ends[1])).value();
  std::string got;
  client.on_data([&](std::string_view bytes) { got += bytes; });
  client.write(first);
  client.flushed().then([&](const baton::Result<void>&) {
    if (client) client.end(second);
  });
  loop.run();
  return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = input.empty() ? 0 : (data[0] * 256U + data[1]) % (input.size() + 1);
  const std::string got = answers_to(input.substr(0, cut), input.substr(cut));
  if (!got.empty() && !got.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
