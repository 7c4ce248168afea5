// The other side of the channel: the same two, `send` and the message.
// 通道的另一端，做的是同样两件事：`send`，以及收消息。

#include "notes/notes.h"

using baton::Value;

namespace {

baton::Task<> worker(baton::Process& self) {
  auto& parent = self.parent();
  parent.on_message([&parent](const baton::Message& message) {
    notes::say("child process got msg: " + baton::to_json(message.value()));
    parent.send(Value::object().set("you_said", message.value()));
  });
  parent.send(Value::object().set("name", "worker"));
  co_await parent.disconnected();
}

}  // namespace

int main(int argc, char** argv) {
  return notes::run_worker(argc, argv,
                           {.name = "notes_messages_worker",
                            .does = "Prints each message, and sends it back.",
                            .zh = "打印每条消息，并把它发回去。"},
                           worker);
}
