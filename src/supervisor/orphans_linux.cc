#include "supervisor/orphans_linux.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include "baton/loop/timer.h"
#include "loop/turn.h"
#include "spawn/own_children.h"
#include "spawn/process_table_linux.h"
#include "spawn/tree_signal_linux.h"

namespace baton::supervisor {

using spawner::adopted_children;
using spawner::all_processes;
using spawner::is_adopted;
using spawner::is_own_child;
using spawner::Lane;
using spawner::Look;
using spawner::ProcessEntry;
using spawner::signal_process;
using spawner::tree_of;

struct Orphans::Collector : std::enable_shared_from_this<Collector> {
  // Of the time, so that whoever leaves many orphans, and ends others again and again, does not take it all.
  static constexpr int share = 20;
  static constexpr std::chrono::milliseconds look_patience{2000};

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

  // As many as there are may live: only those that have ended are looked at, unless one is in the way. The
  // kernel goes through all of them for each.
  void collect() {
    // A number that the thread is about to collect must not become somebody else's.
    if (look) {
      again = true;
      return;
    }
    std::erase_if(inherited, [](pid_t pid) {
      if (::waitpid(pid, nullptr, WNOHANG) == 0) return false;
      spawner::forget_child(pid);
      return true;
    });
    const auto until = Turn::Clock::now() + Turn::share;
    for (;;) {
      siginfo_t info{};
      const int result = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
      if (result != 0 || info.si_pid == 0) break;
      if (!was_adopted(info.si_pid) || Turn::Clock::now() >= until) return collect_aside();
      (void)::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    }
    if (ownerless) collect_aside();
  }

  // As `is_adopted`, of a child that has ended, without a look that others could hold.
  static bool was_adopted(pid_t child) {
    const pid_t session = ::getsid(child);
    return !is_own_child(child) && session > 0 && (::getpid() == 1 || session != ::getsid(0));
  }

  void collect_aside() {
    const auto orphans = std::make_shared<Result<std::vector<ProcessEntry>>>();
    look = Look(
        loop, Lane::trees(), look_patience, [orphans] { *orphans = adopted_children(); },
        [this, orphans](const Result<void>& in_time) {
          const auto self = shared_from_this();
          if (in_time && *orphans) return collect_these(std::move(**orphans));
          // Perhaps the next time.
          if (std::exchange(again, false)) collect_soon();
        });
    look.unref();
  }

  void collect_these(std::vector<ProcessEntry> orphans) {
    // Children that were started meanwhile are none.
    std::erase_if(orphans, [](const ProcessEntry& one) { return is_own_child(one.pid); });
    const size_t all = orphans.size();
    std::erase_if(orphans, [](const ProcessEntry& one) { return !one.ended(); });
    const bool some_live = orphans.size() < all;
    look = Look(
        loop, Lane::trees(), look_patience,
        [orphans = std::move(orphans)] {
          siginfo_t info{};
          for (const ProcessEntry& one : orphans)
            (void)::waitid(P_PID, static_cast<id_t>(one.pid), &info, WEXITED | WNOHANG);
        },
        [this, some_live](const Result<void>&) {
          const auto self = shared_from_this();
          if (std::exchange(again, false)) return collect_soon();
          if (ownerless && !some_live) loop.let_go(this);
        });
    look.unref();
  }

  Loop& loop;
  SignalWatcher watcher;
  Timer soon;
  std::chrono::milliseconds pause{};
  Look look;
  bool again = false;
  bool ownerless = false;
  // What an entrypoint had started before it became this program is no worker's, and lives on.
  std::vector<pid_t> inherited;
};

Orphans::Orphans(Loop& loop, bool was_subreaper)
    : loop_(loop), collector_(std::make_shared<Collector>(loop)), was_subreaper_(was_subreaper) {
  for (const ProcessEntry& child : adopted_children().value_or(std::vector<ProcessEntry>())) {
    spawner::remember_child(child.pid);
    collector_->inherited.push_back(child.pid);
  }
  // Those of them that have ended.
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

void Orphans::look(std::optional<int> signal_number, std::move_only_function<void(const Left&)> done) {
  const auto seen = std::make_shared<Result<std::vector<ProcessEntry>>>();
  look_ = Look(
      loop_, Lane::trees(), Collector::look_patience, [seen] { *seen = adopted_children(); },
      [this, seen, signal_number, done = std::move(done)](const Result<void>& in_time) mutable {
        const auto fail = [&](const Error& why) { done({std::unexpected(why), std::unexpected(why)}); };
        // That one is still the thread's.
        if (!in_time) return fail(Error(ETIMEDOUT, "read /proc"));
        if (!*seen) return fail(seen->error());
        // Children that were started meanwhile are none.
        std::erase_if(**seen, [](const ProcessEntry& one) { return one.ended() || !is_adopted(one); });
        if ((*seen)->empty() || !signal_number) return done({!(*seen)->empty(), {}});
        const auto sent = std::make_shared<Result<void>>();
        look_ = Look(
            loop_, Lane::trees(), Collector::look_patience,
            [seen, sent, number = *signal_number] { *sent = signal(**seen, number); },
            [sent, done = std::move(done)](const Result<void>& sent_in_time) mutable {
              done({true, sent_in_time ? *sent : failure(ETIMEDOUT, "kill orphans")});
            });
      });
}

Result<bool> Orphans::any() {
  const auto orphans = adopted_children(1);
  if (!orphans) return std::unexpected(orphans.error());
  return !std::ranges::all_of(*orphans, &ProcessEntry::ended);
}

Result<void> Orphans::signal(int number) {
  const auto orphans = adopted_children();
  if (!orphans) return std::unexpected(orphans.error());
  return signal(*orphans, number);
}

Result<void> Orphans::signal(const std::vector<ProcessEntry>& orphans, int number) {
  if (orphans.empty()) return {};
  const auto table = all_processes();
  std::optional<Error> refusal;
  bool somebody_got_it = false;
  for (const ProcessEntry& orphan : orphans) {
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
