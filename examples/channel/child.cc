// A child on the channel: says who it is, answers each message, and ends when the parent leaves.

#include <unistd.h>

#include "baton/baton.h"

struct Hello {
  int pid = 0;
};
BATON_FIELDS(Hello, pid)

struct Answer {
  baton::Value you_said;
};
BATON_FIELDS(Answer, you_said)

baton::Task<> child(baton::Process& self) {
  auto& parent = self.parent();
  parent.on_message([&parent](const baton::Message& message) { parent.send(Answer{message.value()}); });
  parent.send(Hello{::getpid()});
  co_await parent.disconnected();
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"child", child}}); }
