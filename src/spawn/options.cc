#include "baton/spawn/options.h"

namespace baton {

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
