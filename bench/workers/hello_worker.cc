// The smallest worker: it says one thing to its parent and lives until the channel ends.

#include "baton/baton.h"

namespace {

void worker(baton::Process& self) {
  self.parent().on_disconnect([](bool) {});
  self.parent().send(baton::Value::object().set("hello", "world").set("n", 123));
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"worker", worker}}); }
