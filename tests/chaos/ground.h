#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "chaos/service.h"

namespace baton::chaos {

/// What the workers are.
enum class Kind {
  cpp,   ///< cluster_hello
  node,  ///< an http server for Node that knows nothing of us
};

/// How a service is started.
class Setup {
 public:
  explicit Setup(Kind kind) : kind_(kind) {}
  /// Options of `baton run`.
  Setup& with(std::initializer_list<std::string> options) {
    options_.insert(options_.end(), options);
    return *this;
  }
  /// Options of the worker's own program.
  Setup& for_worker(std::initializer_list<std::string> options) {
    worker_options_.insert(worker_options_.end(), options);
    return *this;
  }
  /// A worker may have so many descriptors.
  Setup& descriptors(unsigned limit) { return descriptors_ = limit, *this; }
  /// A worker that starts while this file is there does nothing for ever.
  Setup& gate(std::filesystem::path file) { return gate_ = std::move(file), *this; }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::vector<std::string>& options() const { return options_; }
  [[nodiscard]] const std::vector<std::string>& worker_options() const { return worker_options_; }
  /// The lines of a shell script that a worker runs before it becomes itself; empty: none.
  [[nodiscard]] std::string preparation() const;

 private:
  Kind kind_;
  std::vector<std::string> options_;
  std::vector<std::string> worker_options_;
  unsigned descriptors_ = 0;
  std::filesystem::path gate_;
};

/// Where the programs are, and a folder for what storms leave: logs, sockets, scripts.
class Ground {
 public:
  /// `programs`: where `baton` and `cluster_hello` are. `node_primary`: storms go over Node's own cluster
  /// module in place of `baton run`, to see that they find something.
  Ground(std::filesystem::path programs, std::string node, unsigned workers, bool node_primary);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] bool node_primary() const { return node_primary_; }
  [[nodiscard]] unsigned workers() const { return workers_; }
  /// Starts a service whose log is called `name`.
  [[nodiscard]] std::unique_ptr<Service> start(const std::string& name, const Setup& setup) const;

 private:
  [[nodiscard]] std::vector<std::string> worker_command(const std::string& name, const Setup& setup) const;
  [[nodiscard]] std::string script(const std::string& name, const std::string& text) const;

  std::filesystem::path programs_;
  std::string node_;
  unsigned workers_;
  bool node_primary_;
  std::filesystem::path folder_;
};

}  // namespace baton::chaos
