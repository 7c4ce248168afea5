#include "spawn/tree_end_linux.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace baton::spawner {
namespace {

constexpr std::chrono::milliseconds shortest_pause(2);
constexpr std::chrono::milliseconds longest_pause(100);

}  // namespace

TreeEnd::TreeEnd(Loop& loop, pid_t leader, std::function<bool()> leader_gone, Callback gone)
    : loop_(loop), leader_(leader), leader_gone_(std::move(leader_gone)), gone_(std::move(gone)) {}

void TreeEnd::ask(int signal_number, bool leader_too) {
  const auto table = all_processes();
  known_ = tree_of(table, belongs_to_a_stranger(table) ? 0 : leader_, known_);
  if (leader_too && !leader_gone_()) signal_leader(table, signal_number);
  for (const ProcessEntry& one : known_) signal_process(one, signal_number);
  pause_ = shortest_pause;
  look();
}

void TreeEnd::signal_leader(const std::vector<ProcessEntry>& table, int signal_number) const {
  const auto leader = std::ranges::find(table, leader_, &ProcessEntry::pid);
  if (leader != table.end()) signal_process(*leader, signal_number);
}

void TreeEnd::kill() {
  kills_ = true;
  pause_ = shortest_pause;
  look();
}

// The leader's number is kept from others as long as its session has members; after that it may be anybody's.
bool TreeEnd::belongs_to_a_stranger(const std::vector<ProcessEntry>& table) const {
  return leader_gone_() && std::ranges::find(table, leader_, &ProcessEntry::pid) != table.end();
}

void TreeEnd::look() {
  const auto table = all_processes();
  const bool leader_gone = leader_gone_();
  // No descriptor to spare, or no /proc: nothing was seen, which is not nobody.
  if (table.empty()) return look_again();
  // First of all: it might tell the world how its children died.
  if (kills_ && !leader_gone) signal_leader(table, SIGKILL);
  known_ = tree_of(table, belongs_to_a_stranger(table) ? 0 : leader_, known_);
  std::erase_if(known_, &ProcessEntry::ended);
  if (kills_) {
    for (const ProcessEntry& one : known_) signal_process(one, SIGKILL);
  }
  if (leader_gone && known_.empty()) {
    again_.stop();
    loop_.defer(std::exchange(gone_, [] {}));
    return;
  }
  look_again();
}

void TreeEnd::look_again() {
  again_ = Timer(loop_, pause_, [this] { look(); });
  pause_ = std::min(2 * pause_, longest_pause);
}

}  // namespace baton::spawner
