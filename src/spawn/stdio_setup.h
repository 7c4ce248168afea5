#pragma once

#include <string>
#include <utility>
#include <vector>

#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/net/socket.h"
#include "baton/spawn/options.h"
#include "spawn/launch.h"

namespace baton::spawner {

/// The descriptors of a child that is about to be launched: what goes where, the child's ends, which are
/// closed with this, and the parent's ends.
class StdioSetup {
 public:
  using Streams = std::vector<std::pair<int, net::Socket>>;

  /// The key of the terminal's other side among the streams.
  static constexpr int terminal = -1;

  /// Throws an Error about `operation`, with nothing left open.
  StdioSetup(Loop& loop, const std::string& operation, const SpawnOptions& options);

  [[nodiscard]] const std::vector<Placement>& placements() const noexcept { return placements_; }
  /// The parent's ends, by the child's descriptor.
  [[nodiscard]] Streams take_streams() noexcept { return std::move(streams_); }
  /// The child's side of its terminal; -1 if it has none.
  [[nodiscard]] int terminal_of_child() const noexcept { return terminal_; }

 private:
  void place_existing(const std::string& operation, int target, const Stdio& what);
  void make_pipe(Loop& loop, const std::string& operation, int target);
  void make_terminal(Loop& loop, const std::string& operation, const SpawnOptions& options);
  int null_device(const std::string& operation);

  std::vector<Placement> placements_;
  std::vector<int> to_null_;
  std::vector<Fd> ours_;
  int null_ = -1;
  int terminal_ = -1;
  Streams streams_;
};

}  // namespace baton::spawner
