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

  /// Calls what is stored, if anything. The slot itself must outlive the call.
  void fire(Args... args) {
    if (!function_) return;
    const Running running(*this);
    running.function(std::forward<Args>(args)...);
  }
  /// The same for what happens once: the slot is empty afterwards.
  void fire_once(Args... args) {
    Function function = std::move(function_);
    clear();
    if (function) function(std::forward<Args>(args)...);
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
