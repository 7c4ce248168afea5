#pragma once

#include <optional>
#include <string>
#include <vector>

#include "baton/base/error.h"
#include "baton/spawn/exec.h"

namespace baton {

/// What `spawn_sync` returns: how a program ended and what it wrote, or why it did not run. Mirrors the
/// object of Node's `spawnSync`.
class SyncResult : public ExecResult {
 public:
  /// What kept it from running, or ended it early: an error of `spawn`; ETIMEDOUT: its time was up; ENOBUFS:
  /// it wrote more than `max_buffer`. Null otherwise: a code other than 0 is no error. `pid()` is 0, and
  /// `status()` the unknown one, if it did not run.
  [[nodiscard]] const Error* error() const noexcept { return error_ ? &*error_ : nullptr; }
  /// It ran, with exit code 0, in time and within the limits.
  [[nodiscard]] bool success() const noexcept { return !error_ && ExecResult::success(); }

 private:
  friend SyncResult spawn_sync(std::string file, std::vector<std::string> arguments,
                               const ExecOptions& options);
  SyncResult() = default;
  explicit SyncResult(ExecResult result) : ExecResult(std::move(result)) {}

  std::optional<Error> error_;
};

/// Runs a program to its end and waits for it; this thread does nothing else meanwhile, so not on a thread
/// whose loop has to answer somebody: use `exec_file` there. It needs no loop, and may be called inside a
/// callback of one.
///
/// The options mean what they mean to `exec_file`: `input` is what the program reads, and without one it
/// finds nothing to read; `timeout`, `kill_signal` and `max_buffer` are its limits; every pipe is collected.
/// Throws only for misuse. Mirrors `child_process.spawnSync`.
[[nodiscard]] SyncResult spawn_sync(std::string file, std::vector<std::string> arguments = {},
                                    const ExecOptions& options = ExecOptions());

/// `exec` that waits, as `spawn_sync` does. Fails with what `spawn` throws; how the command ended is a
/// result. Mirrors `child_process.execSync`, which throws for a code other than 0.
[[nodiscard]] Result<ExecResult> exec_sync(std::string command, const ExecOptions& options = ExecOptions());

/// `exec_file` that waits in the same way. Mirrors `child_process.execFileSync`.
[[nodiscard]] Result<ExecResult> exec_file_sync(std::string file, std::vector<std::string> arguments = {},
                                                const ExecOptions& options = ExecOptions());

}  // namespace baton
