#include "supervisor/duration_text.h"

#include <cstdint>

namespace baton::supervisor {

std::string duration_text(std::chrono::nanoseconds time) {
  const int64_t ms = std::chrono::round<std::chrono::milliseconds>(time).count();
  if (ms < 1000) return std::to_string(ms) + " ms";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + " min";
  const int64_t tenths = (ms + 50) / 100;
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + " s";
}

}  // namespace baton::supervisor
