#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/model_kernel.h"

namespace baton::sim {

/// What really became of every client's connection, and what must not have. It sees all processes at once.
class ClusterBook {
 public:
  explicit ClusterBook(ModelKernel& kernel) : kernel_(&kernel) {}
  void reset();

  /// A client has connected.
  void connected(int connection);
  /// The program of a process has it. `careless`: a Node, which acts before its answer is on its way.
  void given_to(int connection, Pid pid, bool careless);
  /// The primary has read that `pid` accepted it, and has closed its copy.
  void accepted_by(int connection, Pid pid);
  /// The primary has closed it unserved, as its listener is closed.
  void dropped(int connection);
  /// Its listener was closed with it in the backlog.
  void listener_closed(FileId listener);
  void belongs_to(int connection, FileId listener);
  /// The owner reads, then answers.
  void reads(int connection, Pid pid);
  void answers(int connection, Pid pid);
  /// The process does nothing any more: what it was given is lost with it.
  void went_mad(Pid pid) { mad_ |= std::uint64_t{1} << static_cast<unsigned>(pid); }

  [[nodiscard]] bool settled(int connection) const;
  [[nodiscard]] bool all_settled() const;
  [[nodiscard]] int first_unsettled() const;
  /// Where it is, for the report of a failure.
  [[nodiscard]] std::string describe(int connection) const;
  void wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  [[nodiscard]] const std::string& first_wrong() const { return wrong_; }

 private:
  struct Fate {
    FileId listener = -1;
    Pid owner = -1;     // who was given it
    Pid acceptor = -1;  // whose answer was read
    bool careless = false;
    bool twice = false;
    bool dropped = false;
  };
  Fate& fate(int connection);

  ModelKernel* kernel_;
  std::vector<Fate> fates_;
  std::uint64_t mad_ = 0;
  std::string wrong_;
};

}  // namespace baton::sim
