#include "cli/descriptor_limit.h"

namespace baton::cli {

std::optional<rlimit> raise_descriptor_limit() {
  rlimit before{};
  if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return std::nullopt;
  rlimit all = before;
  all.rlim_cur = all.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &all);
  return before;
}

}  // namespace baton::cli
