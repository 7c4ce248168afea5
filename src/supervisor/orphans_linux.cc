#include "supervisor/orphans_linux.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "spawn/process_table_linux.h"
#include "spawn/tree_signal_linux.h"

namespace baton::supervisor {

using spawner::adopted_children;
using spawner::all_processes;
using spawner::ProcessEntry;
using spawner::signal_process;
using spawner::tree_of;

struct Orphans::Collector : std::enable_shared_from_this<Collector> {
  explicit Collector(Loop& owner) : loop(owner), watcher(owner, SIGCHLD, [this](int) { collect(); }) {}

  void collect() {
    const auto self = shared_from_this();
    const auto orphans = adopted_children();
    // They are looked for again when the next child ends.
    if (!orphans) return;
    bool some_left = false;
    for (const ProcessEntry& orphan : *orphans) {
      siginfo_t info{};
      const int result = ::waitid(P_PID, static_cast<id_t>(orphan.pid), &info, WEXITED | WNOHANG);
      if (result == 0 && info.si_pid == 0) some_left = true;
    }
    if (ownerless && !some_left) loop.let_go(this);
  }

  Loop& loop;
  SignalWatcher watcher;
  bool ownerless = false;
};

Orphans::Orphans(Loop& loop, bool was_subreaper)
    : collector_(std::make_shared<Collector>(loop)), was_subreaper_(was_subreaper) {
  // Those that came before.
  collector_->collect();
}

Orphans::~Orphans() {
  if (!was_subreaper_) ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  collector_->ownerless = true;
  collector_->loop.keep(collector_);
  collector_->collect();
}

Result<std::unique_ptr<Orphans>> Orphans::adopt(Loop& loop) {
  int was = 0;
  if (::prctl(PR_GET_CHILD_SUBREAPER, &was) != 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return failure(errno, "adopt the orphans of workers", "prctl PR_SET_CHILD_SUBREAPER");
  }
  return std::unique_ptr<Orphans>(new Orphans(loop, was != 0));
}

Result<size_t> Orphans::count() {
  const auto orphans = adopted_children();
  if (!orphans) return std::unexpected(orphans.error());
  return static_cast<size_t>(
      std::ranges::count_if(*orphans, [](const ProcessEntry& one) { return !one.ended(); }));
}

Result<void> Orphans::signal(int number) {
  const auto orphans = adopted_children();
  if (!orphans) return std::unexpected(orphans.error());
  if (orphans->empty()) return {};
  const auto table = all_processes();
  std::optional<Error> refusal;
  bool somebody_got_it = false;
  for (const ProcessEntry& orphan : *orphans) {
    if (orphan.ended()) continue;
    if (auto sent = signal_process(orphan, number)) {
      somebody_got_it = true;
    } else if (!refusal) {
      refusal = std::move(sent).error();
    }
    // Of those that could not be seen their parents may hear.
    if (!table) continue;
    for (const ProcessEntry& one : tree_of(*table, orphan.pid)) (void)signal_process(one, number);
  }
  if (refusal && !somebody_got_it) return std::unexpected(std::move(*refusal));
  return {};
}

}  // namespace baton::supervisor
