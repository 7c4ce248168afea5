// run_true COUNT [--shell]: the same as baton/executor with posix_spawn and waitpid, the output not read.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "support/measure.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int count = std::atoi(argv[1]);
  std::string words[] = {"/bin/sh", "-c", "/bin/true"};
  char* by_shell[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  char* alone[] = {words[2].data(), nullptr};
  char** arguments = argc > 2 ? by_shell : alone;
  const double before = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN);
  const double start = bench::now_us();
  for (int i = 0; i < count; ++i) {
    pid_t child = 0;
    int status = 0;
    if (posix_spawn(&child, arguments[0], nullptr, nullptr, arguments, environ) != 0)
      bench::die("posix_spawn");
    if (waitpid(child, &status, 0) != child || status != 0) bench::die("waitpid");
  }
  const double wall = bench::now_us() - start;
  const double used = bench::cpu_us(RUSAGE_SELF) + bench::cpu_us(RUSAGE_CHILDREN) - before;
  bench::print_figures({{"per_second", count / wall * 1e6}, {"cpu_us", used / count}});
}
