#include "base/patiently.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>

#include "base/quiet_thread.h"

namespace baton {
namespace {

struct Held {
  std::mutex mutex;
  std::condition_variable news;
  bool done = false;
  bool given_up = false;
};

std::atomic<int> given_up = 0;

}  // namespace

bool patiently(std::chrono::milliseconds patience, std::function<void()> job) noexcept {
  try {
    const auto held = std::make_shared<Held>();
    start_quiet_thread([held, job = std::move(job)] {
      job();
      const std::scoped_lock lock(held->mutex);
      held->done = true;
      if (held->given_up) --given_up;
      held->news.notify_all();
    });
    std::unique_lock lock(held->mutex);
    if (held->news.wait_for(lock, given_up > 0 ? patience / 10 : patience, [&] { return held->done; }))
      return true;
    held->given_up = true;
    ++given_up;
  } catch (const std::exception&) {
    // No thread, or no memory.
  }
  return false;
}

}  // namespace baton
