#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "baton/supervisor/event.h"
#include "baton/supervisor/ready.h"
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
  Ready ready = Ready::any;
  Restart restarts = Restart::always;
  Reload reload = Reload::automatic;
  /// How long the first worker of a reload lives beside the old ones before any of them is told: whether what
  /// is new stays alive is not known when it is ready.
  Time trial{0};
  /// Starts of each slot after which it is said that no worker is ever ready.
  static constexpr unsigned tries = 3;
  /// Workers of a slot that may still be leaving when the next one starts: who ends itself again and again
  /// without ending shall not fill the machine.
  static constexpr unsigned leaving = 2;
  /// Ended workers of a slot of which descendants may be left: of one more, those of the first are killed.
  static constexpr unsigned leftovers = 4;
  /// How long `nobody_waits` is waited for.
  static constexpr Time last_call = std::chrono::seconds(1);
};

/// What the driver has to do, in order.
struct Action {
  enum class Kind {
    start,      ///< a worker `id` for `slot`; answer with `start_failed` if that cannot be
    tell,       ///< Node's `disconnect`, behind a signal if it hears one
    terminate,  ///< SIGTERM; if `told`, the stop signal
    kill_tree,  ///< SIGKILL to it and its descendants until none is left; then `gone`
    sweep,      ///< SIGTERM to what it left behind; nothing left: `gone`
    retires,    ///< it has stopped listening, and is told
    ready,      ///< it counts as ready from now on, by `sign`
    ended,      ///< it has ended, for the log; the slot's next start is at `wait` from now, if there is one
    all_ready,  ///< for the first time every slot has a ready worker
    reload_started,
    reload_done,
    reload_failed,  ///< because of `id`
    scaled,         ///< to `count`
    last_call,      ///< nobody new is to be let in; answer with `nobody_waits` when all who were are served
    over,           ///< everything has ended; `end` says why
  };
  enum class Why { first, death, reload, replacement };

  Kind kind;
  WorkerId id = 0;
  unsigned slot = 0;
  Why why = Why::first;
  bool told = false;
  Sign sign = Sign::listening;
  bool late = false;  ///< of ended and reload_failed: it did not become ready in time
  std::optional<Time> wait{};
  unsigned count = 0;
  EndReason end = EndReason::stopped;
};

/// Desired against running: N slots, each with one worker that serves, perhaps one that is to replace it, and
/// those that are leaving. No process, no clock and no chance of its own: events say what time it is, and
/// `chance` answers numbers from 0 to 1.
///
///   slot has | wanted                   | its worker ends           | reload          | scaled away
///   ---------+--------------------------+---------------------------+-----------------+------------
///   nothing  | start, or after back-off |                           | start, see ready| forget
///   current  |                          | back-off or at once       | start incoming  | tell
///   current, | incoming ready: becomes  | current: incoming becomes |                 | tell both
///   incoming | current, the old is told | it; incoming: failed      |                 |
///   done     | ended, stays so          |                           | nothing         | forget
///
/// The first incoming of a reload becomes current only when its trial is over.
///
/// Where two cannot live beside one another (`stop_first`), a reload tells the current one, and starts the
/// next when nothing of it is left.
class SupervisorMachine {
 public:
  SupervisorMachine(const MachineLimits& limits, std::function<double()> chance);

  // Events. After each of them take the actions.

  void start(Time now);
  /// `scarce`: for want of processes, memory or descriptors, which there may be again.
  void start_failed(WorkerId id, Time now, bool scarce = false);
  void online(WorkerId id);
  /// It has got the signal that it was told by.
  void signalled(WorkerId id);
  /// A sign that does not count changes nothing.
  void ready(WorkerId id, Sign sign, Time now);
  /// It listens, but not where the one before it did.
  void listens_elsewhere(WorkerId id, Time now);
  /// @{
  /// It has closed its last listener; and it has another one again.
  void stopped_listening(WorkerId id, Time now);
  void listens(WorkerId id);
  /// @}
  /// It listens by itself, where nobody else can meanwhile. `lasting`: its successor will there too.
  void holds_port(WorkerId id, bool lasting);
  void channel_closed(WorkerId id, Time now);
  /// `failed`: other than with 0.
  void exited(WorkerId id, Time now, bool failed = true);
  /// Its process has ended, and so have its descendants.
  void gone(WorkerId id, Time now);
  void reload(Time now);
  void scale(int by, Time now);
  void scale_to(unsigned workers, Time now);
  void replace(WorkerId id, Time now);
  void stop(Time now);
  void nobody_waits(Time now);
  void kill(Time now);
  /// It is to end, as it cannot go on.
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
  [[nodiscard]] bool ever_ready() const noexcept { return any_ready_; }
  [[nodiscard]] bool ever_all_ready() const noexcept { return all_ready_; }
  /// The workers have been told to stop, for good.
  [[nodiscard]] bool ending() const noexcept { return phase_ == Phase::ending; }
  [[nodiscard]] bool over() const noexcept { return over_; }
  /// The worker whose end made it give up; 0: none did.
  [[nodiscard]] WorkerId ends_because() const noexcept { return end_because_; }

  /// It would be ready if it listened where the one before it did, and by nothing worse.
  [[nodiscard]] bool awaits_port(WorkerId id) const;

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
    bool failed = true;  // if it has ended
    bool scarce = false;
  };
  struct Slot {
    WorkerId current = 0;
    WorkerId incoming = 0;
    std::optional<Time> start_at;  // the next start
    bool done = false;             // there is none
    std::optional<Sign> best;      // sign by which one of its workers was ready
    bool holds_port = false;
    RestartPolicy restart;
    unsigned failed_starts = 0;
    uint64_t starts = 0;
  };
  enum class Phase { idle, running, drain_delay, last_call, ending };
  using Workers = std::map<WorkerId, Worker>;

  [[nodiscard]] bool serving() const noexcept {
    return phase_ == Phase::running || phase_ == Phase::drain_delay;
  }
  Worker* find(WorkerId id);
  [[nodiscard]] bool is_ready(WorkerId id) const;
  [[nodiscard]] bool has_a_place(WorkerId id) const;
  [[nodiscard]] unsigned leaving_of(unsigned slot) const;
  [[nodiscard]] bool counts(Sign sign) const;
  [[nodiscard]] bool alive_counts(const Slot& slot) const;
  [[nodiscard]] bool stops_first(const Slot& slot) const;
  [[nodiscard]] bool anything_left_of(unsigned slot) const;
  [[nodiscard]] bool is_restarted(const Worker& worker, bool start_failed) const;
  void note_sign(unsigned slot, Sign sign);
  void bound_leftovers(unsigned slot, Time now);
  void act(Action action) { actions_.push_back(action); }

  void settle(Time now);
  void start_due_slots(Time now);
  void advance_plan(Time now);
  bool advance_reload(Time now);
  void apply_scale(const ScaleRequest& request, Time now);
  void note_all_ready();
  void end_if_all_are_done(Time now);

  WorkerId begin_worker(unsigned slot, Action::Why why, Time now);
  void became_ready(WorkerId id, Time now);
  [[nodiscard]] bool is_to_be_tried(const Worker& worker);
  void take_over(WorkerId id, Time now);
  void report_end(WorkerId id, bool start_failed, Time now);
  void lose(WorkerId id, bool start_failed, Time now);
  void lose_current(Slot& slot, WorkerId id, bool start_failed, Time now);
  void forget_plan();
  void fail_reload(WorkerId id);
  void tell(WorkerId id, Time now);
  void kill_worker(WorkerId id, Time now);
  void carry_out(WorkerId id, WorkerLife::Do what, bool told, Time now);
  void begin_ending(EndReason why, WorkerId because, Time now);
  void end_workers(Time now);

  MachineLimits limits_;
  std::function<double()> chance_;
  Phase phase_ = Phase::idle;
  unsigned wanted_;
  std::map<unsigned, Slot> slots_;
  Workers workers_;
  WorkerId last_id_ = 0;
  ReloadPlan plan_;
  WorkerId awaited_ = 0;  // by the reload
  bool tried_ = false;    // a worker of the reload that runs was ready
  std::optional<Time> trial_end_;
  bool any_ready_ = false;
  WorkerId failed_ = 0;  // the last one whose failure made its slot done
  bool all_ready_ = false;
  std::optional<Time> end_at_;  // of the drain delay, or of the last call
  EndReason end_ = EndReason::stopped;
  WorkerId end_because_ = 0;
  bool over_ = false;
  std::deque<Action> actions_;
};

}  // namespace baton::supervisor
