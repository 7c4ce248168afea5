#include "baton/spawn/child.h"

#include <algorithm>
#include <stdexcept>

#include "loop/poll.h"
#include "loop/slot.h"
#include "spawn/abandoned.h"
#include "spawn/launch.h"
#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"
#include "spawn/stdio_setup.h"

namespace baton {

struct Child::State : std::enable_shared_from_this<State> {
  State(Loop& owner, spawner::Launched launched, const SpawnOptions& options)
      : loop(owner),
        pid(launched.pid),
        pidfd(std::move(launched.pidfd)),
        kill_signal(options.kill_signal()),
        grace(options.grace()) {
    spawner::remember_child(pid);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Only the end of the loop destroys the state of a child that still runs.
  ~State() {
    poll.close();
    if (status) return;
    if (!detached) signal_quietly(SIGKILL);
    spawner::abandon(pid, std::move(pidfd));
  }

  Loop& loop;
  pid_t pid;
  Fd pidfd;
  Poll poll;
  int kill_signal;
  std::chrono::nanoseconds grace;
  spawner::StdioSetup::Streams streams;
  std::optional<ExitStatus> status;
  Slot<const ExitStatus&> on_exit;
  Slot<const ExitStatus&> on_close;
  std::vector<Promise<ExitStatus>> waiting;
  Timer time_limit;
  Timer grace_timer;
  bool killed = false;
  bool timed_out = false;
  bool closed = false;
  bool detached = false;
  bool ownerless = false;

  void watch(std::optional<std::chrono::nanoseconds> timeout) {
    poll = Poll(loop, pidfd.get(), [this](int) { reap(); });
    poll.want(Poll::readable);
    if (timeout) {
      time_limit = Timer(loop, *timeout, [this] { time_is_up(); });
      time_limit.unref();
    }
  }

  void adopt_streams(spawner::StdioSetup::Streams all) {
    streams = std::move(all);
    for (auto& [target, stream] : streams) {
      stream.on_gone([&to = loop, weak = weak_from_this()] {
        // The stream's own on_close comes first.
        to.defer([weak] {
          if (const auto self = weak.lock()) self->close_if_over();
        });
      });
    }
  }

  void reap() {
    const auto self = shared_from_this();
    status = spawner::try_wait(pidfd.get());
    if (!status) return;
    spawner::forget_child(pid);
    poll.close();
    pidfd.reset();
    time_limit.stop();
    grace_timer.stop();
    for (auto& promise : std::exchange(waiting, {})) promise.resolve(*status);
    if (ownerless) {
      loop.let_go(this);
      return;
    }
    loop.defer([self] { self->close_if_over(); });
    on_exit.fire_once(*status);
  }

  void close_if_over() {
    if (!status || closed || ownerless) return;
    if (std::ranges::any_of(streams, [](const auto& one) { return one.second.reading(); })) return;
    closed = true;
    on_close.fire_once(*status);
  }

  Result<bool> signal(int number) {
    if (status) return false;
    auto sent = spawner::send_signal(pidfd.get(), number);
    if (sent && *sent && number != 0) killed = true;
    return sent;
  }
  bool signal_quietly(int number) noexcept { return signal(number).value_or(false); }

  void time_is_up() {
    timed_out = true;
    signal_quietly(kill_signal);
  }

  void stop(std::chrono::nanoseconds time) {
    if (status) return;
    signal_quietly(SIGTERM);
    grace_timer = Timer(loop, time, [this] { signal_quietly(SIGKILL); });
    grace_timer.unref();
  }

  void lose_owner() {
    ownerless = true;
    on_exit.clear();
    on_close.clear();
    streams.clear();
    if (status) return;
    loop.keep(shared_from_this());
    if (detached) return;
    if (!grace_timer.active()) stop(grace);
    poll.ref();
  }
};

Child::Child() noexcept = default;
Child::Child(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Child::Child(Child&&) noexcept = default;
Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    let_go();
    state_ = std::move(other.state_);
  }
  return *this;
}
Child::~Child() { let_go(); }

void Child::let_go() noexcept {
  if (const auto state = std::exchange(state_, nullptr)) state->lose_owner();
}

Child::State& Child::state() const {
  if (!state_) throw std::logic_error("this Child holds no child");
  return *state_;
}

pid_t Child::pid() const { return state().pid; }
const std::optional<ExitStatus>& Child::status() const { return state().status; }
bool Child::killed() const { return state().killed; }
bool Child::timed_out() const { return state().timed_out; }

net::Socket& Child::stream(int target) {
  for (auto& [number, stream] : state().streams) {
    if (number == target) return stream;
  }
  throw std::logic_error("descriptor " + std::to_string(target) + " of child " + std::to_string(pid()) +
                         " is not piped");
}
bool Child::piped(int target) const {
  return std::ranges::any_of(state().streams, [=](const auto& one) { return one.first == target; });
}

void Child::on_exit(std::move_only_function<void(const ExitStatus&)> callback) {
  state().on_exit.set(std::move(callback));
}
void Child::on_close(std::move_only_function<void(const ExitStatus&)> callback) {
  state().on_close.set(std::move(callback));
}

Op<ExitStatus> Child::exited() {
  Promise<ExitStatus> promise(state().loop);
  auto op = promise.op();
  if (state_->status) {
    promise.resolve(*state_->status);
  } else {
    state_->waiting.push_back(std::move(promise));
  }
  return op;
}

bool Child::kill(int signal) {
  if (signal < 0 || signal > SIGRTMAX) throw std::invalid_argument("no signal " + std::to_string(signal));
  auto sent = state().signal(signal);
  if (!sent) throw Error(sent.error().code(), "kill " + std::to_string(pid()), signal_name(signal));
  return *sent;
}
void Child::stop() { stop(state().grace); }
void Child::stop(std::chrono::nanoseconds grace) { state().stop(grace); }
void Child::detach() {
  state().detached = true;
  unref();
}
void Child::ref() { state().poll.ref(); }
void Child::unref() { state().poll.unref(); }

Child spawn(Loop& loop, std::string file, std::vector<std::string> arguments, const SpawnOptions& options) {
  spawner::reap_abandoned();
  // A name with a NUL byte is refused later, and shown as far as the kernel would read it.
  const std::string operation = "spawn " + file.substr(0, file.find('\0'));
  spawner::StdioSetup setup(loop, operation, options.stdio());
  auto plan = spawner::make_plan(std::move(file), std::move(arguments), options);
  plan.descriptors = setup.placements();
  auto launched = spawner::launch(plan);
  if (!launched) throw std::move(launched).error();
  auto state = std::make_shared<Child::State>(loop, std::move(*launched), options);
  try {
    state->watch(options.timeout());
  } catch (const Error& error) {
    state->signal_quietly(SIGKILL);
    state->status = spawner::wait(state->pidfd.get());
    spawner::forget_child(state->pid);
    throw Error(error.code(), operation, error.step());
  }
  state->adopt_streams(setup.take_streams());
  return Child(std::move(state));
}

}  // namespace baton
