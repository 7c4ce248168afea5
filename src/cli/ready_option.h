#pragma once

#include <optional>
#include <string_view>

#include "baton/supervisor/ready.h"
#include "cli/units.h"

namespace baton::cli {

// What --ready says.
struct ReadyOption {
  supervisor::Ready what = supervisor::Ready::any;
  std::optional<supervisor::ReadyProbe> probe;
};

// "auto" or "any", "notify", "listening", "message", "alive", "tcp:PORT" and "tcp:HOST:PORT",
// "http://HOST:PORT/PATH" and "http:PORT/PATH"; without a host it is this machine.
[[nodiscard]] Parsed<ReadyOption> parse_ready(std::string_view text);

}  // namespace baton::cli
