// pin CPU PROGRAM [ARG...]: becomes PROGRAM on that CPU.

#include <unistd.h>

#include "support/measure.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  bench::pin(std::atoi(argv[1]));
  execvp(argv[2], argv + 2);
  bench::die(argv[2]);
}
