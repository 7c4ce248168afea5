#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cli/units.h"

namespace baton::cli {

// The text of preload.cjs.
[[nodiscard]] std::string_view preload_text();

// The module for Node programs as a file of its own in a directory of its own, which nobody else may enter
// and which goes with this object.
class Preload {
 public:
  // Writes it under the first of $XDG_RUNTIME_DIR, $TMPDIR, /tmp and /dev/shm that lets us.
  [[nodiscard]] static Parsed<Preload> write(std::chrono::milliseconds grace);
  Preload(Preload&& other) noexcept;
  Preload& operator=(Preload&& other) = delete;
  ~Preload();

  // NODE_OPTIONS for a worker, which had `own` before.
  [[nodiscard]] std::string options(std::string_view own) const;

 private:
  explicit Preload(std::string directory);
  [[nodiscard]] std::string file() const { return directory_ + "/preload.cjs"; }

  std::string directory_;
  std::string option_;
};

}  // namespace baton::cli
