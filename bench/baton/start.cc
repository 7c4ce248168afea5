// start COUNT MODULE: forks MODULE so many times, one after the other, each until its first message.
// start --memory COUNT MODULE: the same, and looks at its private memory when it has been idle for a while.
// The module `worker` is this program itself, as a program that forks its own entries is; what both map is
// private to neither.

#include <chrono>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "support/measure.h"
#include "support/median.h"
#include "support/processes.h"

namespace {

constexpr auto idle = std::chrono::milliseconds(100);

baton::Task<> primary(baton::Process& self) {
  auto args = self.args();
  const bool memory = args.at(0) == "--memory";
  if (memory) args.erase(args.begin());
  const int count = std::stoi(args.at(0));
  std::vector<double> walls;
  std::vector<double> cpus;
  std::vector<double> kibs;
  for (int i = 0; i < count; ++i) {
    const double start = bench::now_us();
    auto& child = self.fork(args.at(1));
    (co_await child.next_message()).value();
    walls.push_back(bench::now_us() - start);
    if (memory) {
      co_await baton::sleep(self.loop(), idle);
      kibs.push_back(bench::private_kib(child.pid()));
    }
    child.kill(SIGKILL);
    const auto status = co_await child.exited();
    cpus.push_back(static_cast<double>((status.usage().user_time() + status.usage().system_time()).count()));
  }
  if (memory) {
    bench::print_figures({{"private_kib", bench::median(kibs)}});
  } else {
    bench::print_figures({{"wall_us", bench::median(walls)}, {"cpu_us", bench::median(cpus)}});
  }
}

void worker(baton::Process& self) {
  self.parent().on_disconnect([](bool) {});
  self.parent().send(baton::Value::object().set("hello", "world").set("n", 123));
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}, {"worker", worker}}); }
