#include "base/threads.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <exception>
#include <limits>
#include <utility>

#include "base/quiet_thread.h"

namespace baton {
namespace {

constexpr unsigned most_that_compute = 4;
constexpr unsigned most_that_wait = 16;
constexpr std::size_t most_waiting_for_waits = 1024;

class Aside : public Job {
 public:
  explicit Aside(std::move_only_function<void()> work) : work_(std::move(work)) {}
  void run() noexcept override {
    try {
      // What it holds may be large.
      std::exchange(work_, nullptr)();
    } catch (...) {
      // Nobody waits for it.
    }
  }

 private:
  std::move_only_function<void()> work_;
};

}  // namespace

// Until the process ends: so long somebody may be at work.
Threads& Threads::of_process(std::size_t which) {
  static std::array<std::atomic<Threads*>, 2> both{};
  static const int forgets_in_forks = ::pthread_atfork(nullptr, nullptr, [] { both[0] = both[1] = nullptr; });
  (void)forgets_in_forks;
  auto& the_one = both.at(which);
  Threads* threads = the_one;
  if (threads != nullptr) return *threads;
  auto made = which == 0
                  ? std::make_unique<Threads>(most_that_compute, std::numeric_limits<std::size_t>::max())
                  : std::make_unique<Threads>(most_that_wait, most_waiting_for_waits);
  if (the_one.compare_exchange_strong(threads, made.get())) threads = made.release();
  return *threads;
}

bool Threads::take(std::shared_ptr<Job> job) {
  const std::scoped_lock lock(mutex_);
  if (waiting_.size() >= most_waiting_) return false;
  if (idle_ <= waiting_.size() && threads_ < most_) begin();
  if (threads_ == 0) return false;
  waiting_.push_back(std::move(job));
  news_.notify_one();
  return true;
}

void Threads::give_back(const std::shared_ptr<Job>& job) {
  const std::scoped_lock lock(mutex_);
  std::erase(waiting_, job);
}

void Threads::begin() {
  try {
    start_quiet_thread([this] { live(); }, QuietStack::usual);
    ++threads_;
  } catch (const std::exception&) {
    // As few as there are.
  }
}

void Threads::live() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    news_.wait(lock, [this] { return !waiting_.empty(); });
    --idle_;
    auto job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job->run();
    job.reset();
    lock.lock();
  }
}

void do_aside(std::move_only_function<void()> work) {
  const auto job = std::make_shared<Aside>(std::move(work));
  if (!Threads::for_work().take(job)) job->run();
}

}  // namespace baton
