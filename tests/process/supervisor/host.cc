#include "process/supervisor/host.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "spawn/process_table_linux.h"

namespace baton::test {

Host::Host(std::vector<std::string> options, const std::vector<std::string>& program_and_arguments,
           const StartOptions& how) {
  options.insert(options.end(), program_and_arguments.begin(), program_and_arguments.end());
  program = Program(built("supervisor_host"), options, how);
}

Host::~Host() {
  if (ended_) return;
  program.say("kill");
  program.end();
}

std::string Host::until(std::string_view part) {
  for (size_t i = 0;; ++i) {
    if (i == seen_.size()) {
      auto line = program.output.next();
      if (!line) break;
      seen_.push_back(std::move(*line));
      returned_.push_back(false);
    }
    if (returned_[i] || !seen_[i].contains(part)) continue;
    returned_[i] = true;
    return seen_[i];
  }
  ADD_FAILURE() << "no line with: " << part;
  for (const std::string& line : seen_) ADD_FAILURE() << "  it said: " << line;
  return {};
}

pid_t Host::number_after(std::string_view mark) {
  const std::string line = until(mark);
  const size_t at = line.find(mark);
  return at == std::string::npos ? 0 : std::atoi(line.c_str() + at + mark.size());
}

std::string Host::end() {
  for (std::string& line : program.output.rest()) seen_.push_back(std::move(line));
  ended_ = true;
  return program.end();
}

size_t Host::count(std::string_view part) const {
  return static_cast<size_t>(
      std::ranges::count_if(seen_, [&](const std::string& line) { return line.contains(part); }));
}

bool lives(pid_t pid) {
  const auto entry = spawner::find_process(pid);
  return entry && !entry->ended();
}

void expect_end_of(pid_t pid) {
  ASSERT_GT(pid, 1);
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return;
  pollfd waiting{pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 10'000), 1) << "process " << pid << " lives on";
}

}  // namespace baton::test
