#include "supervisor/tree_end_linux.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "supervisor/process_table_linux.h"

namespace baton::supervisor {
namespace {

constexpr std::chrono::milliseconds shortest_pause(2);
constexpr std::chrono::milliseconds longest_pause(100);

}  // namespace

TreeEnd::TreeEnd(Loop& loop, pid_t leader, std::function<bool()> leader_gone, Callback gone)
    : loop_(loop), leader_(leader), leader_gone_(std::move(leader_gone)), gone_(std::move(gone)) {}

void TreeEnd::ask() {
  for (const ProcessEntry& one : tree_of(all_processes(), leader_)) signal_process(one, SIGTERM);
  pause_ = shortest_pause;
  look();
}

void TreeEnd::kill() {
  kills_ = true;
  pause_ = shortest_pause;
  look();
}

void TreeEnd::look() {
  const auto table = all_processes();
  const bool leader_gone = leader_gone_();
  if (kills_ && !leader_gone) {
    // First of all: it might tell the world how its children died.
    const auto leader = std::ranges::find(table, leader_, &ProcessEntry::pid);
    if (leader != table.end()) signal_process(*leader, SIGKILL);
  }
  bool some_left = !leader_gone;
  for (const ProcessEntry& one : tree_of(table, leader_)) {
    if (one.ended()) continue;
    some_left = true;
    if (kills_) signal_process(one, SIGKILL);
  }
  if (!some_left) {
    again_.stop();
    loop_.defer(std::exchange(gone_, [] {}));
    return;
  }
  again_ = Timer(loop_, pause_, [this] { look(); });
  pause_ = std::min(2 * pause_, longest_pause);
}

}  // namespace baton::supervisor
