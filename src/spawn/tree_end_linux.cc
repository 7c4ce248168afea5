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
// However many there are, on a machine that has much to do.
constexpr std::chrono::milliseconds look_patience(2000);
constexpr std::chrono::milliseconds signal_patience(4000);
constexpr std::chrono::milliseconds claims_patience(200);

}  // namespace

/// What a thread has seen: every process, who is left of the tree, and what orphans say.
struct TreeEnd::Seen {
  std::optional<Result<std::vector<ProcessEntry>>> table;
  pid_t leader;
  std::vector<ProcessEntry> tree;  ///< before: who was known
  std::vector<ProcessEntry> orphans;
  std::vector<std::optional<std::string>> claims;  ///< of these
  bool leader_was_gone;                            ///< before anything was looked at

  void look(const std::string& mark) {
    table = all_processes();
    if (!*table) return;
    find_tree();
    if (mark.empty() || !leader_was_gone) return;
    std::unordered_set<pid_t> known;
    for (const ProcessEntry& one : tree) known.insert(one.pid);
    for (const ProcessEntry& one : **table) {
      if (!one.ended() && is_adopted(one) && !known.contains(one.pid)) orphans.push_back(one);
    }
    if (!orphans.empty())
      claims = environment_values(orphans, mark, claims_patience, {ReadFor::Purpose::tree, leader});
  }
  void find_tree() {
    // The leader's number is kept from others as long as its session has members; after that it may be
    // anybody's.
    const bool strange =
        leader_was_gone && std::ranges::find(**table, leader, &ProcessEntry::pid) != (*table)->end();
    tree = tree_of(**table, strange ? 0 : leader, tree);
    std::erase_if(tree, &ProcessEntry::ended);
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

// One look at a time; whatever is asked for meanwhile is done by that one or by the next.
void TreeEnd::look() {
  if (look_) return;
  again_.stop();
  const auto seen = std::make_shared<Seen>(std::nullopt, leader_.pid, known_);
  seen->leader_was_gone = leader_.gone();
  look_ = Look(
      loop_, Lane::trees(), look_patience, [seen, mark = leader_.mark] { seen->look(mark); },
      [this, seen, gone = seen->leader_was_gone](const Result<void>& in_time) {
        if (in_time) return decide(*seen);
        // That one is still the thread's.
        Seen nothing{failure(ETIMEDOUT, "read /proc"), leader_.pid, {}, {}, {}, gone};
        decide(nothing);
      });
}

void TreeEnd::decide(Seen& seen) {
  const bool blind = !*seen.table;
  // Who cannot be seen cannot be asked.
  if (blind && kills_) question_.reset();
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
  if (blind) return go_on_blindly(std::move(round), seen.table->error());
  known_ = std::move(seen.tree);
  if (find_orphans(seen)) {
    known_ = tree_of(**seen.table, 0, known_);
    std::erase_if(known_, &ProcessEntry::ended);
  }
  const auto question = std::exchange(question_, std::nullopt);
  if (known_.empty()) return judge(std::move(round));
  signal_all(std::move(round), question);
}

// Nobody was seen, which is not nobody.
void TreeEnd::go_on_blindly(Round round, const Error& why) {
  if (round.kills) kill_group();
  round.note(why.operation(), std::unexpected(why));
  judge(std::move(round));
}

// The leader's number is its group's as long as one of them is there. What is a process of that number after
// it was collected is a stranger.
void TreeEnd::kill_group() {
  if (leader_.pid <= 1) return;
  const bool its_own =
      leader_.gone() ? ::kill(leader_.pid, 0) != 0 && errno == ESRCH : ::getpgid(leader_.pid) == leader_.pid;
  if (its_own) ::kill(-leader_.pid, SIGKILL);
}

// Whether one was found.
bool TreeEnd::find_orphans(const Seen& seen) {
  if (!leader_.left || !seen.leader_was_gone) return false;
  const size_t before = known_.size();
  for (size_t i = 0; i < seen.claims.size(); ++i) {
    // Children that were started meanwhile are none.
    if (is_adopted(seen.orphans[i]) && leader_.left(seen.orphans[i], seen.claims[i]))
      known_.push_back(seen.orphans[i]);
  }
  return known_.size() > before;
}

void TreeEnd::signal_all(Round round, std::optional<int> question) {
  const auto sent = std::make_shared<Sent>(known_, question, round.kills);
  look_ = Look(
      loop_, Lane::trees(), signal_patience, [sent] { sent->send(); },
      [this, sent, round = std::move(round)](const Result<void>& in_time) mutable {
        if (!in_time) return go_on_blindly(std::move(round), Error(ETIMEDOUT, "kill them"));
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
