#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "spawn/pseudo_terminal.h"

namespace baton::spawner {
namespace {

constexpr const char* open_terminal = "open a pseudo-terminal";

}  // namespace

Result<PseudoTerminal> open_pseudo_terminal(WindowSize size, std::optional<uid_t> owner) {
  PseudoTerminal pair;
  pair.ours.reset(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pair.ours) return failure(errno, open_terminal, "open /dev/ptmx");
  if (::unlockpt(pair.ours.get()) != 0) return failure(errno, open_terminal, "ioctl TIOCSPTLCK");
  // By its name it could be another one: /dev/pts may be that of another container.
  pair.childs.reset(::ioctl(pair.ours.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pair.childs) return failure(errno, open_terminal, "ioctl TIOCGPTPEER");
  if (auto set = set_window_size(pair.ours.get(), size); !set) return std::unexpected(set.error());
  if (owner && *owner != ::geteuid() && ::fchown(pair.childs.get(), *owner, static_cast<gid_t>(-1)) != 0) {
    return failure(errno, open_terminal, "fchown the terminal to user " + std::to_string(*owner));
  }
  return pair;
}

Result<void> set_window_size(int terminal, WindowSize size) {
  winsize kernels{};
  kernels.ws_col = size.columns();
  kernels.ws_row = size.rows();
  if (::ioctl(terminal, TIOCSWINSZ, &kernels) == 0) return {};
  return failure(errno, "resize a terminal", "ioctl TIOCSWINSZ");
}

}  // namespace baton::spawner
