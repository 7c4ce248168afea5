#pragma once

#include <chrono>
#include <functional>

namespace baton {

/// Does in a thread of its own what the kernel may hold for as long as somebody else likes (a file system
/// that does not answer, the lock of a folder that anybody may read), and waits for it so long: whether it is
/// done. What is not goes on by itself: `job` may touch nothing but what is its own. While n are held so, the
/// next one is waited for `patience` / (n + 1)^2, so that all together take less than twice that; with 64
/// nothing more is begun. False, too, where there can be no thread, or
/// the job threw: it may have had no memory.
[[nodiscard]] bool patiently(std::chrono::milliseconds patience, std::function<void()> job) noexcept;

}  // namespace baton
