#pragma once

#include <string>
#include <vector>

#include "baton/base/fd.h"
#include "baton/supervisor/options.h"

namespace baton::supervisor {

/// A socket that this process was started with, by LISTEN_FDS as systemd gives it.
struct GivenSocket {
  Fd socket;  ///< a copy
  ListenSocket what;
};

/// Those that are for this process (LISTEN_PID) and that a worker can serve: listening ones, and ones of UDP.
[[nodiscard]] std::vector<GivenSocket> given_sockets();

/// Takes the one out that `wanted` means: of the same name, if it has one of its own, or of the same address.
[[nodiscard]] Fd take_given(std::vector<GivenSocket>& given, const ListenSocket& wanted);

}  // namespace baton::supervisor
