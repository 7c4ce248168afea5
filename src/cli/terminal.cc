#include "cli/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "baton/base/fd.h"

namespace baton::cli {
namespace {

// The name is that of each process's own one; the kernel takes it away before it tells.
bool has_terminal() { return static_cast<bool>(Fd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC))); }

}  // namespace

Terminal::Terminal() : was_there_(has_terminal()) {}

bool Terminal::is_closed() const { return was_there_ && !has_terminal(); }

bool takes_colours(const Environment& environment) {
  const auto said = [&](const char* name) { return !environment.get(name).value_or("").empty(); };
  if (said("NO_COLOR") || environment.get("FORCE_COLOR") || environment.get("CLICOLOR_FORCE")) return false;
  if (said("NODE_DISABLE_COLORS") || environment.get("TERM") == "dumb") return false;
  return ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

bool is_ignored(int signal) {
  struct sigaction now{};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace baton::cli
