#include "loop/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace baton {

void open_standard_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is this one, and it stays open.
    (void)::open("/dev/null", O_RDWR);
  }
}

}  // namespace baton
