#include "baton/baton.h"

// One worker a core. The primary hands each the listening server; its own copy closes here, theirs serve on.
void primary(baton::Process& self) {
  const auto server = baton::net::listen(self.loop(), baton::net::Endpoint("0.0.0.0", 8080));
  for (unsigned i = 0; i < baton::available_parallelism(); ++i) {
    auto& worker = self.fork("worker");  // a named entry of this same binary, executed anew
    worker.send("server", server);
  }
}

baton::Task<> worker(baton::Process& self) {
  auto& primary = self.parent();
  auto message = co_await primary.next_message();
  if (!message) co_return;  // the primary is gone
  auto http = baton::http::serve(message->take<baton::net::Server>(), [](auto& /*request*/, auto& response) {
    response.header("content-type", "text/plain").end("Hello World\n");
  });
  co_await primary.disconnected();
  co_await http.drain(std::chrono::seconds(10));
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}, {"worker", worker}}); }
