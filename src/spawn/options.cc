#include "baton/spawn/options.h"

#include <stdexcept>

namespace baton {

SpawnOptions& SpawnOptions::stdio(int target, Stdio what) {
  if (target < 0) throw std::invalid_argument("a child has no descriptor " + std::to_string(target));
  stdio_.insert_or_assign(target, std::move(what));
  return *this;
}

SpawnOptions& SpawnOptions::kill_signal(int signal) {
  if (signal < 1 || signal > SIGRTMAX) throw std::invalid_argument("no signal " + std::to_string(signal));
  kill_signal_ = signal;
  return *this;
}

Environment SpawnOptions::environment() const {
  Environment result = env_ ? *env_ : Environment::current();
  for (const auto& [key, value] : env_changes_) {
    if (value) {
      result.set(key, *value);
    } else {
      result.unset(key);
    }
  }
  return result;
}

}  // namespace baton
