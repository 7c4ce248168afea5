#include "spawn/look_linux.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "base/quiet_thread.h"
#include "baton/loop/timer.h"
#include "loop/bell.h"
#include "spawn/own_children.h"

namespace baton::spawner {

// What is to be done, and whether anybody still waits for it.
struct LookTask {
  Callback job;
  std::unordered_set<pid_t> children;
  std::mutex mutex;
  Callback tell;  // from the thread; empty: nobody waits
  std::atomic<bool> failed = false;

  void run() {
    if (is_forgotten()) return;
    set_own_children(std::move(children));
    bool threw = false;
    try {
      job();
    } catch (...) {
      threw = true;
    }
    const std::scoped_lock lock(mutex);
    failed = threw;
    if (tell) tell();
  }
  void forget() {
    const std::scoped_lock lock(mutex);
    tell = nullptr;
  }
  bool is_forgotten() {
    const std::scoped_lock lock(mutex);
    return !tell;
  }
};

namespace {

class Looker {
 public:
  // The thread stays, so that there is one when nobody gets another.
  void ask(const std::shared_ptr<LookTask>& task) {
    {
      const std::scoped_lock lock(mutex_);
      if (!runs_) {
        start_quiet_thread([this] { run(); });
        runs_ = true;
      }
      // Who is held holds the others up for long.
      std::erase_if(tasks_, [](const auto& one) { return one->is_forgotten(); });
      tasks_.push_back(task);
    }
    news_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return !tasks_.empty(); });
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task->run();
    }
  }

  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::shared_ptr<LookTask>> tasks_;
  bool runs_ = false;
};

// Their threads are there until the process ends, and so are they. A fork has none of them.
using Lookers = std::array<Looker, 2>;
std::atomic<Lookers*> lookers = nullptr;

Looker& looker(Lane lane) {
  static const int forgets_in_forks = ::pthread_atfork(nullptr, nullptr, [] { lookers = nullptr; });
  (void)forgets_in_forks;
  Lookers* all = lookers;
  if (all == nullptr) {
    auto made = std::make_unique<Lookers>();
    if (lookers.compare_exchange_strong(all, made.get())) all = made.release();
  }
  return all->at(static_cast<size_t>(lane));
}

// False: there is no thread to be had, and what has to be done was done here.
bool hand_over(Lane lane, const std::shared_ptr<LookTask>& task) {
  task->children = all_own_children();
  try {
    looker(lane).ask(task);
    return true;
  } catch (const std::system_error&) {
    task->forget();
    try {
      task->job();
    } catch (...) {
      task->failed = true;
    }
    return false;
  }
}

}  // namespace

struct Look::State {
  std::shared_ptr<LookTask> task = std::make_shared<LookTask>();
  std::move_only_function<void(bool)> done;
  Bell* bell = nullptr;
  Timer patience;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { close(); }

  void close() noexcept {
    task->forget();
    patience.stop();
    if (bell != nullptr) std::exchange(bell, nullptr)->close();
  }
};

Look::Look(Loop& loop, Lane lane, std::chrono::milliseconds patience, Callback job,
           std::move_only_function<void(bool)> done)
    : state_(std::make_shared<State>()) {
  state_->done = std::move(done);
  const auto over = [weak = std::weak_ptr(state_)](bool in_time) {
    const auto state = weak.lock();
    if (!state || !state->done) return;
    state->close();
    std::exchange(state->done, nullptr)(in_time);
  };
  state_->bell = new Bell(loop, [weak = std::weak_ptr(state_), over] {
    const auto state = weak.lock();
    over(state && !state->task->failed);
  });
  state_->task->job = std::move(job);
  state_->task->tell = [bell = state_->bell] { bell->ring(); };
  state_->patience = Timer(loop, patience, [over] { over(false); });
  if (!hand_over(lane, state_->task)) state_->bell->ring();
}

Look& Look::operator=(Look&& other) noexcept {
  if (this != &other) {
    abandon();
    state_ = std::move(other.state_);
  }
  return *this;
}

Look::operator bool() const noexcept { return state_ && state_->done; }

void Look::unref() {
  if (!*this) return;
  state_->patience.unref();
  uv_unref(state_->bell->base());
}

void Look::abandon() noexcept {
  if (!state_) return;
  state_->done = nullptr;
  state_->close();
  state_.reset();
}

bool look_now(Lane lane, std::chrono::milliseconds patience, Callback job) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable news;
    bool there = false;
  };
  const auto answer = std::make_shared<Answer>();
  const auto task = std::make_shared<LookTask>();
  task->job = std::move(job);
  task->tell = [answer] {
    const std::scoped_lock lock(answer->mutex);
    answer->there = true;
    answer->news.notify_all();
  };
  if (!hand_over(lane, task)) return true;
  std::unique_lock lock(answer->mutex);
  const bool in_time = answer->news.wait_for(lock, patience, [&] { return answer->there; });
  lock.unlock();
  // Who has not begun yet need not begin.
  if (!in_time) task->forget();
  return in_time && !task->failed;
}

}  // namespace baton::spawner
