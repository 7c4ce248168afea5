#include <csignal>

#include "baton/baton.h"

using namespace std::chrono_literals;

baton::Task<> service(baton::Process& self) {
  auto& loop = self.loop();
  auto server = baton::http::serve(baton::net::listen(loop, 8080),
                                   [](auto& /*request*/, auto& response) { response.end("Hello\n"); });
  co_await baton::next_signal(loop, SIGTERM, SIGINT);
  co_await server.drain(10s);
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"service", service}}); }
