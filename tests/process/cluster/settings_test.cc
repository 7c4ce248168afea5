// What a primary starts its workers with.

#include <unistd.h>

#include "process/cluster/cluster_test.h"

namespace baton::test {
namespace {

class Settings : public Cluster {};

TEST_F(Settings, AreTold) {
  start({"--serialization", "advanced", "--silent", "on", "--exec", built("peer"), "script", "hang"});
  primary.say("settings");
  EXPECT_EQ(expect_rest("settings: "),
            std::string("exec ") + built("peer") + " script hang, advanced, silent");
  stop();
}

TEST_F(Settings, AreTheSameForEveryWorkerByDefault) {
  start();
  primary.say("settings");
  EXPECT_EQ(expect_rest("settings: "), "exec worker, json");
  stop();
}

TEST_F(Settings, SilentGivesThePrimaryWhatWorkersWrite) {
  start({"--silent", "on"});
  for (const unsigned worker : {fork(), fork()}) {
    tell(worker, R"({"do":"print"})");
    // In either order.
    EXPECT_EQ(expect_rest(std::to_string(worker) + " prints "), "a word");
    tell(worker, R"({"do":"print"})");
    EXPECT_EQ(expect_rest(std::to_string(worker) + " complains "), "another word");
  }
  stop();
}

TEST_F(Settings, WorkersWriteWhereThePrimaryDoesUnlessItIsSilent) {
  start();
  const unsigned worker = fork();
  tell(worker, R"({"do":"print"})");
  expect("a word");
  EXPECT_EQ(primary.errors.next(), "another word");
  stop();
}

TEST_F(Settings, SayWhereWorkersRun) {
  start({"--silent", "on", "--cwd", "/proc", "--exec", "/bin/pwd"});
  primary.say("fork");
  EXPECT_EQ(expect_rest("1 prints "), "/proc");
  stop();
}

TEST_F(Settings, SayWhoWorkersAre) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  start({"--silent", "on", "--uid", "65534", "--exec", "/usr/bin/id", "-u"});
  primary.say("fork");
  EXPECT_EQ(expect_rest("1 prints "), "65534");
  stop();
}

}  // namespace
}  // namespace baton::test
