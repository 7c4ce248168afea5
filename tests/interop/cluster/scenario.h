#pragma once

#include "interop/cluster/cluster_world.h"

namespace baton::test {

/// Who is what in a scenario of Node's own tests: the same lines drive our primary with workers of Node,
/// Node's with ours, and both of ours.
struct Column {
  bool our_primary;
  bool our_workers;
  bool shared = false;  // Node's SCHED_NONE
};
inline void PrintTo(const Column& column, std::ostream* out) {
  *out << (column.our_primary ? "our primary, " : "Node's primary, ")
       << (column.our_workers ? "our workers" : "workers of Node") << (column.shared ? ", shared" : "");
}
inline std::string name_of_column(const testing::TestParamInfo<Column>& test) {
  const Column& column = test.param;
  const std::string who = !column.our_primary ? "OurWorkers" : column.our_workers ? "Both" : "OurPrimary";
  return who + (column.shared ? "Shared" : "");
}

class Scenario : public NodeCluster, public testing::WithParamInterface<Column> {
 protected:
  void SetUp() override {
    if (!GetParam().our_primary || !GetParam().our_workers) NodeCluster::SetUp();
  }
  [[nodiscard]] static bool ours() { return GetParam().our_workers; }
  [[nodiscard]] static bool shared() { return GetParam().shared; }
  void begin(const StartOptions& options = StartOptions()) {
    if (!GetParam().our_primary)
      return start_nodes({shared() ? "none" : "rr"}, {built("cluster_peer")}, options);
    const std::string policy = shared() ? "shared" : "round-robin";
    if (!ours()) return start_ours({policy}, "worker.js", options);
    start({"--policy", policy}, options);
  }
  /// Workers of Node's primary are ours in slot 1.
  [[nodiscard]] static std::string slot() { return GetParam().our_primary ? "0" : "1"; }
  unsigned worker() { return fork_by("fork " + slot()); }
  unsigned worker_with(const std::string& value) { return fork_by("env " + slot() + " " + value); }
  /// Has it done, and what it says then, with quotes.
  std::string said(unsigned id, const std::string& json) {
    tell(id, json);
    return expect_rest(std::to_string(id) + " says ");
  }
  void expect_of(unsigned id, const std::string& what) { expect(std::to_string(id) + " " + what); }
  /// Whether it could not listen or bind because somebody else does.
  [[nodiscard]] static bool is_taken(const std::string& said) {
    return said.contains("EADDRINUSE") || said.contains("ddress already in use");
  }
  [[nodiscard]] static bool is_forbidden(const std::string& said) {
    return said.contains("EACCES") || said.contains("ermission denied");
  }
  /// Our primary has opened nothing for its workers.
  void expect_no_listener() {
    if (!GetParam().our_primary) return;
    primary.say("listeners");
    EXPECT_EQ(expect_rest("listeners:"), "");
  }
  /// A connection as such to that worker's listener.
  uint16_t hold(unsigned id, const std::string& more = R"("port":0)") {
    return order(id, R"({"do":"hold",)" + more + "}");
  }
  static std::string at(uint16_t port) { return R"("port":)" + std::to_string(port); }
};

inline auto all_columns() {
  return testing::Values(Column{true, false}, Column{true, false, true}, Column{false, true},
                         Column{false, true, true}, Column{true, true}, Column{true, true, true});
}
/// Where the primary is ours.
inline auto our_primary() {
  return testing::Values(Column{true, false}, Column{true, false, true}, Column{true, true},
                         Column{true, true, true});
}

}  // namespace baton::test
