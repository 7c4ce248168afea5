// worker echo|sink COUNT: the child of the measurements with messages and sockets; worker.js is its twin.
//
// echo sends every object back. sink takes COUNT messages, closing the handles that come with them, says
// "done", and begins anew. To the message "cpu" either answers the processor time it has used, in
// microseconds.

#include "baton/baton.h"
#include "support/measure.h"

namespace {

class Worker {
 public:
  explicit Worker(baton::Process& self)
      : parent_(self.parent()), count_(self.args()[0] == "sink" ? std::atol(self.args()[1].c_str()) : 0) {
    bench::raise_descriptor_limit();
    parent_.on_message([this](const baton::Message& message) { on_message(message.value()); });
    parent_.send("ready");
  }

 private:
  void on_message(const baton::Value& message) {
    if (message.is_string() && message.as_string() == "cpu") {
      parent_.send(bench::cpu_us(RUSAGE_SELF));
    } else if (count_ == 0) {
      parent_.send(message);
    } else if (++received_ == count_) {
      received_ = 0;
      parent_.send("done");
    }
  }

  baton::Channel& parent_;
  long count_;
  long received_ = 0;
};

baton::Task<> worker(baton::Process& self) {
  const Worker measured(self);
  co_await self.parent().disconnected();
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"worker", worker}}); }
