#include "spawn/tree_end_linux.h"

#include <algorithm>
#include <string>
#include <utility>

#include "spawn/tree_signal_linux.h"

namespace baton::spawner {
namespace {

constexpr std::chrono::milliseconds shortest_pause(2);
constexpr std::chrono::milliseconds longest_pause(100);

}  // namespace

/// What one look finds.
struct TreeEnd::Round {
  size_t left = 0;
  size_t refused = 0;
  std::error_code why;  ///< of the first that refused
  std::string what;

  void note(const std::string& call, const Result<bool>& sent) {
    ++left;
    if (sent || refused++ > 0) return;
    why = sent.error().code();
    what = call;
  }
};

TreeEnd::TreeEnd(Loop& loop, Leader leader, Over over)
    : loop_(loop), leader_(std::move(leader)), over_(std::move(over)) {}

void TreeEnd::ask(int signal_number, bool leader_too) {
  question_ = signal_number;
  asks_leader_ = leader_too;
  pause_ = shortest_pause;
  look();
}

void TreeEnd::kill() {
  kills_ = true;
  pause_ = shortest_pause;
  look();
}

// The leader's number is kept from others as long as its session has members; after that it may be anybody's.
bool TreeEnd::belongs_to_a_stranger(const std::vector<ProcessEntry>& table) const {
  return leader_.gone() && std::ranges::find(table, leader_.pid, &ProcessEntry::pid) != table.end();
}

void TreeEnd::look() {
  Round round;
  // Before the leader ends, and they are nobody's.
  const auto table = all_processes();
  // First of all: it might tell the world how its children died.
  if (!leader_.gone()) {
    if (std::exchange(asks_leader_, false)) (void)leader_.signal(*question_);
    round.note("kill " + std::to_string(leader_.pid), kills_ ? leader_.signal(SIGKILL) : Result<bool>(true));
  }
  if (table) {
    look_at(*table, round);
  } else {
    // Nobody was seen, which is not nobody.
    round.note(table.error().operation(), std::unexpected(table.error()));
  }
  if (round.left == 0) return end({});
  if (!kills_ || round.refused < round.left) {
    stuck_since_.reset();
  } else if (!stuck_since_) {
    stuck_since_ = Clock::now();
  } else if (Clock::now() - *stuck_since_ >= patience) {
    if (round.refused > 1) round.what += " and " + std::to_string(round.refused - 1) + " more";
    return end(
        std::unexpected(Error(round.why, "end the tree of " + std::to_string(leader_.pid), round.what)));
  }
  look_again();
}

void TreeEnd::look_at(const std::vector<ProcessEntry>& table, Round& round) {
  known_ = tree_of(table, belongs_to_a_stranger(table) ? 0 : leader_.pid, known_);
  std::erase_if(known_, &ProcessEntry::ended);
  if (const auto question = std::exchange(question_, std::nullopt)) {
    for (const ProcessEntry& one : known_) (void)signal_process(one, *question);
  }
  for (const ProcessEntry& one : known_) {
    round.note("kill " + std::to_string(one.pid), kills_ ? signal_process(one, SIGKILL) : Result<bool>(true));
  }
}

void TreeEnd::look_again() {
  again_ = Timer(loop_, pause_, [this] { look(); });
  pause_ = std::min(2 * pause_, longest_pause);
}

void TreeEnd::end(Result<void> outcome) {
  again_.stop();
  loop_.defer([over = std::exchange(over_, [](const Result<void>&) {}),
               outcome = std::move(outcome)]() mutable { over(std::move(outcome)); });
}

}  // namespace baton::spawner
