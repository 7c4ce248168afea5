#pragma once

#include <sys/resource.h>

#include <optional>

namespace baton::cli {

// Lets this process have as many descriptors as it may (RLIMIT_NOFILE). Returns what the limit was, which its
// children are to have: programs with select(2) break above 1,024. Nothing where that cannot be seen.
std::optional<rlimit> raise_descriptor_limit();

}  // namespace baton::cli
