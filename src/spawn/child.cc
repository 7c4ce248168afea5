#include "baton/spawn/child.h"

#include <stdexcept>

#include "spawn/abandoned.h"
#include "spawn/child_state.h"
#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"
#include "spawn/pseudo_terminal.h"

namespace baton {
namespace {

void check_signal(int signal) {
  if (signal < 0 || signal > SIGRTMAX) throw std::invalid_argument("no signal " + std::to_string(signal));
}

}  // namespace

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
const std::string& Child::file() const { return state().file; }
const std::vector<std::string>& Child::arguments() const { return state().arguments; }
bool Child::killed() const { return state().killed; }
bool Child::timed_out() const { return state().timed_out; }
bool Child::cancelled() const { return state().cancelled; }

net::Socket& Child::stream(int target) {
  if (auto* found = state().find_stream(target); found != nullptr && target >= 0) return *found;
  throw std::logic_error("descriptor " + std::to_string(target) + " of child " + std::to_string(pid()) +
                         " is not piped");
}
bool Child::piped(int target) const { return target >= 0 && state().find_stream(target) != nullptr; }

net::Socket& Child::terminal() {
  if (auto* found = state().find_stream(spawner::StdioSetup::terminal)) return *found;
  throw std::logic_error("child " + std::to_string(pid()) + " has no terminal of its own");
}
void Child::resize(WindowSize size) {
  if (auto set = spawner::set_window_size(terminal().descriptor(), size); !set) throw std::move(set).error();
}

void Child::on_exit(Handler<const ExitStatus&> callback) { state().on_exit.set(std::move(callback)); }
void Child::on_close(Handler<const ExitStatus&> callback) { state().on_close.set(std::move(callback)); }

Op<ExitStatus> Child::exited() {
  Promise<ExitStatus> promise(state().loop, "exit of " + std::to_string(pid()));
  auto op = promise.op();
  if (state_->status) {
    promise.resolve(*state_->status);
  } else {
    state_->waiting.push_back(std::move(promise));
  }
  return op;
}

bool Child::kill(int signal) {
  check_signal(signal);
  auto sent = state().signal(signal);
  if (!sent) throw Error(sent.error().code(), "kill " + std::to_string(pid()), signal_name(signal));
  return *sent;
}
void Child::stop() { stop(state().grace); }
void Child::stop(std::chrono::nanoseconds grace) { state().stop(grace); }
size_t Child::kill_tree(int signal) {
  check_signal(signal);
  return state().signal_tree(signal);
}
Op<> Child::stop_tree() { return stop_tree(state().grace); }
Op<> Child::stop_tree(std::chrono::nanoseconds grace) { return state().stop_tree(grace); }
void Child::detach() {
  state().detached = true;
  unref();
}
void Child::close_streams() {
  for (auto& [target, stream] : state().streams) stream.close();
}
void Child::ref() { state().poll.ref(); }
void Child::unref() { state().poll.unref(); }

Child spawn(Loop& loop, std::string file, std::vector<std::string> arguments, const SpawnOptions& options) {
  spawner::reap_abandoned();
  auto plan = spawner::make_plan(std::move(file), std::move(arguments), options);
  const std::string operation = spawner::operation_of(plan);
  spawner::StdioSetup setup(loop, operation, options);
  plan.descriptors = setup.placements();
  plan.terminal = setup.terminal_of_child();
  auto launched = spawner::launch(plan);
  if (!launched) throw std::move(launched).error();
  auto state = std::make_shared<Child::State>(loop, std::move(*launched), std::move(plan), options);
  try {
    state->watch(options);
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
