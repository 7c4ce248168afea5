#pragma once

#include <sys/types.h>

#include <cstdint>

namespace models {

/// What a process and all its descendants are, as the kernel counts them at this moment.
struct Footprint {
  int64_t processes = 0;
  int64_t threads = 0;
  double mib = 0;  ///< memory that they have themselves, and their share of what several have (PSS)
};

Footprint footprint_of(pid_t process);

}  // namespace models
