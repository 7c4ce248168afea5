#include "baton/spawn/sync.h"

#include <cerrno>
#include <utility>

namespace baton {
namespace {

// On a loop of its own: whatever else waits in this thread waits on.
template <class Begin>
Result<ExecResult> run_to_its_end(Begin begin) {
  Loop loop;
  std::optional<Result<ExecResult>> outcome;
  begin(loop).then([&](Result<ExecResult> result) { outcome.emplace(std::move(result)); });
  loop.run();
  if (!outcome) return failure(ECANCELED, "wait for a command", "its on_child let it go");
  return std::move(*outcome);
}

}  // namespace

SyncResult spawn_sync(std::string file, std::vector<std::string> arguments, const ExecOptions& options) {
  const std::string shell = options.process().shell();
  const std::string operation = "spawn " + (shell.empty() ? file : shell);
  auto outcome = exec_file_sync(std::move(file), std::move(arguments), options);
  if (!outcome) {
    SyncResult failed;
    failed.error_ = std::move(outcome).error();
    return failed;
  }
  SyncResult result(std::move(*outcome));
  if (result.timed_out()) {
    result.error_.emplace(ETIMEDOUT, operation, "timeout");
  } else if (result.truncated()) {
    result.error_.emplace(ENOBUFS, operation, "max_buffer");
  }
  return result;
}

Result<ExecResult> exec_sync(std::string command, const ExecOptions& options) {
  return run_to_its_end([&](Loop& loop) { return exec(loop, std::move(command), options); });
}

Result<ExecResult> exec_file_sync(std::string file, std::vector<std::string> arguments,
                                  const ExecOptions& options) {
  return run_to_its_end(
      [&](Loop& loop) { return exec_file(loop, std::move(file), std::move(arguments), options); });
}

}  // namespace baton
