// Callbacks that throw, in the primary and in a worker.

#include "process/cluster/cluster_test.h"

namespace baton::test {
namespace {

class ClusterExceptions : public Cluster {
 protected:
  /// Connections that the worker has, once there are so many.
  void expect_connections(unsigned worker, const std::string& count) {
    const std::string said = std::to_string(worker) + " says ";
    std::string got;
    while (got != count) {
      tell(worker, R"({"do":"connections"})");
      got = expect_rest(said);
      ASSERT_FALSE(got.empty());
    }
  }
};

TEST_F(ClusterExceptions, OfEveryCallbackOfThePrimaryLoseNoEventAndLeaveNoDeadWorker) {
  start({"--throw", "on"});
  const unsigned first = fork();
  const unsigned second = fork();
  port = order(first, R"({"do":"serve","port":0})");
  EXPECT_EQ(order(second, R"({"do":"serve","port":0})"), port);
  EXPECT_EQ(ask_many(4).size(), 2U);
  primary.say("kill 1 9");
  EXPECT_EQ(expect_rest("1 exit: "), "killed by SIGKILL");
  expect_that_it_is_gone(first);
  EXPECT_EQ(ask_many(2).size(), 1U);
  stop();
}

TEST_F(ClusterExceptions, OfTheProgramsOwnChoiceGiveTheConnectionToTheFirst) {
  start({"--policy", "thrower", "--throw", "on"});
  serve(2);
  EXPECT_EQ(ask_many(3).size(), 1U);
  stop();
}

TEST_F(ClusterExceptions, OfWhatServesAConnectionLetTheOthersThatWaitThereThrough) {
  start();
  const unsigned worker = fork();
  const uint16_t there = order(worker, R"({"do":"hold","host":"127.0.0.1","port":0,"late":1})");
  ASSERT_NE(there, 0);
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(there);
  expect_connections(worker, "\"5\"");
  tell(worker, R"({"do":"take","throw":1})");
  EXPECT_EQ(expect_rest("1 says "), "\"serve a connection: not the first: an exception that nobody caught\"");
  EXPECT_EQ(clients[0].rest(), "");
  const std::string greeting = std::to_string(pid_of(worker)) + "\n";
  for (size_t i = 1; i < clients.size(); ++i) EXPECT_EQ(clients[i].until("\n"), greeting);
  // And so are those that come after it.
  EXPECT_EQ(Client(there).until("\n"), greeting);
  clients.clear();
  stop();
}

}  // namespace
}  // namespace baton::test
