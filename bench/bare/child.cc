// The plain child that a worker is measured against: one line to descriptor 3, then it reads to the end. It
// maps the C++ library as any dynamically linked C++ program does.

#include <unistd.h>

#include "support/measure.h"

int main() {
  if (write(3, bench::small_frame, sizeof bench::small_frame - 1) < 0) return 1;
  char bytes[64];
  while (read(3, bytes, sizeof bytes) > 0) {
  }
  return 0;
}
