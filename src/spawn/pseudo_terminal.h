#pragma once

#include <sys/types.h>

#include <optional>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/spawn/window_size.h"

namespace baton::spawner {

/// The two sides of a terminal that no hardware has: pty(7).
struct PseudoTerminal {
  Fd ours;
  Fd childs;
};

/// Opens one of that size, for `owner` if he is another than this process's user. It becomes nobody's
/// controlling terminal by this.
[[nodiscard]] Result<PseudoTerminal> open_pseudo_terminal(WindowSize size, std::optional<uid_t> owner);

/// Tells either side the size: TIOCSWINSZ.
[[nodiscard]] Result<void> set_window_size(int terminal, WindowSize size);

}  // namespace baton::spawner
