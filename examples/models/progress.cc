#include "models/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace models {

Progress::Progress(baton::Loop& loop, std::size_t steps, std::chrono::duration<double> time_of_each)
    : terminal_(::isatty(STDERR_FILENO) == 1), steps_(steps), time_of_each_(time_of_each) {
  if (terminal_)
    timer_ = baton::Timer::every(loop, std::chrono::milliseconds(100), [this] { draw(); }).unref();
}

void Progress::begin(std::string what) {
  what_ = std::move(what);
  began_ = std::chrono::steady_clock::now();
  draw();
}

void Progress::end() {
  ++done_;
  what_.clear();
  clear();
}

void Progress::clear() const {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::draw() {
  if (!terminal_ || what_.empty()) return;
  constexpr int width = 30;
  const double of_this = std::min(1.0, (std::chrono::steady_clock::now() - began_) / time_of_each_);
  const int filled =
      static_cast<int>((static_cast<double>(done_) + of_this) / static_cast<double>(steps_) * width);
  const std::string bar = std::string(static_cast<std::size_t>(filled), '#') +
                          std::string(static_cast<std::size_t>(width - filled), '.');
  std::fprintf(stderr, "\r[%s] %zu of %zu: %s\033[K", bar.c_str(), done_ + 1, steps_, what_.c_str());
}

}  // namespace models
