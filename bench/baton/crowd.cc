// crowd COUNT MODULE: forks MODULE COUNT times at once; how long until the first message of the last one.

#include <memory>
#include <string>

#include "baton/baton.h"
#include "support/measure.h"

namespace {

baton::Task<> primary(baton::Process& self) {
  bench::raise_descriptor_limit();
  const int count = std::stoi(self.args().at(0));
  baton::Promise<> over(self.loop());
  int left = count;
  std::vector<baton::ForkedChild*> children;
  const double start = bench::now_us();
  for (int i = 0; i < count; ++i) {
    auto& child = self.fork(self.args().at(1));
    child.on_message([&](const baton::Message&) {
      if (--left == 0) over.resolve({});
    });
    children.push_back(&child);
  }
  const double forked = bench::now_us() - start;
  co_await over.op();
  bench::print_figures({{"wall_us", bench::now_us() - start}, {"forked_us", forked}});
  for (auto* child : children) child->kill(SIGKILL);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
