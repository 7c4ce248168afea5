#include "spawn/tree_signal_linux.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "baton/base/fd.h"
#include "spawn/pidfd_linux.h"

namespace baton::spawner {
namespace {

// A tree that forks faster than it is looked at is left to the next look.
constexpr int most_rounds = 16;

// The pidfd of exactly that process; ESRCH or ENOENT if it is no more.
Result<Fd> open_process(const ProcessEntry& process) {
  const std::string operation = "kill " + std::to_string(process.pid);
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return failure(errno, operation, "pidfd_open");
  // The number may have been given to another meanwhile.
  const auto now = find_process(process.pid);
  if (!now) return std::unexpected(Error(now.error().code(), operation, now.error().operation()));
  if (!now->is(process)) return failure(ESRCH, operation);
  return pidfd;
}

/// Gives everybody one signal.
class OneSignal {
 public:
  OneSignal(int leader, int number) : leader_(leader), number_(number) {}

  bool reach_leader() { return send_signal(leader_, number_).value_or(false); }
  bool reach(const ProcessEntry& one) { return signal_process(one, number_).value_or(false); }
  bool make_room() { return false; }

 private:
  int leader_;
  int number_;
};

/// Stops everybody, and kills them in the end: by descriptors that it holds, as there may be none to spare
/// then.
class StopAndKill {
 public:
  explicit StopAndKill(int leader) : leader_(leader) {}
  StopAndKill(const StopAndKill&) = delete;
  StopAndKill& operator=(const StopAndKill&) = delete;
  ~StopAndKill() { kill(); }

  bool reach_leader() { return send_signal(leader_, SIGSTOP).value_or(false); }
  bool reach(const ProcessEntry& one) {
    auto pidfd = open_process(one);
    if (!pidfd && !is_gone(pidfd.error()) && make_room()) pidfd = open_process(one);
    if (!pidfd) return false;
    stopped_.push_back(std::move(*pidfd));
    if (send_signal(stopped_.back().get(), SIGSTOP).value_or(false)) return true;
    stopped_.pop_back();
    return false;
  }
  /// Those that are stopped die before the others: whether that brings any descriptor.
  bool make_room() {
    if (stopped_.empty()) return false;
    kill();
    return true;
  }

 private:
  void kill() {
    // First of all the leader: it might tell the world how its children died.
    (void)send_signal(leader_, SIGKILL);
    for (const Fd& one : stopped_) (void)send_signal(one.get(), SIGKILL);
    stopped_.clear();
  }

  int leader_;
  std::vector<Fd> stopped_;
};

// As often as it takes until nobody new is found.
template <class Way>
size_t reach_everybody(pid_t leader, Way&& way) {
  // Seen before the leader ends, and they are nobody's.
  auto table = all_processes();
  const size_t first = way.reach_leader() ? 1 : 0;
  std::vector<ProcessEntry> known;
  for (int i = 0; table && i < most_rounds; ++i) {
    const size_t before = known.size();
    for (const ProcessEntry& one : tree_of(*table, leader, known)) {
      const auto is_this = [&](const ProcessEntry& other) { return other.is(one); };
      if (one.ended() || std::ranges::any_of(known, is_this)) continue;
      if (way.reach(one)) known.push_back(one);
    }
    if (known.size() == before) break;
    table = all_processes();
    if (!table && way.make_room()) table = all_processes();
  }
  return first + known.size();
}

}  // namespace

Result<bool> signal_process(const ProcessEntry& process, int signal_number) {
  const auto pidfd = open_process(process);
  if (pidfd) return send_signal(pidfd->get(), signal_number);
  if (is_gone(pidfd.error())) return false;
  return std::unexpected(pidfd.error());
}

size_t signal_tree(pid_t leader, int pidfd, int signal_number) {
  if (signal_number == SIGKILL) return reach_everybody(leader, StopAndKill(pidfd));
  return reach_everybody(leader, OneSignal(pidfd, signal_number));
}

}  // namespace baton::spawner
