// An HTTP server on a free port. Port 0 leaves the choice to the kernel, which knows what is free.
// 在空闲端口上提供 HTTP。端口写 0 就是让内核来选：只有它知道哪些端口空着。

#include <unistd.h>

#include "baton/http/server.h"
#include "notes/notes.h"

namespace {

baton::Task<> worker(baton::Process& self) {
  auto server = baton::http::serve(baton::net::listen(self.loop(), baton::net::Endpoint("127.0.0.1", 0)),
                                   [](baton::http::Request&, baton::http::Response& response) {
                                     response.header("content-type", "text/plain")
                                         .end("Hello World from " + std::to_string(getpid()) + "\n");
                                   });
  self.parent().send(baton::Value::object().set("listening", server.local().port()));
  co_await self.parent().disconnected();
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_worker(argc, argv,
                           {.name = "notes_random_port_worker",
                            .does = "Serves HTTP on a free port, and tells the primary which.",
                            .zh = "在空闲端口上提供 HTTP，并告诉主进程是哪个端口。"},
                           worker);
}
