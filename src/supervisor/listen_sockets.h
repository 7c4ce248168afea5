#pragma once

#include <string>
#include <vector>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/process/forked_child.h"
#include "baton/supervisor/options.h"

namespace baton::supervisor {

/// The sockets that every worker is given as systemd gives them: descriptors 3 and up, LISTEN_FDS, LISTEN_PID
/// and LISTEN_FDNAMES.
class ListenSockets {
 public:
  ListenSockets() = default;
  /// Opens them, or says which could not be opened.
  [[nodiscard]] static Result<ListenSockets> open(Loop& loop, const std::vector<ListenSocket>& wanted);

  /// Gives them to the workers that are forked with `how`; the channel comes after them. Without sockets it
  /// takes away what this process was given itself.
  void hand_to(ForkOptions& how) const;
  /// As they are bound.
  [[nodiscard]] const std::vector<std::string>& addresses() const noexcept { return addresses_; }
  [[nodiscard]] bool empty() const noexcept { return sockets_.empty(); }

 private:
  std::vector<Fd> sockets_;
  std::vector<std::string> addresses_;
  std::string names_;
};

}  // namespace baton::supervisor
