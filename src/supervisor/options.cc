#include "baton/supervisor/options.h"

#include <csignal>
#include <stdexcept>

namespace baton::supervisor {

Options& Options::workers(unsigned count) {
  if (count == 0) throw std::invalid_argument("a supervisor of 0 workers");
  workers_ = count;
  return *this;
}

Options& Options::stop_signal(std::optional<int> signal) {
  if (signal && (*signal < 1 || *signal > SIGRTMAX)) {
    throw std::invalid_argument("stop_signal: no signal " + std::to_string(*signal));
  }
  stop_signal_ = signal;
  return *this;
}

}  // namespace baton::supervisor
