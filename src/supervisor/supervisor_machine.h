#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "baton/supervisor/event.h"
#include "baton/supervisor/restart_policy.h"
#include "baton/supervisor/snapshot.h"
#include "supervisor/reload_plan.h"
#include "supervisor/worker_life.h"

namespace baton::supervisor {

/// A start of a worker, numbered from 1 on.
using WorkerId = uint64_t;

struct MachineLimits {
  unsigned workers = 1;
  RestartLimits restart;
  LifeLimits life;
  Time drain_delay;
  /// Starts of each slot after which it is said that no worker is ever ready.
  static constexpr unsigned tries = 3;
  /// Workers of a slot that may still be leaving when the next one starts: who ends itself again and again
  /// without ending shall not fill the machine.
  static constexpr unsigned leaving = 2;
};

/// What the driver has to do, in order.
struct Action {
  enum class Kind {
    start,      ///< a worker `id` for `slot`; answer with `start_failed` if that cannot be
    tell,       ///< Node's `disconnect`, and the stop signal
    terminate,  ///< SIGTERM, and the stop signal if `told`
    kill_tree,  ///< SIGKILL to it and its descendants until none is left; then `gone`
    sweep,      ///< SIGTERM to what it left behind; nothing left: `gone`
    ready,      ///< it counts as ready from now on
    ended,      ///< it has ended, for the log; the slot's next start is at `wait` from now, if there is one
    all_ready,  ///< for the first time every slot has a ready worker
    reload_started,
    reload_done,
    reload_failed,  ///< because of `id`
    scaled,         ///< to `count`
    over,           ///< everything has ended; `end` says why
  };
  enum class Why { first, death, reload, replacement };

  Kind kind;
  WorkerId id = 0;
  unsigned slot = 0;
  Why why = Why::first;
  bool told = false;
  bool late = false;  ///< of ended and reload_failed: it did not become ready in time
  std::optional<Time> wait{};
  unsigned count = 0;
  EndReason end = EndReason::stopped;
};

/// Desired against running: N slots, each with one worker that serves, perhaps one that is to replace it, and
/// those that are leaving. No process, no clock and no chance of its own: events say what time it is, and
/// `chance` answers numbers from 0 to 1.
///
///   slot has       | wanted                     | its worker ends            | reload            | scaled
///   away
///   ---------------+----------------------------+----------------------------+-------------------+------------
///   nothing        | start now or after back-off|                            | start, see ready  | forget
///   current        |                            | back-off or at once        | start incoming    | tell
///   current,       | incoming ready: it becomes | incoming becomes current   |                   | tell both
///   incoming       | current, tell the old one  | incoming's end: failed     |                   |
class SupervisorMachine {
 public:
  SupervisorMachine(const MachineLimits& limits, std::function<double()> chance);

  // Events. After each of them take the actions.

  void start(Time now);
  void start_failed(WorkerId id, Time now);
  void online(WorkerId id);
  void ready(WorkerId id, Time now);
  void channel_closed(WorkerId id, Time now);
  void exited(WorkerId id, Time now);
  /// Its process has ended, and so have its descendants.
  void gone(WorkerId id, Time now);
  void reload(Time now);
  void scale(int by, Time now);
  void replace(WorkerId id, Time now);
  void stop(Time now);
  void kill(Time now);
  /// It is to end, as it cannot go on: what is ready drains, the rest is killed.
  void give_up(EndReason why, WorkerId because, Time now);
  /// The time of `due` has come.
  void tick(Time now);

  [[nodiscard]] std::optional<Action> next_action();

  // State.

  /// When `tick` is to be called at the latest.
  [[nodiscard]] std::optional<Time> due() const;
  [[nodiscard]] State state() const noexcept;
  [[nodiscard]] unsigned wanted() const noexcept { return wanted_; }
  [[nodiscard]] bool reload_running() const noexcept { return plan_.reloading(); }
  [[nodiscard]] bool ever_all_ready() const noexcept { return all_ready_; }
  /// The workers have been told to stop, for good.
  [[nodiscard]] bool ending() const noexcept { return phase_ == Phase::ending; }
  [[nodiscard]] bool over() const noexcept { return over_; }
  /// The worker whose end made it give up; 0: none did.
  [[nodiscard]] WorkerId ends_because() const noexcept { return end_because_; }

  struct WorkerInfo {
    WorkerId id;  // 0: a slot that waits for its next start
    unsigned slot;
    WorkerState state;
    std::optional<Time> ready_after;
    uint64_t restarts;
  };
  /// Whose processes live, and slots in back-off; by slot, the older first.
  [[nodiscard]] std::vector<WorkerInfo> workers() const;
  [[nodiscard]] unsigned ready_workers() const;

 private:
  struct Worker {
    WorkerLife life;
    unsigned slot;
  };
  struct Slot {
    WorkerId current = 0;
    WorkerId incoming = 0;
    std::optional<Time> start_at;  // the next start
    RestartPolicy restart;
    unsigned failed_starts = 0;
    uint64_t starts = 0;
  };
  enum class Phase { idle, running, drain_delay, ending };
  using Workers = std::map<WorkerId, Worker>;

  [[nodiscard]] bool serving() const noexcept {
    return phase_ == Phase::running || phase_ == Phase::drain_delay;
  }
  Worker* find(WorkerId id);
  [[nodiscard]] bool is_ready(WorkerId id) const;
  [[nodiscard]] bool has_a_place(WorkerId id) const;
  [[nodiscard]] unsigned leaving_of(unsigned slot) const;
  void act(Action action) { actions_.push_back(action); }

  void settle(Time now);
  void start_due_slots(Time now);
  void advance_plan(Time now);
  bool advance_reload(Time now);
  void apply_scale(const ScaleRequest& request, Time now);
  void note_all_ready();

  WorkerId begin_worker(unsigned slot, Action::Why why, Time now);
  void became_ready(WorkerId id, Time now);
  void report_end(WorkerId id, bool start_failed, Time now);
  void lose(WorkerId id, bool start_failed, Time now);
  void lose_current(Slot& slot, WorkerId id, bool start_failed, Time now);
  void fail_reload(WorkerId id);
  void tell(WorkerId id, Time now);
  void kill_worker(WorkerId id, Time now);
  void carry_out(WorkerId id, WorkerLife::Do what, bool told, Time now);
  void begin_ending(EndReason why, WorkerId because, Time now);

  MachineLimits limits_;
  std::function<double()> chance_;
  Phase phase_ = Phase::idle;
  unsigned wanted_;
  std::map<unsigned, Slot> slots_;
  Workers workers_;
  WorkerId last_id_ = 0;
  ReloadPlan plan_;
  WorkerId awaited_ = 0;  // by the reload
  bool any_ready_ = false;
  bool all_ready_ = false;
  std::optional<Time> end_at_;  // of the drain delay
  EndReason end_ = EndReason::stopped;
  WorkerId end_because_ = 0;
  bool over_ = false;
  std::deque<Action> actions_;
};

}  // namespace baton::supervisor
