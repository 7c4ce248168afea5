#include "base/close_aside.h"

#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "base/quiet_thread.h"

namespace baton {

struct CloseAside::Waiting {
  std::mutex mutex;
  std::vector<Fd> next;
  std::size_t open = 0;  // those that are being closed too
  bool thread_runs = false;

  void close_all() noexcept {
    for (std::size_t closed = 0;;) {
      std::vector<Fd> now;
      {
        const std::scoped_lock lock(mutex);
        open -= closed;
        now.swap(next);
        thread_runs = !now.empty();
        if (now.empty()) return;
      }
      closed = now.size();
      now.clear();
    }
  }
};

CloseAside& CloseAside::of_nobody() {
  thread_local CloseAside the_one;
  return the_one;
}

// Where there is no memory for it, it is closed here.
void CloseAside::close(Fd descriptor) noexcept {
  try {
    if (!waiting_) waiting_ = std::make_shared<Waiting>();
    const std::scoped_lock lock(waiting_->mutex);
    waiting_->next.push_back(std::move(descriptor));
    ++waiting_->open;
  } catch (const std::bad_alloc&) {
    return descriptor.reset();
  }
  begin();
}

// The peer may have taken all the threads there are, so that they would be closed here: without one they
// wait, and another try is made whenever somebody asks.
void CloseAside::begin() const noexcept {
  {
    const std::scoped_lock lock(waiting_->mutex);
    if (waiting_->next.empty() || std::exchange(waiting_->thread_runs, true)) return;
  }
  try {
    start_quiet_thread([waiting = waiting_] { waiting->close_all(); });
  } catch (const std::exception&) {
    const std::scoped_lock lock(waiting_->mutex);
    waiting_->thread_runs = false;
  }
}

bool CloseAside::full() const noexcept {
  if (!waiting_) return false;
  begin();
  const std::scoped_lock lock(waiting_->mutex);
  return waiting_->open >= most_waiting;
}

CloseAside::~CloseAside() {
  if (!waiting_) return;
  begin();
  const std::scoped_lock lock(waiting_->mutex);
  if (waiting_->thread_runs || this == &of_nobody()) return;
  for (Fd& one : waiting_->next) of_nobody().close(std::move(one));
  waiting_->next.clear();
}

}  // namespace baton
