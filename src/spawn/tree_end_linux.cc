#include "spawn/tree_end_linux.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "spawn/own_children.h"
#include "spawn/tree_signal_linux.h"

namespace baton::spawner {
namespace {

constexpr std::chrono::milliseconds shortest_pause(2);
constexpr std::chrono::milliseconds longest_pause(100);

}  // namespace

/// What a thread has seen: every process, and what those say whose parent is this one.
struct TreeEnd::Seen {
  Result<std::vector<ProcessEntry>> table = failure(EAGAIN, "read /proc");
  std::map<pid_t, std::optional<std::string>> claims;
  bool leader_was_gone = false;  ///< before anything was looked at

  void look(const std::string& mark) {
    table = all_processes();
    if (!table || mark.empty()) return;
    const pid_t self = ::getpid();
    for (const ProcessEntry& one : *table) {
      if (one.parent == self && !one.ended()) claims.emplace(one.pid, environment_value(one, mark));
    }
  }
};

/// What a thread has done.
struct TreeEnd::Sent {
  std::vector<ProcessEntry> to;
  std::optional<int> question;
  bool kills = false;
  std::vector<Result<bool>> killed;

  void send() {
    if (question) {
      for (const ProcessEntry& one : to) (void)signal_process(one, *question);
    }
    for (const ProcessEntry& one : to) killed.push_back(kills ? signal_process(one, SIGKILL) : true);
  }
};

/// What one look finds.
struct TreeEnd::Round {
  size_t left = 0;
  size_t refused = 0;
  std::error_code why;  ///< of the first that refused
  std::string what;
  bool leader = false;  ///< it has not been collected
  bool kills = false;

  void note(const std::string& call, const Result<bool>& sent) {
    ++left;
    if (sent || refused++ > 0) return;
    why = sent.error().code();
    what = call;
  }
  void note(const ProcessEntry& one, const Result<bool>& sent) {
    note("kill " + std::to_string(one.pid), sent);
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
bool TreeEnd::belongs_to_a_stranger(const Seen& seen) {
  return seen.leader_was_gone &&
         std::ranges::find(*seen.table, leader_.pid, &ProcessEntry::pid) != seen.table->end();
}

// One look at a time; whatever is asked for meanwhile is done by that one or by the next.
void TreeEnd::look() {
  if (work_) return;
  again_.stop();
  const auto seen = std::make_shared<Seen>();
  seen->leader_was_gone = leader_.gone();
  work_ = Work(loop_, [seen, mark = leader_.mark] { seen->look(mark); }, [this, seen] { decide(*seen); });
}

void TreeEnd::decide(const Seen& seen) {
  Round round;
  // Nobody is asked and killed in one look.
  round.kills = kills_ && !question_;
  // They were seen before the leader ends, and they are nobody's. It is first: it might tell the world how
  // its children died.
  if (!seen.leader_was_gone) {
    // Who loses it meanwhile is an orphan, and is found as one by the next look.
    round.leader = true;
    if (std::exchange(asks_leader_, false) && question_) (void)leader_.signal(*question_);
    round.note("kill " + std::to_string(leader_.pid),
               round.kills ? leader_.signal(SIGKILL) : Result<bool>(true));
  }
  if (!seen.table) {
    // Nobody was seen, which is not nobody.
    round.note(seen.table.error().operation(), std::unexpected(seen.table.error()));
    return judge(std::move(round));
  }
  find_orphans(seen);
  known_ = tree_of(*seen.table, belongs_to_a_stranger(seen) ? 0 : leader_.pid, known_);
  std::erase_if(known_, &ProcessEntry::ended);
  const auto question = std::exchange(question_, std::nullopt);
  if (known_.empty()) return judge(std::move(round));
  signal_all(std::move(round), question);
}

void TreeEnd::find_orphans(const Seen& seen) {
  if (!leader_.left || !seen.leader_was_gone) return;
  std::unordered_set<pid_t> known;
  for (const ProcessEntry& one : known_) known.insert(one.pid);
  for (const ProcessEntry& one : *seen.table) {
    const auto claim = seen.claims.find(one.pid);
    if (claim == seen.claims.end() || known.contains(one.pid) || !is_adopted(one)) continue;
    if (leader_.left(one, claim->second)) known_.push_back(one);
  }
}

void TreeEnd::signal_all(Round round, std::optional<int> question) {
  const auto sent = std::make_shared<Sent>(known_, question, round.kills);
  work_ = Work(
      loop_, [sent] { sent->send(); },
      [this, sent, round = std::move(round)]() mutable {
        for (size_t i = 0; i < sent->to.size(); ++i) round.note(sent->to[i], sent->killed[i]);
        judge(std::move(round));
      });
}

void TreeEnd::judge(Round round) {
  if (round.left == 0) return end({});
  const auto over = [&](std::error_code why, const std::string& what) {
    end(std::unexpected(Error(why, "end the tree of " + std::to_string(leader_.pid), what)));
  };
  if (const auto who = all_undying(round)) return over(std::make_error_code(std::errc::timed_out), *who);
  if (!round.kills || round.refused < round.left) {
    stuck_since_.reset();
  } else if (!stuck_since_) {
    stuck_since_ = Clock::now();
  } else if (Clock::now() - *stuck_since_ >= patience) {
    if (round.refused > 1) round.what += " and " + std::to_string(round.refused - 1) + " more";
    return over(round.why, round.what);
  }
  look_again();
}

// Who they are, if nobody else is left.
std::optional<std::string> TreeEnd::all_undying(const Round& round) {
  if (!round.kills) return std::nullopt;
  std::vector<ProcessEntry> left = known_;
  if (round.leader) left.push_back({.pid = leader_.pid});
  const auto before = std::exchange(killed_, {});
  const auto now = Clock::now();
  bool all = !left.empty();
  for (const ProcessEntry& one : left) {
    const std::pair key(one.pid, one.started);
    const auto known = before.find(key);
    const auto since = known == before.end() ? now : known->second;
    killed_.emplace(key, since);
    all = all && now - since >= undying;
  }
  if (!all) return std::nullopt;
  std::string text = "SIGKILL has not ended " + std::to_string(left.back().pid);
  if (left.size() > 1) text += " and " + std::to_string(left.size() - 1) + " more";
  return text + ", which waits in the kernel";
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
