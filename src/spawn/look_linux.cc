#include "spawn/look_linux.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
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
  bool ended = false;
  bool threw = false;

  void run() {
    if (is_forgotten()) return;
    set_own_children(std::move(children));
    bool failed = false;
    try {
      job();
    } catch (...) {
      failed = true;
    }
    const std::scoped_lock lock(mutex);
    ended = true;
    threw = failed;
    if (tell) tell();
  }
  // What became of it, as far as that is known.
  Result<void> outcome() {
    const std::scoped_lock lock(mutex);
    if (!ended) return failure(ETIMEDOUT, "look beside the loop");
    if (threw) return failure(ECANCELED, "look beside the loop");
    return {};
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

// What one lane has to do, and its thread.
class Lane::Looker : public std::enable_shared_from_this<Looker> {
 public:
  explicit Looker(bool stays) : stays_(stays) {}

  // False: there are as many threads as there may be, or too many wait. Throws if the system has no thread.
  bool ask(const std::shared_ptr<LookTask>& task) {
    {
      const std::scoped_lock lock(mutex_);
      if (!runs_ && !start()) return false;
      // Who is held holds the others up for long.
      std::erase_if(tasks_, [](const auto& one) { return one->is_forgotten(); });
      if (tasks_.size() >= most_waiting) return false;
      tasks_.push_back(task);
    }
    news_.notify_all();
    return true;
  }

  [[nodiscard]] bool stays() const noexcept { return stays_; }
  bool finish(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, patience, [this] { return tasks_.empty() && !busy_; });
  }

 private:
  bool start() {
    if (!stays_ && passing_threads >= most_threads) return false;
    start_quiet_thread([self = shared_from_this()] { self->run(); });
    if (!stays_) ++passing_threads;
    runs_ = true;
    return true;
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (stays_) news_.wait(lock, [this] { return !tasks_.empty(); });
      if (tasks_.empty()) break;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      busy_ = true;
      lock.unlock();
      task->run();
      // What it has may take its time to go, too.
      task.reset();
      lock.lock();
      busy_ = false;
      news_.notify_all();
    }
    runs_ = false;
    --passing_threads;
  }

  static inline std::atomic<int> passing_threads = 0;

  const bool stays_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::shared_ptr<LookTask>> tasks_;
  bool runs_ = false;
  bool busy_ = false;
};

namespace {

// Their threads are there until the process ends, and so are they. A fork has none of them.
struct Staying {
  std::shared_ptr<Lane::Looker> trees = std::make_shared<Lane::Looker>(true);
  std::shared_ptr<Lane::Looker> ports = std::make_shared<Lane::Looker>(true);
};
std::atomic<Staying*> staying = nullptr;

Staying& staying_lookers() {
  static const int forgets_in_forks = ::pthread_atfork(nullptr, nullptr, [] { staying = nullptr; });
  (void)forgets_in_forks;
  Staying* all = staying;
  if (all == nullptr) {
    auto made = std::make_unique<Staying>();
    if (staying.compare_exchange_strong(all, made.get())) all = made.release();
  }
  return *all;
}

// False: it is not done.
bool hand_over(Lane::Looker& looker, const std::shared_ptr<LookTask>& task) {
  task->children = all_own_children();
  try {
    return looker.ask(task);
  } catch (const std::system_error&) {
    // Whoever has taken all threads may be about to hold who looks at him; but what ends processes has to be
    // done.
    if (!looker.stays()) return false;
    task->run();
    return true;
  }
}

}  // namespace

Lane Lane::trees() { return Lane(staying_lookers().trees); }
Lane Lane::ports() { return Lane(staying_lookers().ports); }
Lane::Lane() : looker_(std::make_shared<Looker>(false)) {}

bool Lane::post(Callback job) const {
  const auto task = std::make_shared<LookTask>();
  task->job = std::move(job);
  task->tell = [] {};
  return hand_over(*looker_, task);
}

bool Lane::finish(std::chrono::milliseconds patience) const { return looker_->finish(patience); }

Lane LanesOfAPlace::next() {
  std::erase_if(held_, [](const Lane& one) { return one.finish(std::chrono::milliseconds(0)); });
  if (held_.size() < most_held) held_.emplace_back();
  return held_.back();
}

struct Look::State {
  std::shared_ptr<LookTask> task = std::make_shared<LookTask>();
  std::move_only_function<void(const Result<void>&)> done;
  Bell* bell = nullptr;
  Timer patience;
  Result<void> refused;
  bool half_over = false;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { close(); }

  void close() noexcept {
    task->forget();
    patience.stop();
    if (bell != nullptr) std::exchange(bell, nullptr)->close();
  }
  void over() {
    const auto outcome = refused ? task->outcome() : refused;
    close();
    if (done) std::exchange(done, nullptr)(outcome);
  }
};

Look::Look(Loop& loop, const Lane& lane, std::chrono::milliseconds patience, Callback job,
           std::move_only_function<void(const Result<void>&)> done)
    : state_(std::make_shared<State>()) {
  state_->done = std::move(done);
  state_->bell = new Bell(loop, [weak = std::weak_ptr(state_)] {
    if (const auto state = weak.lock()) state->over();
  });
  state_->task->job = std::move(job);
  state_->task->tell = [bell = state_->bell] { bell->ring(); };
  // In two halves: if the loop did not run meanwhile, the first one was no time at all.
  const auto half = std::max(patience / 2, std::chrono::milliseconds(1));
  state_->patience = Timer::every(loop, half, [weak = std::weak_ptr(state_)] {
    const auto state = weak.lock();
    if (state && std::exchange(state->half_over, true)) state->over();
  });
  if (hand_over(*lane.looker_, state_->task)) return;
  state_->refused = failure(EAGAIN, "look beside the loop", "no thread");
  state_->bell->ring();
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

bool look_now(const Lane& lane, std::chrono::milliseconds patience, Callback job) {
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
  if (!hand_over(*lane.looker_, task)) return false;
  std::unique_lock lock(answer->mutex);
  const bool in_time = answer->news.wait_for(lock, patience, [&] { return answer->there; });
  lock.unlock();
  // Who has not begun yet need not begin.
  if (!in_time) task->forget();
  return in_time && task->outcome();
}

}  // namespace baton::spawner
