// Which worker does which job, without a process.

#include "pool/pool_machine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <random>
#include <ranges>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace baton::pool {
namespace {

using namespace std::chrono_literals;

constexpr supervisor::RestartLimits limits{
    .min_uptime = 1s, .first_wait = 100ms, .longest_wait = 30s, .deaths = 0};

std::string text_of(const Action& action) {
  struct Text {
    std::string operator()(const StartWorker& it) const { return "start " + std::to_string(it.slot); }
    std::string operator()(const GiveJob& it) const {
      return "give " + std::to_string(it.job) + " to " + std::to_string(it.slot);
    }
    std::string operator()(const KillWorker& it) const { return "kill " + std::to_string(it.slot); }
    std::string operator()(const LoseJob& it) const { return "lose " + std::to_string(it.job); }
  };
  return std::visit(Text(), action);
}

bool contains(const std::deque<JobId>& jobs, JobId job) { return std::ranges::find(jobs, job) != jobs.end(); }

class PoolMachineTest : public testing::Test {
 protected:
  std::string actions() {
    std::string all;
    while (const auto action = machine.next_action()) all += (all.empty() ? "" : ", ") + text_of(*action);
    return all;
  }
  void start_both() {
    machine.started(0, 0s);
    machine.started(1, 0s);
    (void)actions();
  }

  PoolMachine machine{{.workers = 2, .most_waiting = 2, .tries = 2, .limits = limits}};
};

TEST_F(PoolMachineTest, StartsEachWorkerAndGivesEachAJobInTurn) {
  EXPECT_EQ(actions(), "start 0, start 1");
  EXPECT_TRUE(machine.add(1));
  EXPECT_EQ(actions(), "");
  machine.started(0, 0s);
  EXPECT_EQ(actions(), "give 1 to 0");
  machine.started(1, 0s);
  EXPECT_TRUE(machine.add(2) && machine.add(3) && machine.add(4));
  EXPECT_FALSE(machine.add(5)) << "two wait";
  EXPECT_EQ(actions(), "give 2 to 1");
  machine.done(0, 1);
  EXPECT_EQ(actions(), "give 3 to 0");
  EXPECT_EQ(machine.waiting(), 1U);
  EXPECT_EQ(machine.running(), 2U);
}

TEST_F(PoolMachineTest, GivesTheJobOfADeadWorkerToAnotherOnceBeforeWhatWaits) {
  start_both();
  for (const JobId job : {1, 2, 3}) machine.add(job);
  EXPECT_EQ(actions(), "give 1 to 0, give 2 to 1");
  machine.died(0, 2s, 1);
  EXPECT_EQ(actions(), "start 0") << "it had lived for long enough";
  machine.done(1, 2);
  EXPECT_EQ(actions(), "give 1 to 1");
  machine.died(1, 2s, 1);
  EXPECT_EQ(actions(), "lose 1, start 1");
  machine.started(1, 2s);
  EXPECT_EQ(actions(), "give 3 to 1");
}

TEST_F(PoolMachineTest, LetsAWorkerThatDiesSoonWait) {
  start_both();
  machine.died(0, 10ms, 1);
  EXPECT_EQ(actions(), "");
  EXPECT_EQ(machine.next_start(), Time(110ms));
  machine.due(109ms);
  EXPECT_EQ(actions(), "");
  machine.due(110ms);
  EXPECT_EQ(actions(), "start 0");
  machine.not_started(0, 110ms, 1);
  EXPECT_GT(machine.next_start(), Time(110ms));
}

TEST_F(PoolMachineTest, KillsWhoIsAtAJobThatNobodyWantsAndStartsAnotherAtOnce) {
  start_both();
  for (const JobId job : {1, 2, 3}) machine.add(job);
  (void)actions();
  machine.withdraw(1);
  machine.withdraw(3);
  EXPECT_EQ(actions(), "kill 0");
  EXPECT_EQ(machine.waiting(), 0U);
  machine.died(0, 10ms, 1);
  EXPECT_EQ(actions(), "start 0") << "it has done nothing wrong";
  EXPECT_TRUE(machine.jobs_of(0).empty());
}

class SeveralJobsEach : public PoolMachineTest {
 protected:
  SeveralJobsEach() {
    machine =
        PoolMachine({.workers = 2, .jobs_per_worker = 2, .most_waiting = 2, .tries = 2, .limits = limits});
    start_both();
  }
};

TEST_F(SeveralJobsEach, GivesAJobToWhoHasLeast) {
  for (const JobId job : {1, 2, 3, 4, 5}) machine.add(job);
  EXPECT_EQ(actions(), "give 1 to 0, give 2 to 1, give 3 to 0, give 4 to 1");
  machine.done(1, 4);
  EXPECT_EQ(actions(), "give 5 to 1") << "answers may come in any order";
  EXPECT_EQ(machine.running(), 4U);
}

TEST_F(SeveralJobsEach, GivesEachJobOfADeadWorkerAWorkerOfItsOwn) {
  for (const JobId job : {1, 2, 3}) machine.add(job);
  (void)actions();
  machine.died(0, 2s, 1);
  EXPECT_EQ(actions(), "start 0") << "job 2 may not be taken along";
  machine.started(0, 2s);
  EXPECT_EQ(actions(), "give 1 to 0");
  machine.add(4);
  EXPECT_EQ(actions(), "") << "job 3 comes first, and waits for a worker that has nothing";
  machine.died(0, 4s, 1);
  EXPECT_EQ(actions(), "lose 1, start 0");
  machine.done(1, 2);
  EXPECT_EQ(actions(), "give 3 to 1");
  machine.done(1, 3);
  EXPECT_EQ(actions(), "give 4 to 1");
}

TEST_F(SeveralJobsEach, SuspectsNoneThatWasBesideAJobThatNobodyWants) {
  for (const JobId job : {1, 2, 3, 4}) machine.add(job);
  (void)actions();
  machine.withdraw(1);
  EXPECT_EQ(actions(), "kill 0");
  machine.died(0, 10ms, 1);
  machine.started(0, 10ms);
  EXPECT_EQ(actions(), "start 0, give 3 to 0");
  machine.add(5);
  EXPECT_EQ(actions(), "give 5 to 0");
}

TEST_F(SeveralJobsEach, LeavesAJobThatNobodyWantsBehindOthersWhereItIs) {
  for (const JobId job : {1, 2, 3}) machine.add(job);
  (void)actions();
  machine.withdraw(3);
  EXPECT_EQ(actions(), "") << "job 1 goes on";
  EXPECT_FALSE(machine.has(0, 3));
  machine.done(0, 1);
  machine.add(4);
  EXPECT_EQ(actions(), "give 4 to 0");
  machine.withdraw(4);
  EXPECT_EQ(actions(), "kill 0") << "it is at job 3, that nobody waits for";
}

TEST_F(SeveralJobsEach, LosesWhatMayNotBeDoneTwiceWithWhoIsKilled) {
  machine =
      PoolMachine({.workers = 2, .jobs_per_worker = 2, .most_waiting = 2, .tries = 1, .limits = limits});
  start_both();
  for (const JobId job : {1, 2, 3}) machine.add(job);
  (void)actions();
  machine.withdraw(1);
  machine.died(0, 2s, 1);
  EXPECT_EQ(actions(), "kill 0, lose 3, start 0");
}

TEST_F(SeveralJobsEach, LimitsWhatWaitsBesideASuspect) {
  for (const JobId job : {1, 2, 3}) machine.add(job);
  machine.died(0, 2s, 1);
  machine.started(0, 2s);
  EXPECT_EQ(machine.waiting(), 1U);
  EXPECT_TRUE(machine.add(4));
  EXPECT_FALSE(machine.add(5));
}

// Whatever happens in whatever order: each job ends once, nobody has more than he may, who is suspected is
// alone, no worker idles while a job waits, and no more wait than may.
TEST(PoolMachine, EndsEachJobOnceWhateverHappens) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::minstd_rand random(seed + 1);
    const auto below = [&](unsigned most) { return static_cast<unsigned>(random() % most); };
    const std::size_t each = 1 + below(3);
    PoolMachine machine(
        {.workers = 3, .jobs_per_worker = each, .most_waiting = 5, .tries = 1 + below(3), .limits = limits});
    enum class Life { none, starting, alive, killed };
    std::vector<Life> lives(3, Life::none);
    std::vector<std::deque<JobId>> has(3);
    std::set<JobId> open;
    std::set<JobId> suspected;
    std::map<JobId, int> ended;
    Time now{0};
    JobId last = 0;
    const auto take_actions = [&] {
      while (const auto action = machine.next_action()) {
        if (const auto* start = std::get_if<StartWorker>(&*action)) {
          ASSERT_EQ(lives[start->slot], Life::none) << seed;
          lives[start->slot] = Life::starting;
        } else if (const auto* give = std::get_if<GiveJob>(&*action)) {
          if (!machine.has(give->slot, give->job)) continue;
          ASSERT_EQ(lives[give->slot], Life::alive) << seed;
          ASSERT_TRUE(open.contains(give->job)) << seed;
          for (const auto& jobs : has) ASSERT_FALSE(contains(jobs, give->job)) << seed;
          auto& jobs = has[give->slot];
          jobs.push_back(give->job);
          ASSERT_LE(jobs.size(), each) << seed;
          const bool suspect = std::ranges::any_of(jobs, [&](JobId job) { return suspected.contains(job); });
          ASSERT_TRUE(!suspect || jobs.size() == 1) << seed;
        } else if (const auto* kill = std::get_if<KillWorker>(&*action)) {
          if (lives[kill->slot] == Life::alive) lives[kill->slot] = Life::killed;
        } else {
          const JobId job = std::get<LoseJob>(*action).job;
          ASSERT_EQ(open.erase(job), 1U) << seed;
          ++ended[job];
        }
      }
      const bool idle = std::ranges::any_of(
          std::views::iota(0, 3), [&](int slot) { return lives[slot] == Life::alive && has[slot].empty(); });
      ASSERT_TRUE(!idle || machine.waiting() == 0) << seed;
    };
    const auto step = [&](bool more) {
      const Slot slot = below(3);
      auto& jobs = has[slot];
      switch (below(6)) {
        case 0: {
          const auto before = machine.waiting();
          if (!more || !machine.add(++last)) break;
          open.insert(last);
          ASSERT_TRUE(machine.waiting() == before || machine.waiting() <= 5) << seed;
          break;
        }
        case 1:
          if (lives[slot] != Life::starting) break;
          if (more && below(4) == 0) {
            lives[slot] = Life::none;
            machine.not_started(slot, now, 0.5);
          } else {
            lives[slot] = Life::alive;
            machine.started(slot, now);
          }
          break;
        case 2: {
          if (lives[slot] == Life::none || jobs.empty()) break;
          const JobId job = jobs[below(static_cast<unsigned>(jobs.size()))];
          ASSERT_EQ(machine.has(slot, job), open.contains(job)) << seed;
          if (open.erase(job) == 1) ++ended[job];
          std::erase(jobs, job);
          machine.done(slot, job);
          break;
        }
        case 3:
          if (lives[slot] != Life::killed && (lives[slot] != Life::alive || !more || below(4) != 0)) break;
          if (lives[slot] == Life::alive) {
            std::ranges::copy_if(jobs, std::inserter(suspected, suspected.end()),
                                 [&](JobId job) { return open.contains(job); });
          }
          lives[slot] = Life::none;
          jobs.clear();
          machine.died(slot, now, 0.5);
          break;
        case 4: {
          const JobId job = 1 + below(static_cast<unsigned>(last) + 1);
          if (!more || open.erase(job) == 0) break;
          ++ended[job];
          machine.withdraw(job);
          take_actions();
          for (Slot each_slot = 0; each_slot < 3; ++each_slot) {
            const auto& of_one = has[each_slot];
            if (lives[each_slot] != Life::alive || !contains(of_one, job)) continue;
            ASSERT_TRUE(open.contains(of_one.front())) << "it is at what nobody wants " << seed;
          }
          break;
        }
        default:
          now += std::chrono::milliseconds(below(400));
          machine.due(now);
      }
      take_actions();
    };
    take_actions();
    for (int i = 0; i < 200; ++i) step(true);
    for (int i = 0; i < 5000 && !open.empty(); ++i) step(false);
    EXPECT_TRUE(open.empty()) << seed;
    for (const auto& [job, times] : ended) EXPECT_EQ(times, 1) << seed << " " << job;
    EXPECT_EQ(machine.waiting() + machine.running(), 0U) << seed;
  }
}

}  // namespace
}  // namespace baton::pool
