// The channel: `send` on one side, a message on the other, and any JSON value may travel.
// 通道：一端 `send`，另一端收到消息；任何 JSON 值都可以发送，不只是字符串。

#include "notes/notes.h"

using baton::Value;

namespace {

baton::Task<> primary(baton::Process& self, const notes::Settings& settings) {
  auto& worker = self.fork(settings.worker);
  notes::say("worker " + std::to_string(worker.pid()));
  worker.on_message([](const baton::Message& message) {
    // As JSON: an object in the middle of a text would only say that it is one.  按 JSON 打印。
    notes::say("got message: " + baton::to_json(message.value()));
  });
  worker.send("some msg");
  worker.send(42);
  worker.send(true);
  worker.send(nullptr);
  const Value list = Value::array({1, "two", Value::array({3.5})});
  worker.send(list);
  worker.send(Value::object().set("name", "父进程").set("list", list));
  co_await notes::asked_to_end(self);
  self.exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_primary(argc, argv,
                            {.name = "notes_messages_primary",
                             .does = "Sends a worker messages of every JSON kind, and prints its answers.",
                             .zh = "给工作进程发送各种 JSON 值，并打印它的回答。",
                             .worker = "notes_messages_worker"},
                            primary);
}
