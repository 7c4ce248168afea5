// Feeds each connection of the server that it gets to an HTTP server that does not listen itself.
// 收到的 server 每 accept 一条连接，就交给一个自己并不监听的 HTTP 服务器。

#include <unistd.h>

#include "baton/http/server.h"
#include "notes/notes.h"

using baton::Value;

namespace {

baton::Task<> worker(baton::Process& self) {
  auto http = baton::http::serve(self.loop(), [](baton::http::Request&, baton::http::Response& response) {
    const Value answer = Value::object().set("msg", "Hello World").set("pid", getpid());
    response.header("content-type", "application/json").end(baton::to_json(answer));
  });
  baton::net::Server tcp;
  self.parent().on_message([&](baton::Message message) {
    if (message.value() != Value("server")) return;
    tcp = message.take<baton::net::Server>();
    tcp.on_connection([&http](baton::net::Socket socket) { http.adopt(std::move(socket)); });
  });
  co_await self.parent().disconnected();
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_worker(argc, argv,
                           {.name = "notes_http_worker",
                            .does = "Gets a server, and answers each connection by HTTP, with its pid.",
                            .zh = "收到 server，用 HTTP 回答每条连接，正文里有自己的 pid。"},
                           worker);
}
