// A reverse proxy on port 7003: recipe_proxy http://HOST:PORT... gives each request to the next of these.

#include <csignal>

#include "baton/baton.h"

namespace http = baton::http;

baton::Task<> pass_on(http::Client& client, std::string upstream, http::Request& request,
                      http::Response& response) {
  std::optional<http::Reply> reply;
  try {
    reply = co_await client.fetch(upstream, http::forward(request)).cancel_on(response.gone());
  } catch (const baton::Error& error) {
    if (error.code() == baton::Errc::cancelled) throw;
    throw http::Refusal(502, error.name());
  }
  co_await http::forward(std::move(*reply), response);
}

baton::Task<> proxy(baton::Process& self) {
  http::Client client(self.loop());
  const auto upstreams =
      self.args().empty() ? std::vector<std::string>{"http://localhost:8080"} : self.args();
  std::size_t turn = 0;
  const auto server = http::serve(
      baton::net::listen(self.loop(), 7003), [&](http::Request& request, http::Response& response) {
        return pass_on(client, upstreams[turn++ % upstreams.size()], request, response);
      });
  co_await baton::next_signal(self.loop(), SIGTERM, SIGINT);
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"proxy", proxy}}); }
