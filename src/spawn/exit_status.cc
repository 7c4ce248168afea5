#include "baton/spawn/exit_status.h"

namespace baton {

ExitStatus ExitStatus::exited(int code, ResourceUsage usage) {
  ExitStatus result;
  result.code_ = code;
  result.usage_ = usage;
  return result;
}

ExitStatus ExitStatus::killed(int signal, bool core_dumped, ResourceUsage usage) {
  ExitStatus result;
  result.signal_ = signal;
  result.core_dumped_ = core_dumped;
  result.usage_ = usage;
  return result;
}

std::string ExitStatus::describe() const {
  if (code_) return "exit code " + std::to_string(*code_);
  if (signal_) return "killed by " + signal_name(*signal_) + (core_dumped_ ? " (core dumped)" : "");
  return "unknown exit status";
}

}  // namespace baton
