// primary_memory WORKERS -- SERVER [ARG...]: starts SERVER (an argument PORT becomes a free port), waits
// until it has so many workers, it answers and all have come to rest. Prints the private memory of the
// primary.

#include <string>

#include "support/served.h"

namespace {

constexpr double patience_us = 60e6;

// No processor time is used for so long.
constexpr unsigned rest_us = 500'000;

}  // namespace

int main(int argc, char** argv) {
  const auto command = bench::command_after_dashes(argc, argv);
  if (argc < 4 || command.empty()) return 2;
  const auto workers = static_cast<size_t>(std::atoi(argv[1]));
  const bench::Served server(command);
  close(bench::connect_to(server.port()));
  const double start = bench::now_us();
  double before = -1;
  double now = 0;
  while (bench::children_of(server.pid()).size() < workers || now != before) {
    if (bench::now_us() > start + patience_us) {
      std::fputs("primary_memory: it does not come to rest\n", stderr);
      return 1;
    }
    before = bench::tree_cpu_us(server.pid());
    usleep(rest_us);
    now = bench::tree_cpu_us(server.pid());
  }
  bench::print_figures({{"private_kib", bench::private_kib(server.pid())}});
  server.end();
}
