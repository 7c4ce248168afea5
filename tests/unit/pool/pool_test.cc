// Jobs for real processes: shells that answer by hand.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "baton/baton.h"
#include "support/leak_check.h"

namespace baton {

struct Did {
  int job;
  int pid;
};
BATON_FIELDS(Did, job, pid)

namespace {

using namespace std::chrono_literals;

// Answers with the job and its pid; some words it does not live through.
constexpr const char* worker = R"sh(
while IFS= read -r m <&3; do
  id=${m#*'"id":'}; id=${id%%,*}; v=${m#*'"value":'}; v=${v%\}}
  case $v in
    '"die"') kill -9 $$ ;;
    '"hang"') exec sleep 1000 ;;
    '"garbage"') printf 'no JSON\n' >&3; continue ;;
    '"hang up"') exec sleep 1000 3>&- ;;
    '"chatter"') for i in 1 2 3; do printf '"message %d"\n' $i >&3; done ;;
    '"rave"')
      printf '{"cmd":"BATON_REPLY","id":%d,"value":{"job":%s,"pid":%d}}\n' "$id" "$v" $$ >&3
      deep=$(printf '%0600d' 0 | tr 0 '[')1$(printf '%0600d' 0 | tr 0 ']')
      i=0; while [ $i -lt 2000 ]; do printf '%s\n' "$deep" >&3; i=$((i+1)); done; continue ;;
    '"refuse"') printf '{"cmd":"BATON_REPLY","id":%d,"error":{"message":"no such picture"}}\n' "$id" >&3; continue ;;
    '"slow"') sleep 0.05 ;;
  esac
  printf '{"cmd":"BATON_REPLY","id":%d,"value":{"job":%s,"pid":%d}}\n' "$id" "$v" $$ >&3
done)sh";

class PoolTest : public test::LeakFree {
 protected:
  static void SetUpTestSuite() { const Loop first; }

  static PoolOptions options(std::size_t workers) {
    return PoolOptions().workers(workers).fork(ForkOptions().args({"-c", worker}));
  }
  /// Runs a process whose entry is `body`; the lines of its pool go into `lines`.
  template <class F>
  void play(F body) {
    const auto entry = [this, body](Process& self) -> Task<> {
      self.loop().on_report([this](std::string_view line) { lines.emplace_back(line); });
      co_await body(self);
      self.loop().on_report(nullptr);
    };
    std::string name = "parent";
    char* arguments[] = {name.data(), nullptr};
    EXPECT_EQ(run(1, arguments, {{"parent", entry}}), 0);
  }
  /// What a job came to.
  static Task<std::string> outcome(Op<Value> job) {
    std::string text;
    try {
      const Value answer = co_await std::move(job);
      text = to_json(answer["job"]);
    } catch (const Error& error) {
      text = error.what();
    }
    co_return text;
  }

  std::vector<std::string> lines;
};

TEST_F(PoolTest, ReplacesAWorkerThatHangsUpAndGoesOn) {
  play([this](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(1).retries(0));
    const std::string lost = co_await outcome(pool.run("hang up"));
    EXPECT_TRUE(lost.contains("SIGKILL")) << lost;
    EXPECT_EQ(co_await outcome(pool.run("next")), "\"next\"");
    co_await pool.drained();
  });
  EXPECT_TRUE(std::ranges::any_of(lines, [](const std::string& line) {
    return line.ends_with("has closed its channel and goes on: it is killed");
  })) << testing::PrintToString(lines);
}

TEST_F(PoolTest, ReplacesAWorkerWhoseWordsCannotBeRead) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(1).retries(0));
    const std::string lost = co_await outcome(pool.run("garbage"));
    EXPECT_TRUE(lost.contains("SIGKILL")) << lost;
    EXPECT_EQ(co_await outcome(pool.run("next")), "\"next\"");
  });
}

TEST_F(PoolTest, TellsLittleOfAWorkerThatSaysMuchWhichCannotBeRead) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(1));
    EXPECT_EQ(co_await outcome(pool.run("rave")), "\"rave\"");
    EXPECT_EQ(co_await outcome(pool.run("next")), "\"next\"");
  });
  EXPECT_GE(lines.size(), 1U);
  EXPECT_LE(lines.size(), 60U) << "of 2,000";
}

TEST_F(PoolTest, DropsWhatAWorkerSaysBesideItsAnswersAndTellsItOnce) {
  play([this](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(1));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await outcome(pool.run("chatter")), "\"chatter\"");
  });
  EXPECT_EQ(
      std::ranges::count_if(
          lines, [](const std::string& line) { return line.contains("sends messages, which nobody takes"); }),
      1)
      << testing::PrintToString(lines);
}

TEST_F(PoolTest, AnswersEachJobAndUsesEveryWorker) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(3));
    std::vector<Op<Did>> jobs;
    for (int i = 0; i < 60; ++i) jobs.push_back(pool.run<Did>(i));
    EXPECT_EQ(pool.running() + pool.waiting(), 60U);
    std::set<int> pids;
    const auto all_done = co_await all(self.loop(), std::move(jobs));
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(all_done[static_cast<std::size_t>(i)].job, i);
      pids.insert(all_done[static_cast<std::size_t>(i)].pid);
    }
    // The first three were given at once.
    EXPECT_EQ((std::set{all_done[0].pid, all_done[1].pid, all_done[2].pid}).size(), 3U);
    EXPECT_EQ(pids.size(), 3U);
    co_await pool.drained();
    EXPECT_EQ(pool.running() + pool.waiting(), 0U);
  });
  EXPECT_TRUE(lines.empty()) << lines.front();
}

TEST_F(PoolTest, GivesTheJobOfADeadWorkerToAnotherAndThenGivesItUp) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(2));
    auto deadly = pool.run("die");
    auto after = pool.run(2);
    const std::string lost = co_await outcome(std::move(deadly));
    EXPECT_TRUE(lost.starts_with("job: worker (pid ")) << lost;
    EXPECT_TRUE(lost.ends_with("): killed by SIGKILL: disconnected")) << lost;
    const std::string done = co_await outcome(std::move(after));
    EXPECT_EQ(done, "2");
  });
  EXPECT_EQ(lines.size(), 2U) << "each death is a line";
}

TEST_F(PoolTest, LosesNoOtherJobOfAWorkerThatOneKeepsKilling) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(1).jobs_per_worker(3));
    auto deadly = pool.run("die");
    auto one = pool.run(1);
    auto two = pool.run(2);
    EXPECT_EQ(pool.waiting(), 0U) << "the worker has all of them";
    const std::string lost = co_await outcome(std::move(deadly));
    EXPECT_TRUE(lost.contains("killed by SIGKILL")) << lost;
    const std::string first = co_await outcome(std::move(one));
    const std::string second = co_await outcome(std::move(two));
    EXPECT_EQ(first + second, "12");
  });
  EXPECT_EQ(lines.size(), 2U);
}

TEST_F(PoolTest, GivesAJobToNoOtherWhereThatIsSaid) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(1).retries(0));
    const std::string lost = co_await outcome(pool.run("die"));
    EXPECT_TRUE(lost.contains("killed by SIGKILL")) << lost;
    const std::string done = co_await outcome(pool.run(1));
    EXPECT_EQ(done, "1");
  });
  EXPECT_EQ(lines.size(), 1U);
}

TEST_F(PoolTest, TakesBackWhatTakesTooLongAndKillsWhoIsAtIt) {
  play([](Process& self) -> Task<> {
    {
      Pool hasty(self, "/bin/sh", options(1).job_timeout(20ms));
      const std::string by_pool = co_await outcome(hasty.run("hang"));
      EXPECT_EQ(by_pool, "job: timed out");
    }
    Pool pool(self, "/bin/sh", options(1));
    const std::string first = co_await outcome(pool.run("hang").within(20ms));
    EXPECT_EQ(first, "job: timed out");
    std::stop_source stop;
    auto cancelled = pool.run("hang").cancel_on(stop.get_token());
    const Timer later(self.loop(), 10ms, [&] { stop.request_stop(); });
    const std::string third = co_await outcome(std::move(cancelled));
    EXPECT_EQ(third, "job: cancelled");
    const std::string done = co_await outcome(pool.run(4));
    EXPECT_EQ(done, "4") << "in another worker";
  });
}

TEST_F(PoolTest, TellsWhatAWorkerRefusesAndWhatIsNoReply) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/bin/sh", options(1));
    const std::string refused = co_await outcome(pool.run("refuse"));
    EXPECT_EQ(refused, "request: no such picture: says the peer");
    std::string wrong;
    try {
      co_await pool.run<Did>("a text");
    } catch (const Error& error) {
      wrong = error.what();
    }
    EXPECT_EQ(wrong, "read Did: job is \"a text\", not a 32-bit integer: the value does not fit");
  });
  EXPECT_TRUE(lines.empty());
}

TEST_F(PoolTest, RefusesWhatIsTooMuchAndFailsWhatIsLeftWhenItGoes) {
  play([](Process& self) -> Task<> {
    std::optional<Pool> pool(std::in_place, self, "/bin/sh", options(1).queue(2));
    std::vector<Op<Value>> jobs;
    for (int i = 0; i < 4; ++i) jobs.push_back(pool->run("hang"));
    const std::string much = co_await outcome(std::move(jobs[3]));
    EXPECT_EQ(much, "job: 2 wait: the queue is full");
    pool.reset();
    for (int i = 0; i < 3; ++i) {
      const std::string left = co_await outcome(std::move(jobs[static_cast<std::size_t>(i)]));
      EXPECT_EQ(left, "job: cancelled");
    }
  });
}

TEST_F(PoolTest, OfWorkersThatCannotBeStartedSaysSo) {
  play([](Process& self) -> Task<> {
    Pool pool(self, "/nowhere/worker", PoolOptions().workers(1));
    const std::string none = co_await outcome(pool.run(1).within(20ms));
    EXPECT_EQ(none, "job: timed out");
    EXPECT_THROW(Pool(self, "no_entry"), std::invalid_argument);
    EXPECT_THROW(PoolOptions().jobs_per_worker(0), std::invalid_argument);
    Pool moved(std::move(pool));
    EXPECT_THROW((void)pool.waiting(),
                 std::logic_error);  // NOLINT(bugprone-use-after-move): that is the test
  });
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front(), "pool: spawn /nowhere/worker: execve /nowhere/worker: no such file or directory");
}

}  // namespace
}  // namespace baton
