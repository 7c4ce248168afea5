#include "spawn/child_state.h"

#include <algorithm>
#include <csignal>
#include <new>
#include <utility>

#include "spawn/abandoned.h"
#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"
#include "spawn/tree_signal_linux.h"

namespace baton {

Child::State::State(Loop& owner, spawner::Launched launched, spawner::LaunchPlan plan,
                    const SpawnOptions& how)
    : loop(owner),
      pid(launched.pid),
      pidfd(std::move(launched.pidfd)),
      file(std::move(plan.file)),
      arguments(std::move(plan.arguments)),
      grace(how.grace()),
      close_grace(how.close_grace()),
      kill_signal(how.kill_signal()),
      stop_signal(how.stop_signal()),
      whole_tree(how.whole_tree()) {
  spawner::remember_child(pid);
}

Child::State::~State() {
  poll.close();
  if (status) return;
  if (!detached) {
    try {
      signal_all(SIGKILL);
    } catch (const std::bad_alloc&) {
      signal_quietly(SIGKILL);
    }
  }
  spawner::abandon(pid, std::move(pidfd));
}

void Child::State::watch(const SpawnOptions& options) {
  poll = Poll(loop, pidfd.get(), [this](int) { reap(); });
  poll.want(Poll::readable);
  if (const auto time = options.timeout()) {
    time_limit_ = Timer(loop, *time, [this] { end_early(timed_out); });
    time_limit_.unref();
  }
  if (options.kill_on().stop_possible()) {
    stop_callback_.emplace(options.kill_on(), [this] { end_early(cancelled); });
  }
}

void Child::State::adopt_streams(spawner::StdioSetup::Streams all) {
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

net::Socket* Child::State::find_stream(int target) {
  const auto found = std::ranges::find(streams, target, &spawner::StdioSetup::Streams::value_type::first);
  return found == streams.end() ? nullptr : &found->second;
}

void Child::State::reap() {
  const auto self = shared_from_this();
  // While it is a zombie nobody else gets its number, by which its session is found.
  if (whole_tree && !detached && spawner::has_ended(pidfd.get())) tree_end().kill();
  status = spawner::try_wait(pidfd.get());
  if (!status) return;
  spawner::forget_child(pid);
  poll.close();
  pidfd.reset();
  time_limit_.stop();
  stop_callback_.reset();
  if (!tree_) grace_timer_.stop();
  for (auto& promise : std::exchange(waiting, {})) promise.resolve(*status);
  // Hanging up can hurt it no more, and so the terminal ends when everybody has left it.
  if (net::Socket* terminal = find_stream(spawner::StdioSetup::terminal)) {
    if (*terminal) terminal->end();
  }
  undying_timer_.stop();
  if (ownerless_) {
    if (!tree_) loop.let_go(this);
    return;
  }
  if (const auto time = close_grace) {
    close_timer_ = Timer(loop, *time, [this] { close_streams(); });
  }
  loop.defer([self] { self->close_if_over(); });
  on_exit.fire_once(loop, *status);
}

void Child::State::close_if_over() {
  if (!status || closed_ || ownerless_) return;
  if (std::ranges::any_of(streams, [](const auto& one) { return one.second.reading(); })) return;
  closed_ = true;
  close_timer_.stop();
  on_close.fire_once(loop, *status);
}

void Child::State::close_streams() {
  for (auto& [target, stream] : streams) {
    if (stream.reading()) stream.close();
  }
}

Result<bool> Child::State::signal(int number) {
  if (status) return false;
  auto sent = spawner::send_signal(pidfd.get(), number);
  if (sent && *sent && number != 0) killed = true;
  if (sent && number == SIGKILL && !killed_at_) killed_at_ = Clock::now();
  return sent;
}

size_t Child::State::signal_tree(int number) {
  if (status) return 0;
  const size_t count = spawner::signal_tree(pid, pidfd.get(), number);
  if (number == SIGKILL && !killed_at_) killed_at_ = Clock::now();
  if (count > 0 && number != 0) killed = true;
  return count;
}

void Child::State::signal_all(int number) {
  if (whole_tree) {
    signal_tree(number);
  } else {
    signal_quietly(number);
  }
}

void Child::State::end_early(bool& why) {
  if (status) return;
  why = true;
  signal_all(kill_signal);
}

void Child::State::stop(std::chrono::nanoseconds time) {
  if (status) return;
  if (whole_tree) {
    (void)stop_tree(time);
    return;
  }
  signal_quietly(stop_signal);
  grace_timer_ = Timer(loop, time, [this] { signal_quietly(SIGKILL); });
  grace_timer_.unref();
}

spawner::TreeEnd& Child::State::tree_end() {
  if (!tree_) {
    loop.keep(shared_from_this());
    spawner::TreeEnd::Leader leader{pid, [this] { return status.has_value(); },
                                    [this](int number) { return signal(number); }};
    tree_ = std::make_unique<spawner::TreeEnd>(loop, std::move(leader),
                                               [weak = weak_from_this()](const Result<void>& outcome) {
                                                 if (const auto self = weak.lock()) self->tree_over(outcome);
                                               });
  }
  return *tree_;
}

Op<> Child::State::stop_tree(std::chrono::nanoseconds time) {
  Promise<> promise(loop, "stop a tree");
  auto op = promise.op();
  if (status && !tree_) {
    promise.resolve({});
    return op;
  }
  waiting_for_tree_.push_back(std::move(promise));
  tree_end().ask(stop_signal, true);
  if (!status) killed = true;
  grace_timer_ = Timer(loop, time, [this] { tree_end().kill(); });
  grace_timer_.unref();
  return op;
}

void Child::State::tree_over(const Result<void>& outcome) {
  grace_timer_.stop();
  tree_.reset();
  for (auto& promise : std::exchange(waiting_for_tree_, {})) promise.resolve(outcome);
  // A child that may not be signalled can be there yet.
  if (status || !ownerless_) loop.let_go(this);
}

void Child::State::lose_owner() {
  ownerless_ = true;
  on_exit.clear();
  on_close.clear();
  streams.clear();
  close_timer_.stop();
  stop_callback_.reset();
  if (status) return;
  loop.keep(shared_from_this());
  if (detached) return;
  if (!grace_timer_.active()) stop(grace);
  poll.ref();
  // Who does not end though it is killed is held by the kernel, and does not hold us.
  const auto time =
      killed_at_ ? *killed_at_ + spawner::TreeEnd::undying - Clock::now() : grace + spawner::TreeEnd::undying;
  undying_timer_ = Timer(loop, std::max(time, std::chrono::nanoseconds(0)), [this] { loop.let_go(this); });
}

}  // namespace baton
