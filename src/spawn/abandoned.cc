#include "spawn/abandoned.h"

#include <new>
#include <vector>

#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"

namespace baton::spawner {
namespace {

struct Abandoned {
  pid_t pid;
  Fd pidfd;
};

thread_local std::vector<Abandoned> abandoned;

bool collect(const Abandoned& child) {
  if (!try_wait(child.pidfd.get())) return false;
  forget_child(child.pid);
  return true;
}

}  // namespace

void abandon(pid_t pid, Fd pidfd) noexcept {
  Abandoned child{pid, std::move(pidfd)};
  if (collect(child)) return;
  try {
    abandoned.push_back(std::move(child));
  } catch (const std::bad_alloc&) {
    // A zombie until this process ends is the lesser evil.
  }
}

void reap_abandoned() noexcept { std::erase_if(abandoned, collect); }

}  // namespace baton::spawner
