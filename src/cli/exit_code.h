#pragma once

namespace baton::cli {

/// What `baton run` exits with.
enum ExitCode : int {
  ended_as_told = 0,
  failure_of_another_kind = 1,
  usage = 2,
  listener_not_opened = 3,
  never_ready = 4,
  gave_up = 5,
  not_executable = 126,
  not_found = 127,
  by_signal = 128,
};

}  // namespace baton::cli
