// spawner COUNT MIB: starts /bin/true COUNT times and waits for each, with MIB of touched memory resident.

#include <cstring>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "support/measure.h"
#include "support/median.h"

namespace {

baton::Task<> primary(baton::Process& self) {
  const int count = std::stoi(self.args().at(0));
  const std::vector<char> resident(std::stoul(self.args().at(1)) << 20, 'x');
  const auto options = baton::SpawnOptions().stdio(baton::Stdio::ignore());
  std::vector<double> walls;
  const double before = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN);
  for (int i = 0; i < count; ++i) {
    const double start = bench::now_us();
    auto child = baton::spawn(self.loop(), "/bin/true", {}, options);
    co_await child.exited();
    walls.push_back(bench::now_us() - start);
  }
  const double used = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN) - before;
  bench::print_figures({{"wall_us", bench::median(walls)}, {"cpu_us", used / count}});
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
