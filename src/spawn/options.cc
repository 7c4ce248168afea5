#include "baton/spawn/options.h"

#include <stdexcept>

namespace baton {
namespace {

int checked_signal(int signal) {
  if (signal < 1 || signal > SIGRTMAX) throw std::invalid_argument("no signal " + std::to_string(signal));
  return signal;
}

}  // namespace

SpawnOptions& SpawnOptions::stdio(int target, Stdio what) {
  if (target < 0) throw std::invalid_argument("a child has no descriptor " + std::to_string(target));
  stdio_.insert_or_assign(target, std::move(what));
  return *this;
}

SpawnOptions& SpawnOptions::terminal(WindowSize size) {
  terminal_ = size;
  return stdio(Stdio::terminal());
}

SpawnOptions& SpawnOptions::limit(int resource, rlim_t soft, rlim_t hard) {
  limits_.insert_or_assign(resource, rlimit{.rlim_cur = soft, .rlim_max = hard});
  return *this;
}

SpawnOptions& SpawnOptions::cpus(std::vector<int> numbers) {
  for (const int number : numbers) {
    if (number < 0) throw std::invalid_argument("no processor " + std::to_string(number));
  }
  cpus_ = std::move(numbers);
  return *this;
}

SpawnOptions& SpawnOptions::parent_death_signal(int signal) {
  parent_death_signal_ = checked_signal(signal);
  return *this;
}

SpawnOptions& SpawnOptions::kill_signal(int signal) {
  kill_signal_ = checked_signal(signal);
  return *this;
}

SpawnOptions& SpawnOptions::stop_signal(int signal) {
  stop_signal_ = checked_signal(signal);
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
