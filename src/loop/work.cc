#include "loop/work.h"

#include <mutex>
#include <utility>

#include "base/threads.h"
#include "loop/bell.h"

namespace baton {

class Work::State : public Job {
 public:
  State(Kind kind, std::move_only_function<void()> job, Callback done)
      : kind_(kind), job_(std::move(job)), done_(std::move(done)) {}

  static void begin(const std::shared_ptr<State>& self, Loop& loop) {
    self->bell_ = new Bell(loop, [self] {
      self->hear_no_more();
      if (self->done_) std::exchange(self->done_, nullptr)();
    });
    if (self->threads().take(self)) return;
    // Somebody has taken all the threads that there may be; what has to be done is done.
    self->kind_ == Kind::computes ? self->run() : self->tell_done();
  }
  void run() noexcept override {
    try {
      // What it holds may be large.
      std::exchange(job_, nullptr)();
    } catch (...) {
      // Whoever waits for it sees that nothing is there.
    }
    tell_done();
  }
  static void abandon(const std::shared_ptr<State>& self) noexcept {
    self->done_ = nullptr;
    self->threads().give_back(self);
    self->hear_no_more();
  }
  [[nodiscard]] bool goes_on() const noexcept { return static_cast<bool>(done_); }

 private:
  // Asked each time: a fork has its own.
  [[nodiscard]] Threads& threads() const {
    return kind_ == Kind::computes ? Threads::for_work() : Threads::for_waits();
  }
  void hear_no_more() noexcept {
    const std::scoped_lock lock(mutex_);
    if (bell_ != nullptr) std::exchange(bell_, nullptr)->close();
  }
  void tell_done() noexcept {
    const std::scoped_lock lock(mutex_);
    if (bell_ != nullptr) bell_->ring();
  }

  const Kind kind_;
  std::move_only_function<void()> job_;
  Callback done_;
  std::mutex mutex_;
  Bell* bell_ = nullptr;  // none: nobody listens any more
};

Work::Work(Loop& loop, std::move_only_function<void()> job, Callback done, Kind kind)
    : state_(std::make_shared<State>(kind, std::move(job), std::move(done))) {
  State::begin(state_, loop);
}

Work& Work::operator=(Work&& other) noexcept {
  if (this != &other) {
    abandon();
    state_ = std::move(other.state_);
  }
  return *this;
}

Work::operator bool() const noexcept { return state_ && state_->goes_on(); }

void Work::abandon() noexcept {
  if (state_) State::abandon(std::exchange(state_, nullptr));
}

}  // namespace baton
