#pragma once

#include <memory>
#include <string_view>

#include "baton/loop/loop.h"
#include "baton/supervisor/ready.h"

namespace baton::supervisor {

/// Asks again and again whether somebody answers, until somebody does; ends with its destruction.
class ReadyCheck {
 public:
  /// `passed` is called once, from the loop.
  ReadyCheck(Loop& loop, const ReadyProbe& probe, Callback passed);
  ReadyCheck(const ReadyCheck&) = delete;
  ReadyCheck& operator=(const ReadyCheck&) = delete;
  ~ReadyCheck();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Whether an answer of HTTP begins with a status of 200 to 399.
[[nodiscard]] bool answers_well(std::string_view head) noexcept;

}  // namespace baton::supervisor
