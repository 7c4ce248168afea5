// The program `cluster_hello`, used as its users do: by its command line, its port and its signals; and as a
// worker of whoever starts it.

#include <signal.h>

#include <algorithm>
#include <set>

#include "process/cluster/cluster_test.h"

namespace baton::test {
namespace {

class ClusterHello : public Cluster {
 protected:
  // Starts it on a free port and waits for its line.
  void start_hello(unsigned count, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"--port", "0", "--workers", std::to_string(count)};
    std::ranges::move(more, std::back_inserter(arguments));
    primary = Program(built("cluster_hello"), arguments);
    said = primary.output.next().value_or("nothing");
    port = static_cast<uint16_t>(std::atoi(said.c_str() + said.find("]:") + 2));
  }
  void end_hello(int signal_number = SIGTERM, const std::string& how = "exit 0") {
    primary.signal(signal_number);
    EXPECT_EQ(primary.end(), how);
  }
  // Standard error, of one that does not start.
  static std::string complaint(const std::vector<std::string>& arguments, const std::string& exit) {
    Program program(built("cluster_hello"), arguments);
    EXPECT_EQ(program.end(), exit);
    EXPECT_TRUE(program.output.rest().empty());
    const auto lines = program.errors.rest();
    EXPECT_EQ(lines.size(), 1U);
    return lines.empty() ? "" : lines.front();
  }

  std::string said;
};

TEST_F(ClusterHello, SaysWhereItListensOnceEveryWorkerServes) {
  start_hello(3);
  EXPECT_EQ(said, "listening on [::]:" + std::to_string(port) + " (3 workers)");
  end_hello();
}

TEST_F(ClusterHello, AnswersWithThePidsOfItsWorkersInTurn) {
  start_hello(3);
  const auto counts = ask_many(30);
  EXPECT_EQ(counts.size(), 3U);
  for (const auto& [pid, count] : counts) {
    EXPECT_EQ(count, 10);
    EXPECT_NE(pid, primary.pid());
  }
  end_hello();
}

TEST_F(ClusterHello, AnswersSlowRequestsAfterTheirTime) {
  start_hello(1);
  Client client(port);
  client.get("/slow?ms=150");
  EXPECT_FALSE(client.readable(100));
  EXPECT_NE(client.answer(), "");
  client.close();
  end_hello();
}

TEST_F(ClusterHello, ReplacesAWorkerThatCrashes) {
  start_hello(2);
  const auto before = ask_many(4);
  Client client(port);
  client.get("/crash");
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(primary.errors.next().value_or("").contains("SIGABRT"));
  // The next ones are answered, by the one that is left and by its new fellow.
  std::set<pid_t> now;
  while (now.size() < 2) now.insert(ask());
  EXPECT_FALSE(std::ranges::equal(now, before, {}, {}, [](const auto& entry) { return entry.first; }));
  end_hello();
}

TEST_F(ClusterHello, DrainsAtSigterm) {
  start_hello(2);
  Client slow(port);
  slow.get("/slow?ms=200");
  ask();  // which is accepted after it
  primary.signal(SIGTERM);
  EXPECT_NE(slow.answer(), "");
  EXPECT_TRUE(slow.head.contains("Connection: close\r\n"));
  slow.close();
  EXPECT_EQ(primary.end(), "exit 0");
}

TEST_F(ClusterHello, ASecondSignalEndsItAtOnce) {
  start_hello(1);
  Client slow(port);
  slow.get("/slow?ms=3600000");
  ask();
  primary.signal(SIGTERM);
  EXPECT_FALSE(slow.readable(100)) << "it drains";
  end_hello(SIGTERM, "exit 143");
  EXPECT_EQ(slow.rest(), "");
}

TEST_F(ClusterHello, ReloadsAtSighupWithoutLosingARequest) {
  start_hello(2);
  const auto before = ask_many(2);
  primary.signal(SIGHUP);
  for (bool replaced = false; !replaced;) {
    const auto now = ask_many(4);
    replaced = std::ranges::none_of(now, [&](const auto& entry) { return before.contains(entry.first); });
  }
  end_hello();
}

TEST_F(ClusterHello, EveryPolicyAnswers) {
  for (const char* policy : {"rr", "shared", "reuse-port", "least-loaded", "sticky", "sticky:header=X"}) {
    start_hello(2, {"--policy", policy});
    int answers = 0;
    for (const auto& [pid, count] : ask_many(10)) answers += count;
    EXPECT_EQ(answers, 10) << policy;
    end_hello();
  }
}

TEST_F(ClusterHello, ExplainsItself) {
  Program program(built("cluster_hello"), {"--help"});
  EXPECT_EQ(program.end(), "exit 0");
  const auto lines = program.output.rest();
  for (const char* option : {"--port", "--workers", "--policy", "--headers-timeout"}) {
    EXPECT_TRUE(std::ranges::any_of(lines, [&](const auto& line) { return line.contains(option); }))
        << option;
  }
}

TEST_F(ClusterHello, SaysInOneLineWhatIsWrong) {
  EXPECT_TRUE(complaint({"--workers", "0"}, "exit 2").contains("--workers"));
  EXPECT_TRUE(complaint({"--policy", "best"}, "exit 2").contains("round-robin"));
  EXPECT_TRUE(complaint({"extra"}, "exit 2").contains("extra"));
}

TEST_F(ClusterHello, ATakenPortIsItsEnd) {
  start_hello(1);
  const std::string line = complaint({"--port", std::to_string(port), "--workers", "2"}, "exit 1");
  EXPECT_TRUE(line.contains(std::to_string(port))) << line;
  EXPECT_TRUE(line.contains("address already in use; held by process ")) << line;
  end_hello();
}

TEST_F(ClusterHello, IsAWorkerOfWhoeverStartsItAndIgnoresWhatNodeAdds) {
  start({"--exec", built("cluster_hello"), "/srv/script.js", "--inspect-port=9231", "--port", "0", "more"});
  unsigned id = fork();
  const std::string where = expect_rest(std::to_string(id) + " listening ");
  EXPECT_EQ(where.substr(0, 2), "*:");
  port = static_cast<uint16_t>(std::atoi(where.c_str() + 2));
  EXPECT_EQ(ask(), pid_of(id));
  stop();
}

TEST_F(ClusterHello, AsAWorkerLeavesByTheBookWhenSignalled) {
  start({"--exec", built("cluster_hello"), "--port", "0"});
  fork();
  const std::string where = expect_rest("1 listening ");
  port = static_cast<uint16_t>(std::atoi(where.c_str() + 2));
  Client slow(port);
  slow.get("/slow?ms=200");
  ask();
  primary.say("kill 1 15");
  EXPECT_NE(slow.answer(), "");
  slow.close();
  expect("1 exit: exit code 0, meant");
  stop();
}

}  // namespace
}  // namespace baton::test
