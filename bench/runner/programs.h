#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "runner/contest.h"
#include "runner/table.h"

namespace bench {

inline constexpr double none = NAN;
using Command = std::vector<std::string>;
using Lines = std::vector<Line>;

/// Where the programs are, and how they are called.
class Programs {
 public:
  /// `folder` has the measuring programs, `products` what the project builds. `newest_node` is used where the
  /// target is Node 26's figure.
  Programs(std::string folder, std::string products, std::string node, std::string newest_node)
      : folder_(std::move(folder)),
        products_(std::move(products)),
        node_(std::move(node)),
        newest_node_(std::move(newest_node)) {}
  [[nodiscard]] std::string at(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] static std::string source(const std::string& name) { return BATON_BENCH_SOURCES "/" + name; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string product(const std::string& name) const { return products_ + "/" + name; }
  [[nodiscard]] const std::string& newest_node() const { return newest_node_; }

  /// The command, on the first CPU.
  [[nodiscard]] Command first_cpu(Command command) const {
    command.insert(command.begin(), {at("pin"), "0"});
    return command;
  }
  /// A parent and a worker that exchange something; each is ours or a script.
  [[nodiscard]] Command exchange(bool node_parent, bool node_worker, const std::string& mode,
                                 const std::string& count, const std::string& worker_cpu) const {
    const std::string worker = node_worker ? source("workers/worker.js") : at("worker");
    Command command = {at("parent"), mode, count, worker_cpu, worker};
    if (node_parent) command = {node_, source("node/parent.js"), mode, count, worker_cpu, worker, folder_};
    return first_cpu(command);
  }
  [[nodiscard]] Command node(const std::string& script, Command arguments) const {
    return first_cpu(everywhere(script, std::move(arguments)));
  }
  /// The same on all CPUs.
  [[nodiscard]] Command everywhere(const std::string& script, Command arguments) const {
    arguments.insert(arguments.begin(), {node_, source(script)});
    return arguments;
  }

 private:
  std::string folder_;
  std::string products_;
  std::string node_;
  std::string newest_node_;
};

/// A line for one figure of the three contenders that nearly all contests have.
inline Line line(const Figures& figures, const std::string& what, const std::string& figure,
                 double scale = 1) {
  return {what, figures.median("Baton", figure) * scale, figures.median("bare", figure) * scale,
          figures.median("Node", figure) * scale};
}
inline double quotient(const Figures& figures, const std::string& figure, const std::string& one = "Baton",
                       const std::string& other = "bare") {
  return figures.median(one, figure) / figures.median(other, figure);
}

}  // namespace bench
