#include "loop/work.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>

#include "base/quiet_thread.h"
#include "loop/bell.h"

namespace baton {

struct Work::State {
  Loop* loop;
  Kind kind = Kind::computes;
  std::move_only_function<void()> job;
  Callback done;

  std::mutex mutex;
  Bell* bell = nullptr;  // none: nobody listens any more

  void listen(const std::shared_ptr<State>& self);
  void hear_no_more();
  void do_it();
  void tell_done();
};

namespace {

/// The threads of the process. libuv's own ends the process where one of its threads cannot be started, which
/// whoever takes all the processes of the user brings about.
class Pool {
 public:
  // Until the process ends: so long somebody may be at work. A fork has none of its threads.
  static Pool& of_process(Work::Kind kind) {
    static std::array<std::atomic<Pool*>, 2> both{};
    static const int forgets_in_forks =
        ::pthread_atfork(nullptr, nullptr, [] { both[0] = both[1] = nullptr; });
    (void)forgets_in_forks;
    auto& the_one = both[static_cast<std::size_t>(kind)];
    Pool* pool = the_one;
    if (pool != nullptr) return *pool;
    auto made = std::make_unique<Pool>();
    if (the_one.compare_exchange_strong(pool, made.get())) pool = made.release();
    return *pool;
  }

  // False: there is no thread, and none can be had; or too many wait for who waits.
  bool take(const std::shared_ptr<Work::State>& work) {
    const std::scoped_lock lock(mutex_);
    if (work->kind == Work::Kind::waits && waiting_.size() >= most_waiting) return false;
    if (idle_ <= waiting_.size() && threads_ < most_threads) begin();
    if (threads_ == 0) return false;
    waiting_.push_back(work);
    news_.notify_one();
    return true;
  }
  void give_back(const std::shared_ptr<Work::State>& work) {
    const std::scoped_lock lock(mutex_);
    std::erase(waiting_, work);
  }

 private:
  static constexpr unsigned most_threads = 4;
  static constexpr std::size_t most_waiting = 1024;

  void begin() {
    try {
      start_quiet_thread([this] { live(); }, QuietStack::usual);
      ++threads_;
    } catch (const std::exception&) {
      // As few as there are.
    }
  }
  void live() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      news_.wait(lock, [this] { return !waiting_.empty(); });
      --idle_;
      auto work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work->do_it();
      work.reset();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::shared_ptr<Work::State>> waiting_;
  unsigned threads_ = 0;
  std::size_t idle_ = 0;
};

}  // namespace

void Work::State::listen(const std::shared_ptr<State>& self) {
  bell = new Bell(*loop, [self] {
    self->hear_no_more();
    if (self->done) std::exchange(self->done, nullptr)();
  });
}

void Work::State::hear_no_more() {
  const std::scoped_lock lock(mutex);
  if (bell != nullptr) std::exchange(bell, nullptr)->close();
}

void Work::State::do_it() {
  try {
    // What it holds may be large.
    std::exchange(job, nullptr)();
  } catch (...) {
    // Whoever waits for it sees that nothing is there.
  }
  tell_done();
}

void Work::State::tell_done() {
  const std::scoped_lock lock(mutex);
  if (bell != nullptr) bell->ring();
}

Work::Work(Loop& loop, std::move_only_function<void()> job, Callback done, Kind kind)
    : state_(new State{
          .loop = &loop, .kind = kind, .job = std::move(job), .done = std::move(done), .mutex = {}}) {
  state_->listen(state_);
  if (Pool::of_process(kind).take(state_)) return;
  // Somebody has taken all the threads that there may be; what has to be done is done.
  kind == Kind::computes ? state_->do_it() : state_->tell_done();
}

void do_aside(std::move_only_function<void()> job) {
  const std::shared_ptr<Work::State> work(
      new Work::State{.loop = nullptr, .job = std::move(job), .done = nullptr, .mutex = {}});
  if (!Pool::of_process(work->kind).take(work)) work->do_it();
}

Work& Work::operator=(Work&& other) noexcept {
  if (this != &other) {
    abandon();
    state_ = std::move(other.state_);
  }
  return *this;
}

Work::operator bool() const noexcept { return state_ && state_->done; }

void Work::abandon() noexcept {
  if (!state_) return;
  state_->done = nullptr;
  Pool::of_process(state_->kind).give_back(state_);
  state_->hear_no_more();
  state_.reset();
}

}  // namespace baton
