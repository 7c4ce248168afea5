#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "baton/loop/serving.h"

namespace baton {

/// `function` as a callback that no exception leaves: what it throws, or the task that it returned, is given
/// to `failed`.
template <class... Args, class Failed>
std::move_only_function<void(Args...)> served(Loop& loop, Serving<Args...> function, Failed failed) {
  if (!function) return nullptr;
  auto shared = std::make_shared<Serving<Args...>>(std::move(function));
  return [&loop, shared = std::move(shared), failed = std::move(failed)](Args... args) {
    try {
      auto task = (*shared)(std::forward<Args>(args)...);
      if (!task) return;
      // What the function has captured is the task's, too.
      start(loop, std::move(*task), [shared, failed](const std::exception_ptr& thrown) { failed(thrown); });
    } catch (...) {
      failed(std::current_exception());
    }
  };
}

}  // namespace baton
