#include "supervisor/orphans_linux.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "baton/loop/timer.h"
#include "spawn/process_table_linux.h"
#include "spawn/tree_signal_linux.h"

namespace baton::supervisor {

using spawner::adopted_children;
using spawner::all_processes;
using spawner::find_process;
using spawner::is_adopted;
using spawner::ProcessEntry;
using spawner::signal_process;
using spawner::tree_of;

struct Orphans::Collector : std::enable_shared_from_this<Collector> {
  // Of the time, so that whoever leaves many orphans, and ends others again and again, does not take it all.
  static constexpr int share = 20;

  explicit Collector(Loop& owner) : loop(owner), watcher(owner, SIGCHLD, [this](int) { collect_soon(); }) {}

  // However many have ended meanwhile.
  void collect_soon() {
    if (soon.active()) return;
    soon = Timer(loop, pause, [this] {
      soon.stop();
      const auto began = std::chrono::steady_clock::now();
      const auto self = shared_from_this();
      collect();
      pause = std::chrono::duration_cast<std::chrono::milliseconds>(
          share * (std::chrono::steady_clock::now() - began));
    });
    soon.unref();
  }

  // As many as there are may live: only those that have ended are looked at, unless one is in the way.
  void collect() {
    const auto self = shared_from_this();
    for (;;) {
      siginfo_t info{};
      const int result = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
      if (result != 0 || info.si_pid == 0) break;
      const auto ended = find_process(info.si_pid);
      if (!ended || !is_adopted(*ended)) return collect_among_all();
      (void)::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    }
    if (ownerless && !Orphans::any().value_or(true)) loop.let_go(this);
  }

  void collect_among_all() {
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
  Timer soon;
  std::chrono::milliseconds pause{};
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

Result<bool> Orphans::any() {
  const auto orphans = adopted_children(1);
  if (!orphans) return std::unexpected(orphans.error());
  return !std::ranges::all_of(*orphans, &ProcessEntry::ended);
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
