#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "baton/process/forked_child.h"
#include "baton/spawn/options.h"

namespace baton::cli {

// The texts of preload.cjs and of primary.cjs.
[[nodiscard]] std::string_view preload_text();
[[nodiscard]] std::string_view primary_text();

// How Node programs come by the module: NODE_OPTIONS makes them require the command line of a process that
// lives as long as the service (a Warden), which evaluates a variable with the module's text.
//
// Not --import and a data: URL, because then Node loads the program itself otherwise: late, without hooks for
// other kinds of files, its exceptions as rejections. Not a descriptor, because Node wants the real path of
// what it requires, and a memfd has none. Not a file, because somebody cleans it away or it is left behind.
class Preload {
 public:
  explicit Preload(std::chrono::milliseconds grace) : grace_(grace) {}

  // The command line.
  [[nodiscard]] static std::string stub();
  // Changes the environment of a worker, for a stub that is found in `file`.
  void give_to(SpawnOptions& worker, const std::string& file) const;
  // Makes what is forked so the program of --primary: of one process the arguments say it, too, and nothing
  // of it is left to what that starts.
  static void make_primary(ForkOptions& program, const std::string& file);

 private:
  std::chrono::milliseconds grace_;
};

}  // namespace baton::cli
