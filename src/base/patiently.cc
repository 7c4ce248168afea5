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
  bool over = false;
  bool done = false;
  bool given_up = false;
};

std::atomic<int> given_up = 0;
constexpr int most_held = 64;

}  // namespace

bool patiently(std::chrono::milliseconds patience, std::function<void()> job) noexcept {
  const int before = given_up;
  if (before >= most_held) return false;
  try {
    const auto held = std::make_shared<Held>();
    start_quiet_thread([held, job = std::move(job)] {
      bool done = true;
      try {
        job();
      } catch (...) {
        done = false;
      }
      const std::scoped_lock lock(held->mutex);
      held->over = true;
      held->done = done;
      if (held->given_up) --given_up;
      held->news.notify_all();
    });
    std::unique_lock lock(held->mutex);
    if (held->news.wait_for(lock, patience / ((1 + before) * (1 + before)), [&] { return held->over; }))
      return held->done;
    held->given_up = true;
    ++given_up;
  } catch (const std::exception&) {
    // No thread, or no memory.
  }
  return false;
}

}  // namespace baton
