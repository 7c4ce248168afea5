// spawn COUNT MIB: the same as baton/spawner with vfork and exec, the least that the kernel asks for.

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "support/measure.h"
#include "support/median.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int count = std::atoi(argv[1]);
  const std::vector<char> resident(std::strtoul(argv[2], nullptr, 10) << 20, 'x');
  std::vector<double> walls;
  const double before = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN);
  for (int i = 0; i < count; ++i) {
    const double start = bench::now_us();
    const pid_t child = vfork();  // NOLINT(bugprone-unsafe-functions): what is measured
    if (child == 0) {
      execl("/bin/true", "/bin/true", nullptr);
      _exit(127);
    }
    waitpid(child, nullptr, 0);
    walls.push_back(bench::now_us() - start);
  }
  const double used = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN) - before;
  bench::print_figures({{"wall_us", bench::median(walls)}, {"cpu_us", used / count}});
}
