// A child for node_child_parent.js: gets connections over the channel, and answers the HTTP requests on them.

#include <unistd.h>

#include "baton/baton.h"

baton::Task<> child(baton::Process& self) {
  auto http = baton::http::serve(self.loop(), [](auto& /*request*/, auto& response) {
    response.end("Hello from C++, process " + std::to_string(::getpid()) + "\n");
  });
  while (auto message = co_await self.parent().next_message())
    if (auto* socket = message->get_if<baton::net::Socket>())
      http.adopt(std::move(*socket));  // else its client is gone
  co_await http.drain(std::chrono::seconds(10));
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"child", child}}); }
