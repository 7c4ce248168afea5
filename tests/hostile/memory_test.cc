// What a worker can take of its primary's memory, descriptors and processes, while its sibling serves.
#include <fcntl.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "hostile/hostile.h"

namespace baton::test {
namespace {

constexpr double idle_memory = 16;  // MiB, of a primary of two, and some more
constexpr double idle_descriptors = 48;
constexpr double most_listeners = 256;  // of a worker and its dead predecessors, also given up
constexpr double most_shares = 256;     // sockets of listeners that it was sent and has not taken
constexpr double most_unread =
    128 + 32;  // handles whose acknowledgements it does not read, and those of one turn
constexpr double most_of_a_read = 253;  // descriptors, until those are closed that nobody can claim

class Grower : public Hostile {
 protected:
  /// `baton run` with a worker that does this `times`, and a sibling that serves.
  void run(const std::string& how, int times = 1, const Words& more = {}) {
    const std::string log = file("log", "");
    const Fd errors(::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    start(Words{"-i", "2", "--listen", "127.0.0.1:0", "--min-uptime", "100ms", "--max-restarts", "1000"} +
              more + Words{worker("grower.py"), how, std::to_string(times)},
          StartOptions().descriptor(2, errors.get()));
    log_ = log;
    wait_until([this] { return logged("listening on ") > 0; });
    const std::string text = read_log();
    const size_t begin = text.find("listening on ");
    port_ = port_of(text.substr(begin, text.find(" (", begin) - begin));
  }
  /// The worker in the first place has done what it does so often, over all its lives.
  void wait_for_lives(int lives) {
    for (int i = 0; i < lives; ++i) printed("[1] done");
  }
  void expect_bounds(const std::string& what, double more_memory, double more_descriptors) {
    // The sibling is asked first: who has answered has come behind all that was said before.
    EXPECT_EQ(body_of(ask(port_)), "healthy\n");
    expect_end(what, more_memory, more_descriptors);
  }
  void expect_end(const std::string& what, double more_memory, double more_descriptors) {
    // A sanitizer keeps what was freed.
    if (!sanitized())
      expect_within(what + ": memory", memory(program.pid()), idle_memory + more_memory, "MiB");
    expect_within(what + ": descriptors", descriptors(program.pid()), idle_descriptors + more_descriptors,
                  "");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
  /// One reload, of workers that leave daemons with environments of 250 KB each.
  void reload_beside_environments() {
    run("environments", whole() ? 1000 : 200, {"--ready", "message"});
    wait_for_lives(1);
    program.signal(SIGHUP);
    wait_until([&] { return logged("reload done") == 1; });
    if (!sanitized())
      expect_within("daemons with large environments: most memory", peak_memory(program.pid()),
                    idle_memory + 8, "MiB");
    expect_end("daemons with large environments", 8, 0);
  }
  /// Reloads again and again workers that each leave a daemon.
  void reload_daemons(const std::string& how, const std::string& what) {
    // The next worker is started when its daemon is there: whose it is shows by that alone.
    run(how, 1, {"--ready", "message"});
    wait_for_lives(1);
    const int reloads = whole() ? 12 : 3;
    for (int i = 1; i <= reloads; ++i) {
      // The kernel tells when a process began in hundredths of a second.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      program.signal(SIGHUP);
      wait_until([&] { return logged("reload done") == i; });
      for (int worker = 0; worker < 2; ++worker) printed("] done");
    }
    // Two workers, what these have beside them, and who watches over baton.
    constexpr int most = 5;
    // The kernel's list of children is no snapshot: while some end it may show too few once, then all.
    int left = 0;
    wait_until([&] { return (left = children()) <= most; });
    expect_within(what + ": processes", left, most, "");
    expect_end(what, 0, 0);
  }

 private:
  template <class Condition>
  void wait_until(Condition condition) const {
    bool holds = condition();
    for (int i = 0; i < 6000 && !holds; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      holds = condition();
    }
    EXPECT_TRUE(holds) << read_log();
  }
  [[nodiscard]] std::string read_log() const {
    std::ifstream log(log_);
    return {std::istreambuf_iterator<char>(log), {}};
  }
  [[nodiscard]] int logged(const std::string& words) const {
    int count = 0;
    const std::string text = read_log();
    for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
    return count;
  }
  // Those that live.
  [[nodiscard]] int children() const {
    const std::string pid = std::to_string(program.pid());
    std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
    int count = 0;
    for (pid_t child = 0; list >> child;) {
      std::ifstream file("/proc/" + std::to_string(child) + "/stat");
      std::string text;
      std::getline(file, text);
      if (!text.empty() && text[text.rfind(')') + 2] != 'Z') ++count;
    }
    return count;
  }

  std::string log_;
  uint16_t port_ = 0;
};

TEST_F(Grower, CannotFillMemoryWithPlacesWhereItSaysThatItListens) {
  run("listening", whole() ? 300'000 : 20'000);
  wait_for_lives(1);
  expect_bounds("places where a worker says that it listens", 8, 0);
}

TEST_F(Grower, CannotFillMemoryWithKeysOfServers) {
  run("keys", whole() ? 2'000 : 60);
  wait_for_lives(1);
  expect_bounds("keys of servers that nobody has", 24, 0);
}

TEST_F(Grower, CannotFillMemoryWithTheDataOfListeners) {
  run("data", 300);
  wait_for_lives(1);
  expect_bounds("data of listeners", 24, most_listeners);
}

TEST_F(Grower, CannotHaveAnswersKeptThatItDoesNotRead) {
  run("answers", whole() ? 100'000 : 8'000);
  wait_for_lives(1);
  expect_bounds("answers that a worker does not read", 24, 1);
}

TEST_F(Grower, CannotHaveMessagesToItsSiblingsKeptThatItDoesNotRead) {
  run("topics", whole() ? 10'000 : 600);
  wait_for_lives(1);
  expect_bounds("messages for all workers that one does not read", 32, 0);
}

TEST_F(Grower, CannotHaveMessagesKeptThatItHasRead) {
  run("slow", whole() ? 2'000 : 200);
  wait_for_lives(1);
  expect_bounds("messages for all workers that one reads slowly", 48, 0);
}

TEST_F(Grower, CannotHaveSharedListenersSentThatItDoesNotTake) {
  run("shares", whole() ? 20'000 : 2'000, {"--policy", "shared"});
  wait_for_lives(1);
  expect_bounds("shared listeners that a worker does not take", 16, most_shares);
}

TEST_F(Grower, CannotLeaveListenersWithoutEnd) {
  run("listeners");
  wait_for_lives(whole() ? 20 : 4);
  expect_bounds("listeners of many lives", 16, most_listeners);
}

TEST_F(Grower, CannotHaveMoreListenersByGivingThemUp) {
  run("lingers", whole() ? 20'000 : 2'000);
  wait_for_lives(1);
  expect_bounds("listeners that a worker gave up", 16, most_listeners);
}

TEST_F(Grower, CannotHaveHandlesKeptWhoseAcknowledgementsItDoesNotRead) {
  run("unread", whole() ? 200'000 : 15'000);
  wait_for_lives(1);
  expect_bounds("handles without end", 16, most_unread);
}

TEST_F(Grower, CannotHaveDescriptorsKeptOnAFrameThatNeverEnds) {
  run("frame", whole() ? 5'000 : 200);
  wait_for_lives(1);
  expect_bounds("descriptors on a frame that never ends", 0, most_of_a_read);
}

TEST_F(Grower, IsSeenToEndThoughItsOwnEndRidesOnAFrame) {
  run("own_end");
  wait_for_lives(whole() ? 60 : 6);
  expect_bounds("its own end of the channel on a frame", 0, most_of_a_read);
}

TEST_F(Grower, HasTheLimitOfDescriptorsThatBatonWasStartedWithAndBatonHasAll) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit less = before;
  less.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &less), 0);
  run("limit");
  ::setrlimit(RLIMIT_NOFILE, &before);
  printed("[1] limit 1000");
  rlimit now{};
  EXPECT_EQ(::prlimit(program.pid(), RLIMIT_NOFILE, nullptr, &now), 0);
  EXPECT_EQ(now.rlim_cur, before.rlim_max);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Grower, LeavesNoDaemonBehind) { reload_daemons("daemon", "a daemon at each reload"); }

TEST_F(Grower, LeavesNoDaemonBehindThatHidesWhoseItIs) {
  reload_daemons("stranger", "a daemon without our environment");
}

TEST_F(Grower, LeavesNoDaemonBehindThatSaysThatItIsOfAProgramThatDoesNotRun) {
  reload_daemons("beside", "a daemon that says it is of --primary");
}

TEST_F(Grower, LeavesNoDaemonBehindThatSaysThatItIsOfAWorkerThatIsToCome) {
  reload_daemons("later", "a daemon that says it is of a later worker");
}

TEST_F(Grower, CannotFillMemoryWithEnvironmentsOfDaemons) { reload_beside_environments(); }

}  // namespace
}  // namespace baton::test
