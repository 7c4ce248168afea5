#pragma once

#include <functional>
#include <utility>

namespace baton {

/// Where one callback of an object is stored. The callback may replace or clear itself, or destroy its
/// object, while it runs: it lives until it returns.
template <class... Args>
class Slot {
 public:
  using Function = std::move_only_function<void(Args...)>;

  void set(Function function) {
    function_ = std::move(function);
    ++generation_;
  }
  void clear() noexcept {
    function_ = nullptr;
    ++generation_;
  }
  explicit operator bool() const noexcept { return static_cast<bool>(function_); }

  /// Calls what is stored, if anything. What it throws ends there: `to` is the Loop, or whoever else has a
  /// `call` that takes care of it. The slot itself must outlive the call.
  template <class Caller>
  void fire(Caller& to, Args... args) {
    if (!function_) return;
    const Running running(*this);
    to.call([&] { running.function(std::forward<Args>(args)...); });
  }
  /// The same for what happens once: the slot is empty afterwards.
  template <class Caller>
  void fire_once(Caller& to, Args... args) {
    Function function = std::move(function_);
    clear();
    if (!function) return;
    to.call([&] { function(std::forward<Args>(args)...); });
  }

 private:
  struct Running {
    explicit Running(Slot& owner)
        : slot(owner), generation(owner.generation_), function(std::exchange(owner.function_, nullptr)) {}
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      if (slot.generation_ == generation) slot.function_ = std::move(function);
    }
    Slot& slot;
    unsigned generation;
    mutable Function function;
  };

  Function function_;
  unsigned generation_ = 0;
};

}  // namespace baton
