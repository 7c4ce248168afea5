#include "spawn/abandoned.h"

#include <new>
#include <vector>

#include "spawn/pidfd_linux.h"

namespace baton::spawner {
namespace {

thread_local std::vector<Fd> abandoned;

}  // namespace

void abandon(Fd pidfd) noexcept {
  if (try_wait(pidfd.get())) return;
  try {
    abandoned.push_back(std::move(pidfd));
  } catch (const std::bad_alloc&) {
    // A zombie until this process ends is the lesser evil.
  }
}

void reap_abandoned() noexcept {
  std::erase_if(abandoned, [](const Fd& pidfd) { return try_wait(pidfd.get()).has_value(); });
}

}  // namespace baton::spawner
