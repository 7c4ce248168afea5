// Serves the connections that it is given. An exception that leaves a callback ends up in `on_uncaught`:
// nobody knows what it left half done, so the worker says what it was, answers the clients it still has, and
// ends.
// 为交给它的连接服务。没人捕获的异常最后到达 `on_uncaught`：
// 没有人知道哪些事只做了一半，所以它说明原因，答完手上的客户端，然后退出。

#include <unistd.h>

#include <stdexcept>

#include "baton/http/server.h"
#include "notes/notes.h"

using baton::Value;

namespace {

std::string what_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

void answer(const baton::http::Request& request, baton::http::Response& response) {
  if (request.target() == "/throw") throw std::runtime_error("asked to");
  response.header("content-type", "text/plain").end("served by " + std::to_string(getpid()) + "\n");
}

baton::Task<> worker(baton::Process& self) {
  auto& parent = self.parent();
  auto http = baton::http::serve(self.loop(), answer);
  self.loop().on_uncaught([&](const std::exception_ptr& exception) {
    parent.send(Value::object().set("uncaught", what_of(exception)));
    http.drain(std::chrono::seconds(5)).then([&self](baton::Result<void>) { self.exit(1); });
  });
  parent.on_message([&http](baton::Message message) {
    if (message.value() == Value("connection")) http.adopt(message.take<baton::net::Socket>());
  });
  parent.send("ready");
  co_await parent.disconnected();
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_worker(argc, argv,
                           {.name = "notes_exceptions_worker",
                            .does = "Serves connections; at an exception it says which, and ends.",
                            .zh = "为交给它的连接服务；遇到没人捕获的异常时说明原因并退出。"},
                           worker);
}
