// A reverse proxy on port 7003: recipe_proxy http://HOST:PORT... gives each request to the next of these.

#include <cstring>

#include "baton/baton.h"

namespace http = baton::http;

// All but those that are of one connection only.
void copy_headers(const http::Headers& from, auto& to) {
  static constexpr auto own =
      " connection content-length expect keep-alive te trailer transfer-encoding upgrade ";
  for (const auto& [name, value] : from)
    if (strcasestr(own, (' ' + std::string(name) + ' ').c_str()) == nullptr) to.add_header(name, value);
}

baton::Task<> pass_on(http::Client& client, std::string url, http::Request& request,
                      http::Response& response) {
  http::FetchOptions options;
  options.method(request.method());
  copy_headers(request.headers(), options);
  const auto length = request.header("content-length");
  const auto piece_by_piece = [&request] { return request.next_data(); };
  if (length) options.body(piece_by_piece, std::stoull(std::string(*length)));
  if (request.header("transfer-encoding")) options.body(piece_by_piece);
  try {
    auto reply = co_await client.fetch(url, options);
    copy_headers(reply.headers(), response.status(reply.status()));
    if (const auto size = reply.header("content-length")) response.header("content-length", *size);
    while (const auto piece = co_await reply.next_data()) {
      response.write(*piece);
      co_await response.drained();  // fails when the client is gone
    }
    response.end();
  } catch (const baton::Error& error) {
    if (response.head_sent()) throw;
    throw http::Refusal(502, error.what());
  }
}

baton::Task<> proxy(baton::Process& self) {
  http::Client client(self.loop());
  auto listener = baton::net::listen(self.loop(), baton::net::Endpoint("0.0.0.0", 7003));
  const auto upstreams =
      self.args().empty() ? std::vector<std::string>{"http://localhost:8080"} : self.args();
  std::size_t turn = 0;
  const auto server = http::serve(std::move(listener), [&](auto& request, auto& response) {
    const auto& upstream = upstreams[turn++ % upstreams.size()];
    return pass_on(client, upstream + std::string(request.target()), request, response);
  });
  co_await baton::Promise<>(self.loop()).op();  // for ever
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"proxy", proxy}}); }
