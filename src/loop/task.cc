#include "baton/loop/task.h"

#include <utility>

#include "baton/loop/handler.h"
#include "baton/loop/loop.h"

namespace baton {
namespace detail {
namespace {

Runner run_here(Loop& /*loop*/, Task<> task, std::shared_ptr<void> /*function*/) { co_await std::move(task); }

Runner run_with(Loop& /*loop*/, Task<> task, std::move_only_function<void(std::exception_ptr)> failed) {
  std::exception_ptr thrown;
  try {
    co_await std::move(task);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) failed(thrown);
}

}  // namespace

void own_frame(Loop& loop, void* address) { loop.own_frame(address); }
void disown_frame(Loop& loop, void* address) noexcept { loop.disown_frame(address); }
void uncaught(Loop& loop, std::exception_ptr exception) noexcept { loop.uncaught(std::move(exception)); }

void start_here(std::shared_ptr<void> function, Task<> task) {
  run_here(Loop::running(), std::move(task), std::move(function));
}

}  // namespace detail

void start(Loop& loop, Task<> task, Handler<std::exception_ptr> failed) {
  detail::run_with(loop, std::move(task), std::move(failed));
}

}  // namespace baton
