#pragma once

#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "baton/baton.h"
#include "models/progress.h"
#include "models/row.h"
#include "models/settings.h"

namespace models {

/// Measures each model under each load: a server, then a client, each a child of its own, then what both have
/// to say. SIGINT and SIGTERM end it early, with every child.
class Contest {
 public:
  Contest(baton::Process& self, const Settings& settings);
  /// Prints the table and writes the files. The exit code.
  baton::Task<int> run();

 private:
  baton::Task<> measure(Row& row);
  baton::Task<> talk(Row& row);
  baton::Task<> end_children();
  baton::Task<> say_broken(const Row& row, baton::ForkedChild& child, std::string_view which);
  baton::ForkedChild& fork(const std::string& entry);
  void stop(int number);
  void write_files() const;

  baton::Process& self_;
  const Settings& settings_;
  std::vector<Row> rows_;
  Progress progress_;
  baton::ForkedChild* server_ = nullptr;
  baton::ForkedChild* client_ = nullptr;
  int stopped_by_ = 0;
  baton::SignalWatcher interrupt_;
  baton::SignalWatcher terminate_;
};

}  // namespace models
