#include "sim/supervisor_storm.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/coverage.h"
#include "sim/supervisor_process.h"
#include "supervisor/supervisor_machine.h"

namespace baton::sim {
namespace {

using namespace std::chrono_literals;
using supervisor::Action;
using supervisor::EndReason;
using supervisor::LifeLimits;
using supervisor::MachineLimits;
using supervisor::Ready;
using supervisor::Reload;
using supervisor::Restart;
using supervisor::Sign;
using supervisor::SupervisorMachine;
using supervisor::Time;
using supervisor::WorkerId;
using supervisor::WorkerState;
using Kind = Action::Kind;

class SupervisorStorm {
 public:
  explicit SupervisorStorm(Random& random)
      : random_(random),
        limits_(draw_limits(random)),
        machine_(limits_, [this] { return draw_chance(); }),
        hostile_(random.chance(100) ? random.between(1, limits_.workers) : 0) {}

  std::optional<Failure> run() {
    machine_.start(now_);
    carry_out();
    const unsigned patience = hostile_ == 0 ? 0 : 300;
    for (unsigned i = random_.between(5, 120) + patience; i > 0 && !failure_ && !machine_.over(); --i) {
      if (random_.chance(200)) {
        meddle();
      } else {
        step();
      }
      check();
    }
    if (!failure_) calm_down();
    if (!failure_ && !machine_.over()) stop();
    return failure_;
  }

 private:
  static MachineLimits draw_limits(Random& random) {
    MachineLimits limits{};
    limits.workers = random.between(1, 4);
    limits.restart = {.min_uptime = random.below(3) * 500ms,
                      .first_wait = random.below(3) * 100ms,
                      .longest_wait = 100ms + random.below(3) * 5s,
                      .deaths = random.below(3) * 4};
    limits.life = {.listen_timeout = 1s + random.below(3) * 2s,
                   .kill_timeout = random.below(3) * 3s,
                   .ready_when_alive = {},
                   .own_signal = random.chance(200)};
    limits.trial = random.below(3) * 500ms;
    constexpr Ready rules[] = {Ready::any, Ready::any, Ready::listening, Ready::alive};
    limits.ready = rules[random.below(4)];
    if (random.chance(100)) limits.life.listen_timeout = 0s;
    if (random.chance(200)) limits.life.ready_when_alive = 500ms;
    if (random.chance(200)) limits.life.ready_when_alive = limits.life.listen_timeout;
    if (limits.ready == Ready::alive) limits.life.ready_when_alive = limits.restart.min_uptime;
    if (limits.ready == Ready::listening || limits.life.ready_when_alive == 0s)
      limits.life.ready_when_alive.reset();
    if (limits.ready == Ready::alive && !limits.life.ready_when_alive) limits.life.ready_when_alive = 1ms;
    constexpr Restart restarts[] = {Restart::always, Restart::always, Restart::on_failure, Restart::never};
    limits.restarts = restarts[random.below(4)];
    constexpr Reload reloads[] = {Reload::automatic, Reload::automatic, Reload::overlap, Reload::stop_first};
    limits.reload = reloads[random.below(4)];
    limits.drain_delay = random.below(3) * 1s;
    return limits;
  }
  double draw_chance() { return static_cast<double>(random_.below(1001)) / 1000; }
  Time soon(std::uint32_t longest_ms) { return now_ + std::chrono::milliseconds(random_.below(longest_ms)); }

  void fail(const std::string& what) {
    if (!failure_) failure_ = Failure{what};
  }

  // --- what the machine asks for

  void carry_out() {
    unsigned actions = 0;
    most_wanted_ = least_wanted_ = machine_.wanted();
    while (const auto action = machine_.next_action()) {
      if (++actions > 1000) return fail("it asks for more and more");
      if (was_over_) return fail("it asks for something after its end");
      carry_out(*action);
    }
    for (const unsigned slot : std::exchange(told_alone_, {})) {
      if (slot <= least_wanted_) fail("a ready worker is told to stop before another of its slot is ready");
    }
  }

  void carry_out(const Action& action) {
    most_wanted_ = std::max(most_wanted_, machine_.wanted());
    least_wanted_ = std::min(least_wanted_, machine_.wanted());
    gives_up_ = machine_.state() == supervisor::State::draining && !stopping_;
    switch (action.kind) {
      case Kind::start:
        return start(action);
      case Kind::tell:
      case Kind::terminate:
      case Kind::kill_tree:
      case Kind::sweep:
      case Kind::retires:
      case Kind::ready:
        break;
      case Kind::ended:
        if (action.wait && (*action.wait < 0s || *action.wait > limits_.restart.longest_wait)) {
          fail("a successor waits longer than it may");
        }
        if (action.wait && !may_follow(action.id)) fail("a worker is started again that shall not be");
        return;
      case Kind::reload_failed:
        met(Met::reload_failed);
        end_reload();
        return;
      case Kind::reload_started:
        reloading_ = true;
        reload_asked_at_.reset();
        reload_began_at_ = now_;
        tried_ = false;
        return;
      case Kind::reload_done:
        met(Met::reload_done);
        if (hostile_ != 0 && !calm_) met(Met::reloaded_beside_one_who_never_ends);
        end_reload();
        return;
      case Kind::scaled:
        least_wanted_ = std::min(least_wanted_, action.count);
        // Who is there again later is new.
        better_.erase(better_.upper_bound(action.count), better_.end());
        return;
      case Kind::last_call:
        met(Met::last_call);
        if (!stopping_ && !gives_up_) fail("a last call without an end");
        // Some wait for ever.
        if (!random_.chance(200)) served_at_ = soon(300);
        return;
      case Kind::all_ready:
        for (unsigned slot = 1; slot <= least_wanted_; ++slot) {
          if (!another_is_ready(slot, 0) && !is_done(slot)) fail("not all are ready");
        }
        return;
      case Kind::over:
        return end(action);
    }
    const auto found = processes_.find(action.id);
    if (found == processes_.end()) return fail("it speaks of a worker that is gone");
    Process& process = found->second;
    if (action.kind == Kind::ready) become_ready(action, process);
    if (action.kind == Kind::retires) retire(process);
    if (action.kind == Kind::tell || action.kind == Kind::terminate) tell(action, process);
    if (action.kind == Kind::kill_tree) kill(process);
    if (action.kind == Kind::sweep && !process.leaves_more) process.gone_at = soon(10);
  }

  // Also a replacement, that has failed.
  void end_reload() {
    reloading_ = false;
    reload_began_at_.reset();
    tried_until_.reset();
  }

  void retire(Process& process) {
    met(Met::retired);
    if (!process.ready || process.told) fail("a worker retires that does not serve");
    process.retired = true;
  }

  // Being alive is not enough where a worker of the slot has shown more, and never where more is asked for.
  void become_ready(const Action& action, Process& process) {
    process.ready = any_was_ready_ = true;
    if (process.renews && !std::exchange(tried_, true) && action.sign != Sign::alive)
      tried_until_ = now_ + limits_.trial;
    if (process.holds_port) {
      machine_.holds_port(action.id, random_.chance(512));
      holders_.insert(process.slot);
    }
    if (action.sign != Sign::alive) {
      if (limits_.ready == Ready::alive) fail("a sign counted that does not");
      better_.insert(process.slot);
    } else if (limits_.ready == Ready::listening) {
      fail("a worker is ready because it lives, and that is not enough");
    } else if (limits_.ready == Ready::any && better_.contains(process.slot) && !process.early) {
      fail("a worker is believed that shows less than the one before it");
    }
  }

  void start(const Action& action) {
    if (stopping_ && now_ >= stops_serving_at_) fail("a worker is started after the end was asked for");
    if (action.slot < 1 || action.slot > most_wanted_) fail("a worker is started in a slot that is none");
    if (!calm_ && random_.chance(40)) {
      machine_.start_failed(action.id, now_, random_.chance(512));
      return;
    }
    Process process;
    process.slot = action.slot;
    process.renews = action.why == Action::Why::reload;
    process.early = !better_.contains(action.slot);
    process.speaks = !random_.chance(100);
    process.holds_port = random_.chance(60);
    process.online_at = soon(100);
    process.ready_at = *process.online_at + std::chrono::milliseconds(random_.below(500));
    if (!calm_) {
      if (random_.chance(150)) process.ready_at.reset();
      if (random_.chance(250)) process.ends_at = soon(3000);
      process.fails = random_.chance(700);
      if (random_.chance(100)) process.says = Sign::notify;
      if (random_.chance(60)) process.closes_at = soon(2000);
      process.obeys = !random_.chance(200);
      process.terminates = !random_.chance(200);
      process.leaves_more = random_.chance(80);
      if (action.slot == hostile_) leave_without_end(process);
    }
    processes_[action.id] = process;
    const auto alive = std::ranges::count_if(
        processes_, [&](const auto& one) { return one.second.slot == action.slot && !one.second.ended; });
    if (alive > 4) fail("workers of one slot pile up");
  }

  // It is ready for long enough to be followed at once, and only SIGKILL ends it.
  void leave_without_end(Process& process) {
    process.speaks = true;
    process.ready_at = process.online_at;
    process.closes_at =
        *process.ready_at + limits_.restart.min_uptime + std::chrono::milliseconds(random_.below(200));
    process.ends_at.reset();
    process.obeys = process.terminates = false;
  }

  void tell(const Action& action, Process& process) {
    const bool first = action.told && !process.told;
    if (first && process.ready && !process.closed && !stopping_ && !gives_up_) {
      // A reload or replacement, unless the slot was scaled away.
      const bool stops_first = limits_.reload == Reload::stop_first ||
                               (limits_.reload == Reload::automatic && holders_.contains(process.slot));
      if (!stops_first && !process.retired && !another_is_ready(process.slot, action.id))
        told_alone_.push_back(process.slot);
      if (tried_until_ && now_ < *tried_until_ && !process.retired)
        fail("a worker is told to stop while the first new one is tried");
    }
    process.told = process.told || action.told;
    process.asked = true;
    if (process.ended) return;
    const bool own = limits_.life.own_signal && action.told;
    if (!own && (action.kind == Kind::terminate || random_.chance(300))) {
      if (process.signalled_at) fail("a worker is sent SIGTERM twice");
      process.signalled_at = now_;
      if (action.kind == Kind::tell) machine_.signalled(action.id);
    }
    const bool hears = process.signalled_at == now_ ? process.terminates : process.obeys;
    if (action.kind == Kind::terminate && !action.told) met(Met::terminated_after_its_channel);
    if (!hears) return;
    // Who was told by the user's own signal is sent no other before its time is up, if that ever is.
    const bool for_ever = limits_.life.own_signal && limits_.life.kill_timeout == 0s;
    if (process.signalled_at != now_ && random_.chance(300) && !for_ever) {
      process.closes_at = soon(1000);  // and lives on
    } else {
      process.ends_at = soon(1500);
    }
  }

  void kill(Process& process) {
    if (process.told && !process.ended) met(Met::killed_for_time);
    if (!process.ready && !process.told && !process.ended) met(Met::killed_as_never_ready);
    if (process.ready && !process.told && !process.ended && !stopping_ && !process.closed) {
      fail("a ready worker is killed without being told");
    }
    const Time kill_timeout = limits_.life.kill_timeout;
    const Time last_word =
        kill_timeout > 0s ? std::min(kill_timeout / 5, LifeLimits::last_word) : LifeLimits::last_word;
    if (!process.ended && !killing_ && (!process.signalled_at || *process.signalled_at + last_word > now_)) {
      fail("a worker is killed that had no time after SIGTERM");
    }
    process.leaves_more = false;
    process.fails = true;
    if (process.ended) {
      process.gone_at = soon(10);
    } else {
      process.ends_at = soon(10);
    }
  }

  void end(const Action& action) {
    was_over_ = true;
    for (const auto& [id, process] : processes_) {
      if (!process.ended) fail("it is over while a worker lives");
    }
    if (action.end == EndReason::gave_up) met(Met::gave_up);
    if (action.end == EndReason::never_ready) met(Met::never_ready);
    if (action.end == EndReason::gave_up && limits_.restart.deaths == 0) fail("it gave up and never should");
    if (action.end == EndReason::never_ready && any_was_ready_) fail("a worker was ready");
    if (action.end == EndReason::finished && limits_.restarts == Restart::always) fail("it has finished");
    if (stopping_ && action.end != end_expected_) fail("it ends for another reason than it was told");
  }

  bool another_is_ready(unsigned slot, WorkerId id) const {
    return std::ranges::any_of(processes_, [&](const auto& one) {
      const Process& other = one.second;
      return one.first != id && other.slot == slot && other.ready && !other.told && !other.ended;
    });
  }

  // By Options::restart; a start that failed was no life.
  bool may_follow(WorkerId id) const {
    const auto found = processes_.find(id);
    if (found == processes_.end() || limits_.restarts == Restart::always) return true;
    return limits_.restarts == Restart::on_failure && found->second.fails;
  }

  bool is_done(unsigned slot) const {
    return std::ranges::any_of(machine_.workers(), [&](const auto& worker) {
      return worker.slot == slot && worker.state == WorkerState::done;
    });
  }

  // --- what happens

  // The next event of a process, or of the machine's clock.
  bool step() {
    std::optional<Time> next = machine_.due();
    if (served_at_ && (!next || *served_at_ < *next)) {
      now_ = std::max(now_, *std::exchange(served_at_, std::nullopt));
      machine_.nobody_waits(now_);
      carry_out();
      return true;
    }
    WorkerId who = 0;
    for (const auto& [id, process] : processes_) {
      for (const auto& moment :
           {process.online_at, process.ready_at, process.closes_at, process.ends_at, process.gone_at}) {
        if (moment && (!next || *moment < *next)) {
          next = moment;
          who = id;
        }
      }
    }
    if (!next) return false;
    now_ = std::max(now_, *next);
    if (who == 0) {
      machine_.tick(now_);
    } else {
      happen(who, processes_.at(who));
    }
    carry_out();
    return true;
  }

  void happen(WorkerId id, Process& process) {
    const auto due = [&](std::optional<Time>& moment) {
      if (!moment || *moment > now_) return false;
      moment.reset();
      return true;
    };
    if (process.ended) {
      if (!due(process.gone_at)) return;
      processes_.erase(id);
      machine_.gone(id, now_);
      return;
    }
    if (due(process.ends_at)) {
      process.online_at.reset();
      process.ready_at.reset();
      process.closes_at.reset();
      process.ended = true;
      if (random_.chance(512)) machine_.channel_closed(id, now_);
      machine_.exited(id, now_, process.fails);
      return;
    }
    if (due(process.online_at) && process.speaks) machine_.online(id);
    if (due(process.ready_at)) {
      if (process.says == Sign::listening && !calm_ && random_.chance(100)) {
        machine_.listens_elsewhere(id, now_);
      } else {
        machine_.ready(id, process.says, now_);
      }
    }
    if (due(process.closes_at)) {
      process.closed = true;
      machine_.channel_closed(id, now_);
    }
  }

  // Somebody asks for something.
  void meddle() {
    switch (random_.below(6)) {
      case 0:
        if (reloading_) met(Met::reload_merged);
        if (!reload_asked_at_) reload_asked_at_ = now_;
        machine_.reload(now_);
        break;
      case 1:
        if (reloading_) met(Met::scaled_during_a_reload);
        machine_.scale(random_.chance(512) ? -1 : 1, now_);
        break;
      case 2:
        if (!processes_.empty()) machine_.replace(any_process(), now_);
        break;
      case 3:
        if (!processes_.empty()) die(processes_.at(any_process()));
        break;
      case 4:
        if (!processes_.empty()) stop_listening(any_process());
        break;
      default:
        now_ += std::chrono::milliseconds(random_.below(2000));
        clock_lag_ += 2s;
        break;
    }
    carry_out();
  }

  void stop_listening(WorkerId id) {
    machine_.stopped_listening(id, now_);
    if (random_.chance(300)) machine_.listens(id);
  }

  void die(Process& process) const {
    if (!process.ended) process.ends_at = now_;
  }

  WorkerId any_process() {
    return std::next(processes_.begin(), random_.below(static_cast<std::uint32_t>(processes_.size())))->first;
  }

  void check() {
    if (machine_.wanted() < 1) fail("fewer than one worker is wanted");
    const auto due = machine_.due();
    if (due && *due < now_ - 1h) fail("something was due long ago");
    check_reload();
  }

  // Whatever workers do, a reload has its end, and who waits for it its turn.
  void check_reload() {
    widest_ = std::max(widest_, machine_.wanted());
    const LifeLimits& life = limits_.life;
    const bool for_ever = life.kill_timeout == 0s || life.listen_timeout == 0s;
    if (for_ever || machine_.state() == supervisor::State::draining) return;
    const Time leaving = life.kill_timeout + LifeLimits::last_word;
    const Time starting = std::max(life.listen_timeout, life.ready_when_alive.value_or(0s));
    const Time longest = widest_ * (leaving + starting + leaving + limits_.trial + 1s) + clock_lag_;
    if (reload_began_at_ && *reload_began_at_ + longest < now_) fail("a reload goes on for too long");
    if (reload_asked_at_ && *reload_asked_at_ + longest < now_) fail("a reload waits for too long");
  }

  // From now on every worker is as it should be, and nobody asks for anything.
  void calm_down() {
    calm_ = true;
    end_what_nobody_ends();
    for (int i = 0; i < 5000 && !failure_; ++i) {
      if (!step()) break;
      check();
      if (i == 4999) fail("it never comes to rest");
    }
    if (failure_ || machine_.over()) return;
    if (gives_up_) return fail("it gave up and is not over");
    if (machine_.reload_running()) fail("a reload never ends");
    std::map<unsigned, unsigned> ready;
    for (const auto& worker : machine_.workers()) {
      if (worker.state == WorkerState::ready) ++ready[worker.slot];
      if (worker.state != WorkerState::ready && worker.state != WorkerState::done)
        fail("a worker is neither ready nor gone");
    }
    for (unsigned slot = 1; slot <= machine_.wanted(); ++slot) {
      if (is_done(slot)) ready[slot] = 1;
      if (ready[slot] != 1) fail("slot " + std::to_string(slot) + " has not one ready worker");
    }
    if (ready.size() != machine_.wanted()) fail("there are more workers than there shall be");
  }

  // Where it has no deadline of its own.
  void end_what_nobody_ends() {
    for (auto& [id, process] : processes_) {
      if (limits_.life.listen_timeout == 0s && !process.ready && !process.ended) {
        process.says = Sign::listening;
        process.ready_at = soon(500);
      }
      if (limits_.life.kill_timeout > 0s) continue;
      process.obeys = process.terminates = true;
      process.leaves_more = false;
      if (process.ended && !process.gone_at) process.gone_at = soon(10);
      if (process.asked && !process.ended && !process.ends_at) process.ends_at = soon(10);
    }
  }

  void stop() {
    stopping_ = true;
    const bool kill = random_.chance(256);
    end_expected_ = kill ? EndReason::killed : EndReason::stopped;
    stops_serving_at_ = kill ? now_ : now_ + limits_.drain_delay;
    const Time latest = stops_serving_at_ + limits_.life.kill_timeout + 5s;
    killing_ = kill;
    kill ? machine_.kill(now_) : machine_.stop(now_);
    carry_out();
    while (!failure_ && step()) {
    }
    const bool patient = limits_.life.kill_timeout == 0s;
    if (!failure_ && !machine_.over() && patient) {
      stopping_ = false;  // it ends otherwise than it was told first
      killing_ = true;
      machine_.kill(now_);
      carry_out();
      while (!failure_ && step()) {
      }
    }
    if (!machine_.over()) fail("it is stopped and never over");
    if (!patient && now_ > latest) fail("stopping takes longer than it may");
  }

  Random& random_;
  MachineLimits limits_;
  SupervisorMachine machine_;
  Time now_ = 1h;
  std::map<WorkerId, Process> processes_;
  std::optional<Failure> failure_;
  // A start that fails is an event among the actions of another.
  unsigned most_wanted_ = 0;
  unsigned least_wanted_ = 0;
  std::vector<unsigned>
      told_alone_;              // slots whose ready worker was told with no other there: scaled away, then
  std::set<unsigned> better_;   // slots of which a worker has shown more than being alive
  std::set<unsigned> holders_;  // slots of which a worker holds a port
  bool calm_ = false;
  bool reloading_ = false;
  bool any_was_ready_ = false;
  bool gives_up_ = false;
  const unsigned hostile_;  // a slot; 0: none
  std::optional<Time> reload_asked_at_;
  std::optional<Time> reload_began_at_;
  unsigned widest_ = 0;
  Time clock_lag_{0};   // in all
  bool tried_ = false;  // a worker of the reload was ready
  std::optional<Time> tried_until_;
  bool stopping_ = false;
  bool killing_ = false;
  std::optional<Time> served_at_;  // who was let in
  bool was_over_ = false;
  Time stops_serving_at_{0};
  EndReason end_expected_ = EndReason::stopped;
};

}  // namespace

std::optional<Failure> supervisor_storm(Random& random) { return SupervisorStorm(random).run(); }

}  // namespace baton::sim
