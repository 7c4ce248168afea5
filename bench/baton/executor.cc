// executor COUNT [--shell]: runs /bin/true COUNT times to its end, one after the other, with `exec_file`, or
// with `exec`.

#include <string>

#include "baton/baton.h"
#include "support/measure.h"

namespace {

baton::Task<> primary(baton::Process& self) {
  const int count = std::stoi(self.args().at(0));
  const bool shell = self.args().size() > 1;
  const baton::ExecOptions options;
  const std::string program = "/bin/true";
  const double before = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN);
  const double start = bench::now_us();
  for (int i = 0; i < count; ++i) {
    auto op = shell ? baton::exec(self.loop(), program, options)
                    : baton::exec_file(self.loop(), program, {}, options);
    const auto result = co_await std::move(op);
    if (!result.success()) bench::die("/bin/true");
  }
  const double wall = bench::now_us() - start;
  const double used = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN) - before;
  bench::print_figures({{"per_second", count / wall * 1e6}, {"cpu_us", used / count}});
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
