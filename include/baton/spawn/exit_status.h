#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "baton/spawn/signal_names.h"

namespace baton {

/// What a child used over its life, together with those of its own children that it waited for: getrusage(2).
class ResourceUsage {
 public:
  ResourceUsage() = default;
  /// CPU time in user and system mode, and the largest resident set.
  ResourceUsage(std::chrono::microseconds user, std::chrono::microseconds system, uint64_t peak_bytes)
      : user_(user), system_(system), peak_bytes_(peak_bytes) {}

  /// @{
  /// CPU time, in user and in system mode.
  [[nodiscard]] std::chrono::microseconds user_time() const noexcept { return user_; }
  [[nodiscard]] std::chrono::microseconds system_time() const noexcept { return system_; }
  /// @}
  /// The largest resident set, in bytes.
  [[nodiscard]] uint64_t peak_memory() const noexcept { return peak_bytes_; }

 private:
  std::chrono::microseconds user_{0};
  std::chrono::microseconds system_{0};
  uint64_t peak_bytes_ = 0;
};

/// How a process ended: by exiting with a code, or by a signal. A code other than 0 is a result and not an
/// error.
class ExitStatus {
 public:
  /// Neither a code nor a signal: the process is gone, but somebody else in this process collected its status
  /// (a waitpid(-1), or SIGCHLD being ignored).
  ExitStatus() = default;
  /// @{
  /// An end of that kind.
  [[nodiscard]] static ExitStatus exited(int code, ResourceUsage usage = {});
  [[nodiscard]] static ExitStatus killed(int signal, bool core_dumped = false, ResourceUsage usage = {});
  /// @}

  /// The exit code, 0 to 255, if the process exited.
  [[nodiscard]] std::optional<int> code() const noexcept { return code_; }
  /// The signal's number, if one ended the process.
  [[nodiscard]] std::optional<int> signal() const noexcept { return signal_; }
  /// Whether the kernel wrote a core file, or gave one to its handler.
  [[nodiscard]] bool core_dumped() const noexcept { return core_dumped_; }
  /// Exited with code 0.
  [[nodiscard]] bool success() const noexcept { return code_ == 0; }
  /// What it used.
  [[nodiscard]] const ResourceUsage& usage() const noexcept { return usage_; }

  /// "exit code 3", "killed by SIGKILL", "killed by SIGSEGV (core dumped)" or "unknown exit status".
  [[nodiscard]] std::string describe() const;

 private:
  std::optional<int> code_;
  std::optional<int> signal_;
  bool core_dumped_ = false;
  ResourceUsage usage_;
};

}  // namespace baton
