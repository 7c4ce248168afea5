#pragma once

#include <string>
#include <string_view>

#include "baton/supervisor/supervisor.h"

namespace baton::cli {

// What a POST to the admin endpoint is answered with.
struct OrderAnswer {
  int status;
  std::string text;
};

// Whether there is such an order: /reload, /scale, /workers/N/replace. `path` is without what follows a '?'.
[[nodiscard]] bool is_order(std::string_view path);

// Begins what `target` says: /reload, /scale?n=N or /workers/N/replace. 202: it was begun, and /status shows
// when it is done.
[[nodiscard]] OrderAnswer obey_order(std::string_view target, supervisor::Supervisor& service);

}  // namespace baton::cli
