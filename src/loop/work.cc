#include "loop/work.h"

#include <uv.h>

#include <atomic>
#include <exception>
#include <latch>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

namespace baton {
namespace {

// libuv starts its threads with the first work, and ends the process where it cannot.
constexpr int pool_threads = 4;

bool pool_can_start() {
  static std::atomic<bool> started = false;
  if (started) return true;
  std::latch end(1);
  std::vector<std::thread> threads;
  try {
    while (threads.size() < pool_threads) threads.emplace_back([&end] { end.wait(); });
  } catch (const std::exception&) {
    // As few as there are.
  }
  end.count_down();
  for (std::thread& one : threads) one.join();
  if (threads.size() < pool_threads) return false;
  started = true;
  return true;
}

}  // namespace

struct Work::State {
  uv_work_t request;
  Loop& loop;
  std::move_only_function<void()> job;
  Callback done;
  std::binary_semaphore ended{0};
  std::shared_ptr<State> self;  // until libuv is done with it
};

Work::Work(Loop& loop, std::move_only_function<void()> job, Callback done)
    : state_(new State{
          .request = {}, .loop = loop, .job = std::move(job), .done = std::move(done), .self = {}}) {
  state_->request.data = state_.get();
  const auto run = [](uv_work_t* request) {
    auto* state = static_cast<State*>(request->data);
    state->job();
    state->ended.release();
  };
  const auto over = [](uv_work_t* request, int) {
    const auto state = std::exchange(static_cast<State*>(request->data)->self, nullptr);
    if (!state->done) return;
    state->loop.enter([&] { std::exchange(state->done, nullptr)(); });
  };
  if (pool_can_start() && uv_queue_work(loop.native(), &state_->request, run, over) == 0) {
    state_->self = state_;
    return;
  }
  // Somebody has taken all the threads that there may be; what has to be done is done.
  state_->job();
  loop.defer([state = state_] {
    if (state->done) std::exchange(state->done, nullptr)();
  });
  state_->ended.release();
}

Work& Work::operator=(Work&& other) noexcept {
  if (this != &other) {
    abandon();
    state_ = std::move(other.state_);
  }
  return *this;
}

Work::operator bool() const noexcept { return state_ && state_->done; }

void Work::finish() {
  if (!*this) return;
  const auto state = state_;
  state->ended.acquire();
  std::exchange(state->done, nullptr)();
}

void Work::abandon() noexcept {
  if (!state_) return;
  state_->done = nullptr;
  if (state_->self) (void)uv_cancel(reinterpret_cast<uv_req_t*>(&state_->request));
  state_.reset();
}

}  // namespace baton
