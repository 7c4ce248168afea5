#pragma once

#include <chrono>
#include <functional>

namespace baton {

/// Does in a thread of its own what the kernel may hold for as long as somebody else likes (a file system
/// that does not answer, the lock of a folder that anybody may read), and waits for it so long: whether it is
/// done. What is not goes on by itself: `job` may touch nothing but what is its own. While some are held so,
/// others are waited for a tenth as long, so that many do not take the time of many. False, too, where there
/// can be no thread.
[[nodiscard]] bool patiently(std::chrono::milliseconds patience, std::function<void()> job) noexcept;

}  // namespace baton
