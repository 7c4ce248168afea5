// How long a sibling's new connection waits beside a worker that never stops to talk.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "hostile/hostile.h"

namespace baton::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double longest_wait = 5;     // ms, in the median
constexpr double most_memory = 128;    // MiB of a primary that takes frames of 1 MiB
constexpr double most_memory_4 = 256;  // and of one whose frames have 4 MiB here

constexpr auto between_asks = std::chrono::milliseconds(7);

class Turns : public Hostile {
 protected:
  struct Figures {
    double wait = 0;
    double memory = 0;
  };

  /// Asks the sibling again and again for a while, each time on a new connection.
  static Figures measure(const Place& place, pid_t primary, const std::string& target = "/") {
    const auto end = Clock::now() + (whole() ? std::chrono::seconds(4) : std::chrono::milliseconds(300));
    Figures figures;
    std::vector<double> waits;
    do {
      const auto begin = Clock::now();
      if (ask(place, target).empty()) ADD_FAILURE() << "no answer";
      waits.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
      figures.memory = std::max(figures.memory, memory(primary));
      std::this_thread::sleep_for(between_asks);
    } while (Clock::now() < end && !HasFailure());
    const auto middle = waits.begin() + static_cast<std::ptrdiff_t>(waits.size() / 2);
    std::ranges::nth_element(waits, middle);
    figures.wait = *middle;
    return figures;
  }

  /// Of `baton run`, whose log somebody takes.
  /// `sign` stands in the log once it talks.
  void beside(const std::string& mode, const std::string& words, const std::string& sign = "") {
    log_ = file("log", "");
    const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const Fd errors(::open(log_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    start({"--instances", "2", "--listen-timeout", "60s", "--", worker("chatter.py"), mode,
           built("cluster_hello"), "--port", "0"},
          StartOptions().descriptor(1, null.get()).descriptor(2, errors.get()));
    const std::string where = logged("listening on ");
    if (!sign.empty()) (void)logged(sign);
    ASSERT_FALSE(HasFailure());
    const auto figures = measure(port_of(where.substr(0, where.find(" ("))), program.pid());
    expect_in_time("a sibling's new connection beside " + words + ", median", figures.wait, longest_wait);
    if (!sanitized())
      expect_within("memory of the primary beside " + words, figures.memory, most_memory, "MiB");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }

 private:
  /// Waits for a whole line with these words.
  [[nodiscard]] std::string logged(const std::string& words) const {
    const auto patience = Clock::now() + std::chrono::seconds(30);
    while (Clock::now() < patience) {
      std::ifstream file(log_);
      for (std::string line; std::getline(file, line) && !file.eof();) {
        if (line.contains(words) && !line.contains("unix:")) return line;
      }
      std::this_thread::sleep_for(between_asks);
    }
    ADD_FAILURE() << "it never said '" << words << "'";
    return {};
  }
  std::string log_;
};

TEST_F(Turns, AConnectionWaitsLittleBesideUnknownActs) { beside("acts", "unknown acts", "unknown act"); }
TEST_F(Turns, AConnectionWaitsLittleBesideStrayAcknowledgements) {
  beside("acks", "stray ACKs", "NODE_HANDLE_ACK");
}
TEST_F(Turns, AConnectionWaitsLittleBesideAnswersThatNobodyAskedFor) {
  beside("answers", "4,000 answers to what it was never given", "an answer to hand-off");
}
TEST_F(Turns, AConnectionWaitsLittleBesideYes) { beside("yes", "yes"); }
TEST_F(Turns, AConnectionWaitsLittleBesideZeros) { beside("zeros", "cat /dev/zero"); }
TEST_F(Turns, AConnectionWaitsLittleBesideFramesOfArrays) {
  beside("arrays", "frames of 1 MiB of arrays", "the value takes more than 8388");
}
TEST_F(Turns, AConnectionWaitsLittleBesideFramesOfNumbers) { beside("numbers", "frames of 100,000 numbers"); }
TEST_F(Turns, AConnectionWaitsLittleBesideFramesOfObjects) { beside("objects", "frames of 90,000 members"); }
TEST_F(Turns, AConnectionWaitsLittleBesideClusterMessagesOfManyMembers) {
  beside("wide", "messages of the cluster of 80,000 members", "too long");
}
TEST_F(Turns, AConnectionWaitsLittleBesideManyOrphans) {
  beside("orphans", (whole() ? "1,500" : "200") + std::string(" orphans and others that end"),
         "they are there");
}

TEST_F(Turns, AConnectionWaitsLittleBesideAWorkerThatSaysWhereItListens) {
  beside("places", "places that a worker says again and again", "it says where");
}
TEST_F(Turns, AConnectionWaitsLittleBesideListenersThatCannotBeHad) {
  beside("vain", "listeners that cannot be had", "there/is/no");
}
// The primary itself is asked: each worker has the messages to read, too.
TEST_F(Turns, TheHealthCheckWaitsLittleBesideLargeMessagesToAll) {
  constexpr int workers = 8;
  constexpr double bound = 16.0 * workers + 64;
  start(admin() + Words{"--instances", std::to_string(workers), "--", worker("chatter.py"), "topics",
                        built("cluster_hello"), "--port", "0"});
  for (int i = 0; i < workers; ++i) told("ready after");
  const auto figures = measure({folder + "/admin"}, program.pid(), "/livez");
  expect_in_time("/livez beside messages of 1 MiB to 8 workers, median", figures.wait, longest_wait);
  if (!sanitized())
    expect_within("memory of the primary beside messages of 1 MiB to 8 workers", figures.memory, bound,
                  "MiB");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Turns, TheHealthCheckWaitsLittleBesideLargeMessagesOfTheProgramOfPrimary) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string primary = file("primary.js", R"(
const cluster = require('cluster');
const message = { data: Array(40000).fill(1.2345678901234567e-250) };
cluster.on('online', (worker) => {
  const again = () => worker.send(message, again);
  again();
});
)");
  start(admin() +
        Words{"--instances", "2", "--primary", primary, "--", built("cluster_hello"), "--port", "0"});
  for (int i = 0; i < 2; ++i) told("ready after");
  const auto figures = measure({folder + "/admin"}, program.pid(), "/livez");
  expect_in_time("/livez beside messages of 1 MiB of the program of --primary, median", figures.wait,
                 longest_wait);
  if (!sanitized())
    expect_within("memory of the primary beside messages of 1 MiB of the program of --primary",
                  figures.memory, most_memory, "MiB");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

/// Of a program of its own, whose channels are those of advanced serialization.
class AdvancedTurns : public Turns {
 protected:
  void beside_advanced(const std::string& mode, const std::string& words) {
    Program primary(built("cluster_peer"), {"--serialization", "advanced", "--exec", worker("chatter.py"),
                                            mode, built("cluster_hello"), "--port", "0"});
    primary.say("fork 0");
    primary.say("fork 0");
    std::string where;
    bool talks = false;
    while (where.empty() || !talks) {
      const auto line = primary.output.next();
      ASSERT_TRUE(line);
      if (line->starts_with("2 listening")) where = *line;
      if (line->starts_with("1 error")) talks = true;
    }
    std::thread reader([&primary] { (void)primary.output.rest(); });
    const auto figures = measure(port_of(where), primary.pid());
    expect_in_time("a sibling's new connection beside " + words + ", median", figures.wait, longest_wait);
    if (!sanitized())
      expect_within("memory of the primary beside " + words, figures.memory, most_memory_4, "MiB");
    primary.say("kill 1 9");
    primary.say("leave");
    reader.join();
    EXPECT_EQ(primary.end(), "exit 0");
  }
};

TEST_F(AdvancedTurns, AConnectionWaitsLittleBesideFramesOfNulls) {
  beside_advanced("nulls", "advanced frames of 4 MiB of nulls");
}
TEST_F(AdvancedTurns, AConnectionWaitsLittleBesideFramesOfBoxes) {
  beside_advanced("boxes", "advanced frames of 4 MiB of boxes");
}

}  // namespace
}  // namespace baton::test
