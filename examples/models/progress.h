#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "baton/baton.h"

namespace models {

/// A bar on standard error, if that is a terminal.
class Progress {
 public:
  Progress(baton::Loop& loop, std::size_t steps, std::chrono::duration<double> time_of_each);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }
  /// The next step begins.
  void begin(std::string what);
  /// It is over. The bar is gone until the next begins, so that a line can be printed.
  void end();

 private:
  void draw();
  void clear() const;

  bool terminal_;
  std::size_t steps_;
  std::size_t done_ = 0;
  std::chrono::duration<double> time_of_each_;
  std::chrono::steady_clock::time_point began_;
  std::string what_;
  baton::Timer timer_;
};

}  // namespace models
