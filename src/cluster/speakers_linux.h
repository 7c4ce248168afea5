#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <map>

#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "loop/poll.h"

namespace baton::cluster {

/// Which processes speak for a worker: its own, and those behind it that found its channel. A shell starts a
/// server, an entrypoint first something else that says that it is online, and ends.
class Speakers {
 public:
  enum class Loss {
    server,  ///< who asked for listeners has ended: nobody is left who accepts what comes to them
    last,    ///< nobody is left who has said that he is online
  };
  /// More than these are not told apart.
  static constexpr std::size_t most = 16;

  /// `lost` is called by the loop, perhaps when this is gone.
  Speakers(Loop& loop, std::function<void(Loss)> lost) : loop_(loop), lost_(std::move(lost)) {}

  /// The process `speaker` has said so. `worker`: the worker's own process, whose end is told elsewhere. 0:
  /// it is not known which one, and it is taken for the worker's.
  void heard(pid_t speaker, pid_t worker, bool asks_for_listener);

 private:
  struct Speaker {
    Fd process;
    Poll end;
    bool asked = false;
  };
  // False: errno says why not.
  bool watch(Speaker& one, pid_t speaker);
  void gone(pid_t speaker);

  Loop& loop_;
  std::function<void(Loss)> lost_;
  std::map<pid_t, Speaker> others_;
  bool itself_ = false;
  bool itself_asked_ = false;
};

}  // namespace baton::cluster
