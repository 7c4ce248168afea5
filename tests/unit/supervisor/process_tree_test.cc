#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <string>

#include "baton/spawn/child.h"
#include "spawn/process_table_linux.h"
#include "spawn/tree_end_linux.h"
#include "spawn/tree_signal_linux.h"
#include "supervisor/orphans_linux.h"
#include "support/leak_check.h"

namespace baton::supervisor {

using namespace spawner;
namespace {

using std::chrono::milliseconds;

ProcessEntry process(pid_t pid, pid_t parent, pid_t session) {
  return {.pid = pid, .parent = parent, .session = session, .state = 'S', .started = 1};
}

std::vector<pid_t> pids_of(const std::vector<ProcessEntry>& entries) {
  std::vector<pid_t> pids;
  for (const ProcessEntry& one : entries) pids.push_back(one.pid);
  std::ranges::sort(pids);
  return pids;
}

TEST(ProcessTable, ReadsANameThatContainsAnything) {
  const std::string stat = "731 (a) R (b) S 12 700 699 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 25";
  const auto entry = parse_stat(stat);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->pid, 731);
  EXPECT_EQ(entry->state, 'S');
  EXPECT_EQ(entry->parent, 12);
  EXPECT_EQ(entry->session, 699);
  EXPECT_EQ(entry->started, 98765U);
}

TEST(ProcessTable, TakesNothingForAProcessThatIsNone) {
  for (const char* text : {"", "731", "731 (a", "731 (a)", "731 (a) S", "x (a) S 1 2 3"}) {
    EXPECT_FALSE(parse_stat(text)) << text;
  }
}

TEST(ProcessTable, TellsThatNobodyCanBeSeenFromThatThereIsNobody) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto all = all_processes();
  const auto adopted = adopted_children();
  const auto any = Orphans::any();
  const auto sent = Orphans::signal(0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(all || adopted || any || sent);
  EXPECT_STREQ(all.error().what(), "read /proc: opendir: too many open files");
  EXPECT_FALSE(Orphans::any().value());
}

TEST(ProcessTable, FindsATreeBySessionAndByParents) {
  const std::vector<ProcessEntry> table = {process(1, 0, 1),   process(50, 1, 50),  process(51, 50, 50),
                                           process(52, 1, 50), process(53, 51, 53), process(54, 53, 54),
                                           process(60, 1, 60), process(61, 60, 60)};
  EXPECT_EQ(pids_of(tree_of(table, 50)), (std::vector<pid_t>{51, 52, 53, 54}));
  EXPECT_EQ(pids_of(tree_of(table, 0, {process(51, 50, 50)})), (std::vector<pid_t>{51, 53, 54}))
      << "is known";
  EXPECT_EQ(pids_of(tree_of(table, 60)), (std::vector<pid_t>{61}));
  EXPECT_TRUE(tree_of(table, 1).empty()) << "everything descends from it";
  EXPECT_TRUE(tree_of(table, 0).empty());
}

class ProcessTree : public test::LeakFree {
 protected:
  Child shell(const std::string& script) {
    return spawn(loop, "/bin/sh", {"-c", script}, SpawnOptions().detached());
  }
  // What the child writes first, as a number.
  pid_t number_from(Child& child) {
    pid_t number = 0;
    child.stdout_stream().on_data([&](std::string_view bytes) {
      number = std::stoi(std::string(bytes));
      loop.stop();
    });
    loop.run();
    return number;
  }
  Loop loop;
};

TEST_F(ProcessTree, EndsWithEverythingThatIsInIt) {
  const auto orphans = Orphans::adopt(loop);
  ASSERT_TRUE(orphans);
  Child leader = shell("trap '' TERM; setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000 & wait");
  const pid_t deep = number_from(leader);
  EXPECT_TRUE(descends_from(deep, leader.pid()));
  EXPECT_FALSE(descends_from(leader.pid(), deep));
  bool gone = false;
  TreeEnd tree(loop,
               {leader.pid(), [&] { return leader.status().has_value(); },
                [&](int number) { return leader.kill(number); }},
               [&](const Result<void>& outcome) {
                 gone = outcome.has_value();
                 loop.stop();
               });
  tree.kill();
  loop.run();
  EXPECT_TRUE(gone);
  EXPECT_EQ(leader.status()->signal(), SIGKILL);
  const auto left = find_process(deep);
  EXPECT_TRUE(!left || left->ended());
  while (!adopted_children().value().empty()) {
    Timer soon(loop, milliseconds(1), [this] { loop.stop(); });
    loop.run();
  }
}

TEST_F(ProcessTree, EndsWholeThoughItsLeaderIsCollectedWhileItIsLookedAt) {
  Child leader = shell("sleep 1000 & echo $!; wait");
  const pid_t deep = number_from(leader);
  int asked = 0;
  bool gone = false;
  TreeEnd tree(loop, {leader.pid(), [&] { return asked++ > 0; }, [](int) { return false; }},
               [&](const Result<void>& outcome) {
                 gone = outcome.has_value();
                 loop.stop();
               });
  tree.kill();
  loop.run();
  EXPECT_TRUE(gone);
  const auto left = find_process(deep);
  EXPECT_TRUE(!left || left->ended());
  leader.on_exit([this](const ExitStatus&) { loop.stop(); });
  loop.run();
}

TEST_F(ProcessTree, EndsWithTheOrphansThatItsOwnerKnowsForItsOwn) {
  const auto orphans = Orphans::adopt(loop);
  ASSERT_TRUE(orphans);
  Child leader = shell("OF=1 setsid sh -c 'sleep 1000 & echo $!'; OF=2 setsid sh -c 'sleep 1000 &'");
  const pid_t own = number_from(leader);
  if (!leader.status()) {
    leader.on_exit([this](const ExitStatus&) { loop.stop(); });
    loop.run();
  }
  ASSERT_EQ(adopted_children().value().size(), 2U);
  bool gone = false;
  TreeEnd tree(
      loop,
      {leader.pid(), [] { return true; }, [](int) { return false; },
       [](const ProcessEntry&, const std::optional<std::string>& claimed) { return claimed == "1"; }, "OF"},
      [&](const Result<void>& outcome) {
        gone = outcome.has_value();
        loop.stop();
      });
  tree.ask();
  loop.run();
  EXPECT_TRUE(gone);
  const auto left = find_process(own);
  EXPECT_TRUE(!left || left->ended());
  EXPECT_TRUE(Orphans::any().value()) << "the other is not its";
  EXPECT_TRUE(Orphans::signal(SIGKILL));
  while (!adopted_children().value().empty()) {
    Timer soon(loop, milliseconds(1), [this] { loop.stop(); });
    loop.run();
  }
}

TEST_F(ProcessTree, CollectsOrphansButLeavesOwnChildrenToTheirOwners) {
  const auto orphans = Orphans::adopt(loop);
  ASSERT_TRUE(orphans);
  Child own = shell("exit 7");
  test::wait_until_ended(own.pid());
  Child leader = shell("(sleep 1000 & echo $!)");
  const pid_t orphan = number_from(leader);
  if (!leader.status()) {
    leader.on_exit([this](const ExitStatus&) { loop.stop(); });
    loop.run();
  }
  EXPECT_EQ(pids_of(adopted_children().value()), std::vector<pid_t>{orphan});
  EXPECT_TRUE(Orphans::any().value());
  EXPECT_TRUE(Orphans::signal(SIGKILL));
  while (!adopted_children().value().empty()) {
    Timer soon(loop, milliseconds(1), [this] { loop.stop(); });
    loop.run();
  }
  if (!own.status()) {
    own.on_exit([this](const ExitStatus&) { loop.stop(); });
    loop.run();
  }
  EXPECT_EQ(own.status()->code(), 7);
}

TEST_F(ProcessTree, SignalsNobodyWhoOnlyBearsTheNumber) {
  Child child = shell("exec sleep 1000");
  auto entry = find_process(child.pid());
  ASSERT_TRUE(entry);
  entry->started += 1;
  EXPECT_FALSE(signal_process(*entry, SIGKILL).value());
  entry->started -= 1;
  EXPECT_TRUE(signal_process(*entry, SIGKILL).value());
  loop.run();
  EXPECT_EQ(child.status()->signal(), SIGKILL);
}

}  // namespace
}  // namespace baton::supervisor
