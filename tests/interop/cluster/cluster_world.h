#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "interop/node.h"
#include "process/cluster/cluster_test.h"

namespace baton::test {

inline std::string script(const std::string& name) {
  return std::string(BATON_SOURCES) + "/tests/interop/cluster/" + name;
}

/// How connections are shared out, and how messages are written.
struct Ways {
  std::string policy;
  bool advanced = false;
};
inline void PrintTo(const Ways& ways, std::ostream* out) {
  *out << ways.policy << (ways.advanced ? " advanced" : "");
}
/// What a test's name says of them; `none` is Node's word for shared.
inline std::string name_of(const Ways& ways) {
  const std::string policy = ways.policy == "shared" || ways.policy == "none" ? "Shared" : "RoundRobin";
  return ways.advanced ? policy + "Advanced" : policy;
}

/// A cluster with a real Node in it.
class NodeCluster : public Cluster {
 protected:
  void SetUp() override {
    if (node_program().empty()) GTEST_SKIP() << "there is no Node";
  }
  // Node's primary ends when its workers have said goodbye; they are this process's children then.
  void TearDown() override {
    Cluster::TearDown();
    while (::wait(nullptr) > 0) {
    }
  }
  /// Our primary, whose workers are scripts of Node.
  void start_ours(const Ways& ways, const std::string& module = "worker.js",
                  const StartOptions& options = StartOptions(), const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--policy", ways.policy, "--serialization",
                                          ways.advanced ? "advanced" : "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--exec", script(module)});
    start(arguments, options);
  }
  /// Node's primary: workers in slot 1 are `program`, the others scripts.
  void start_nodes(const Ways& ways, std::vector<std::string> program = {built("cluster_peer")},
                   StartOptions options = StartOptions()) {
    std::vector<std::string> arguments = {script("primary.js"), ways.policy, script("worker.js")};
    arguments.insert(arguments.end(), program.begin(), program.end());
    options.variable("SERIALIZATION", ways.advanced ? "advanced" : "json");
    primary = Program(node_program(), arguments, options);
  }
};

}  // namespace baton::test
