// The channel: `send` on one side, a message on the other, and any JSON value may travel.

#include "notes/notes.h"

using baton::Value;

namespace {

baton::Task<> primary(baton::Process& self) {
  auto& worker = self.fork(notes::worker_module(self, "notes_messages_worker"));
  notes::say("worker " + std::to_string(worker.pid()));
  worker.on_message([](const baton::Message& message) {
    // As JSON: an object in the middle of a text would only say that it is one.
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

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
