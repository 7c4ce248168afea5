#include "chaos/row.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace baton::chaos {
namespace {

using load::Fate;

// Its workers become ours when it ends; each must end too.
std::size_t orphans_left() {
  for (int tries = 0; tries < 1000; ++tries) {
    pid_t ended = 0;
    while ((ended = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0) return 0;
    usleep(10'000);
  }
  return Worker::of(getpid()).size();
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

void Row::take(const Drive& drive) {
  tally_ = drive.total();
  explained_ = drive.explained();
  unexplained_ = drive.unexplained();
  for (const Fate fate : {Fate::refused, Fate::hung, Fate::wrong})
    expect(tally_.count(fate) == 0, grouped(tally_.count(fate)) + " " + std::string(name_of(fate)));
  expect(tally_.second_answers() == 0, grouped(tally_.second_answers()) + " answered twice");
  expect(unexplained_ == 0, grouped(unexplained_) + " lost that no killed worker had accepted");
  expect(tally_.answered() > 0, "nothing was answered");
}

void Row::end(Service& service) {
  const std::string how = service.stop();
  expect(how == "exit 0", "the primary ended with " + how + " (log: " + service.log().string() + ")");
  const std::size_t left = orphans_left();
  expect(left == 0, std::to_string(left) + " processes are left");
}

std::string Row::remarks() const {
  const std::string faults = joined(faults_);
  return joined(notes_) + (faults.empty() || notes_.empty() ? "" : ". ") + faults;
}

std::vector<std::string> Row::cells() const {
  return {storm_,
          workers_,
          grouped(tally_.answered()),
          grouped(tally_.count(Fate::refused)),
          grouped(explained_),
          grouped(unexplained_),
          grouped(tally_.count(Fate::hung)),
          grouped(tally_.count(Fate::wrong)),
          grouped(tally_.second_answers()),
          holds() ? "holds" : "FAILS",
          remarks()};
}

void print_table(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> lines = {
      {"storm", "workers", "answered", "refused", "in killed", "lost", "hung", "wrong", "twice", "", ""}};
  for (const Row& row : rows) lines.push_back(row.cells());
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool number = i >= 2 && i <= 8;
      std::printf(number ? "%*s  " : "%-*s  ", static_cast<int>(widths[i]), line[i].c_str());
    }
    std::puts("");
  }
}

}  // namespace baton::chaos
