#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/error.h"
#include "baton/spawn/exit_status.h"

namespace baton::supervisor {

/// What a supervisor tells of.
enum class EventKind {
  worker_started,  ///< slot, pid
  worker_ready,    ///< slot, pid, `took`: since it was started; `text`: by what, if it did not say so itself
  worker_told,     ///< to stop: slot, pid
  worker_exited,   ///< slot, pid, status, `text`: why; `wait`: until the next start, if there is one
  start_failed,    ///< slot, `text`: why there is no process; `wait` as above
  listening,       ///< all workers are ready, and share this listener: address, workers; once a listener
  reload_started,
  reload_done,
  reload_failed,  ///< `text`: why; the old workers go on
  scaled,         ///< workers: how many there shall be now
  draining,       ///< `stop` was called
  killing,        ///< `kill` was called
  notice,         ///< `text`: nothing is wrong, and something could be better
  problem,  ///< `text`: something else went wrong; the service goes on. What a worker does wrong is told
            ///< twenty times a second for each kind, and then how often in all; its texts are cut at 1 KiB
};

/// "worker_started" and so on, for logs.
[[nodiscard]] std::string_view name_of(EventKind kind) noexcept;

/// Something that happened; what its kind does not mention is empty.
class Event {
 public:
  /// @{
  /// Made by the supervisor; each setter fills the getters that are called so.
  explicit Event(EventKind kind) : kind_(kind) {}
  Event& worker(unsigned slot, pid_t pid) { return slot_ = slot, pid_ = pid, *this; }
  Event& text(std::string what) { return text_ = std::move(what), *this; }
  Event& status(const ExitStatus& status) { return status_ = status, *this; }
  Event& took(std::chrono::nanoseconds time) { return took_ = time, *this; }
  Event& wait(std::optional<std::chrono::nanoseconds> time) { return wait_ = time, *this; }
  Event& address(std::string address) { return address_ = std::move(address), *this; }
  Event& workers(unsigned count) { return workers_ = count, *this; }
  /// @}

  /// What happened.
  [[nodiscard]] EventKind kind() const noexcept { return kind_; }
  /// 1 and up; 0: it is about no worker.
  [[nodiscard]] unsigned slot() const noexcept { return slot_; }
  /// @{
  /// What the kind says of these; empty or 0 if it says nothing.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] const std::optional<ExitStatus>& status() const noexcept { return status_; }
  [[nodiscard]] std::chrono::nanoseconds took() const noexcept { return took_; }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> wait() const noexcept { return wait_; }
  /// @}
  /// "0.0.0.0:8080", "[::1]:8080" or "unix:/path".
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  /// How many workers, if the kind says it.
  [[nodiscard]] unsigned workers() const noexcept { return workers_; }

  /// One line for people: "worker 2 (pid 731): exit code 1, 80 ms after it was ready; next start in 160 ms",
  /// "listening on 0.0.0.0:8080 (4 workers)".
  [[nodiscard]] std::string describe() const;

 private:
  EventKind kind_;
  unsigned slot_ = 0;
  pid_t pid_ = 0;
  std::string text_;
  std::optional<ExitStatus> status_;
  std::chrono::nanoseconds took_{0};
  std::optional<std::chrono::nanoseconds> wait_;
  std::string address_;
  unsigned workers_ = 0;
};

/// Why a supervisor is over.
enum class EndReason {
  stopped,          ///< `stop` was called, and every worker is gone
  killed,           ///< `kill` was called, and every worker is gone
  listener_failed,  ///< a socket could not be opened: of `Options::listen`, or one that a worker asked for
                    ///< before any was ready
  never_ready,      ///< no worker ever became ready
  gave_up,          ///< too many unstable deaths
  not_found,        ///< the first start: there is no such program
  not_executable,   ///< the first start: it cannot be executed
  failed,           ///< anything else: the machine is out of something; or a worker failed that
                    ///< `Options::restart` does not start again
  finished,         ///< every worker has ended by itself, with 0, and none is started again
};

/// The end of a supervisor.
class End {
 public:
  /// A reason, and the cause in words.
  End(EndReason reason, std::string text) : reason_(reason), text_(std::move(text)) {}
  /// Why it ended.
  [[nodiscard]] EndReason reason() const noexcept { return reason_; }
  /// One line that names the cause: "listen 0.0.0.0:80: bind: permission denied".
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  EndReason reason_;
  std::string text_;
};

/// A line that a worker wrote.
class OutputLine {
 public:
  /// @{
  /// Of which worker, from which of its streams, and whether its line ends there.
  OutputLine(unsigned slot, pid_t pid, int stream, std::string_view text, bool whole)
      : slot_(slot), pid_(pid), stream_(stream), text_(text), whole_(whole) {}
  [[nodiscard]] unsigned slot() const noexcept { return slot_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// @}
  /// 1: standard output, 2: standard error.
  [[nodiscard]] int stream() const noexcept { return stream_; }
  /// Without its LF; valid during the call.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// False: no LF followed. It was the last of this worker, or so long (64 KiB) that the rest comes as lines
  /// of their own.
  [[nodiscard]] bool whole() const noexcept { return whole_; }
  /// It was so long that the rest comes as lines of their own.
  [[nodiscard]] bool cut() const noexcept { return !whole_ && text_.size() + 3 >= longest; }
  /// Bytes; a little less where a character would be cut in two.
  static constexpr std::size_t longest = std::size_t{64} << 10;

 private:
  unsigned slot_;
  pid_t pid_;
  int stream_;
  std::string_view text_;
  bool whole_;
};

}  // namespace baton::supervisor
