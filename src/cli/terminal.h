#pragma once

#include "baton/spawn/environment.h"

namespace baton::cli {

// The terminal that this process was started from.
class Terminal {
 public:
  Terminal();
  // There was one, and it has been closed: its window, or its connection. What SIGHUP means then is not what
  // it means when somebody sends it.
  [[nodiscard]] bool is_closed() const;

 private:
  bool was_there_;
};

// Whether programs may colour what they write, though it is a pipe to them: it comes to a terminal, and
// nobody has said what he wants.
[[nodiscard]] bool takes_colours(const Environment& environment);

// Whether the signal was ignored when the process began, as by nohup(1), and still is.
[[nodiscard]] bool is_ignored(int signal);

}  // namespace baton::cli
