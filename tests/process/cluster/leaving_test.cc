// How workers leave: told to, of their own will, by the book.

#include "process/cluster/cluster_test.h"

namespace baton::test {
namespace {

class Leaving : public ClusterOfEither {
 protected:
  void leave(unsigned worker) {
    primary.say("leave " + std::to_string(worker));
    expect(std::to_string(worker) + R"( says "leaving")");
  }
};

INSTANTIATE_TEST_SUITE_P(With, Leaving, either_serialization(), name_of_serialization);

TEST_P(Leaving, AWorkerThatIsToldToEndsWithZeroAndIsMeantTo) {
  start();
  serve(1);
  primary.say("leave 1");
  expect("1 disconnect");
  expect("1 exit: exit code 0, meant");
  stop();
}

TEST_P(Leaving, AWorkerWhoseReferenceIsKeptStillAnswersWhenItIsGone) {
  start();
  serve(1);
  const std::string pid = std::to_string(pid_of(1));
  primary.say("kill 1 9");
  expect("1 exit: killed by SIGKILL");
  expect_that_it_is_gone(1);
  fork();
  primary.say("kept");
  EXPECT_EQ(expect_rest("kept "), pid + ": killed by SIGKILL, send: disconnected");
  // It was told to nobody else.
  stop("baton: channel: send: disconnected");
}

TEST_P(Leaving, AWorkerMayLeaveByItself) {
  start();
  serve(2);
  tell(workers[0], R"({"do":"disconnect"})");
  expect("1 exit: exit code 0, meant");
  EXPECT_EQ(ask_many(10).size(), 1U);
  stop();
}

TEST_P(Leaving, AWorkerMayEndAtOnce) {
  start();
  serve(1);
  const Client open(port);
  open.get("/wait");
  expect(R"(1 says "holds a request")");
  tell(workers[0], R"({"do":"kill"})");
  expect("1 exit: exit code 0, meant");
  stop();
}

TEST_P(Leaving, ARequestInFlightIsAnsweredWithConnectionClose) {
  start();
  serve(2);
  Client waiting(port);
  waiting.get("/wait");
  expect(R"(1 says "holds a request")");
  // The connection that lets it go is the same worker's too.
  ask();
  Client other(port);
  other.get();
  EXPECT_EQ(other.answer(), std::to_string(pid_of(workers[0])));
  leave(workers[0]);
  EXPECT_EQ(ask(), pid_of(workers[1])) << "new connections go elsewhere";
  other.get("/release");
  EXPECT_EQ(other.answer(), std::to_string(pid_of(workers[0])));
  EXPECT_TRUE(other.head.contains("Connection: close\r\n")) << other.head;
  EXPECT_EQ(waiting.answer(), "late");
  EXPECT_TRUE(waiting.head.contains("Connection: close\r\n")) << waiting.head;
  EXPECT_EQ(waiting.rest(), "");
  waiting.close();
  other.close();
  expect("1 exit: exit code 0, meant");
  stop();
}

TEST_P(Leaving, AnAcceptedConnectionWhoseRequestHasNotComeIsWaitedFor) {
  start();
  serve(1);
  Client fresh(port);
  do {
    primary.say("state 1");
  } while (!expect_rest("1 pid ").contains(" accepted 1 "));
  leave(workers[0]);
  // Longer than the grace of one that has had an answer.
  EXPECT_FALSE(fresh.readable(700));
  fresh.get();
  EXPECT_EQ(fresh.answer(), std::to_string(pid_of(workers[0])));
  EXPECT_TRUE(fresh.head.contains("Connection: close\r\n")) << fresh.head;
  EXPECT_EQ(fresh.rest(), "");
  fresh.close();
  expect("1 exit: exit code 0, meant");
  stop();
}

TEST_P(Leaving, AnIdleConnectionIsClosedAfterItsGraceAndMayStillSpeakBefore) {
  start();
  serve(1);
  Client speaks(port);
  speaks.get();
  speaks.answer();
  Client quiet(port);
  quiet.get();
  quiet.answer();
  leave(workers[0]);
  speaks.get();
  EXPECT_EQ(speaks.answer(), std::to_string(pid_of(workers[0])));
  EXPECT_TRUE(speaks.head.contains("Connection: close\r\n")) << speaks.head;
  EXPECT_EQ(speaks.rest(), "");
  speaks.close();
  EXPECT_EQ(quiet.rest(), "");
  quiet.close();
  expect("1 exit: exit code 0, meant");
  stop();
}

TEST_P(Leaving, OtherConnectionsAreWaitedForUntilTheyAreClosed) {
  start();
  const unsigned worker = fork();
  port = order(worker, R"({"do":"hold","port":0})");
  Client held(port);
  EXPECT_EQ(held.until("\n"), std::to_string(pid_of(worker)) + "\n");
  leave(worker);
  EXPECT_FALSE(held.readable(500));
  held.close();
  expect("1 exit: exit code 0, meant");
  stop();
}

TEST_P(Leaving, ConnectionsThatComeMeanwhileWaitForTheNextWorker) {
  start();
  serve(1);
  leave(workers[0]);
  expect("1 exit: exit code 0, meant");
  Client early(port);
  early.get();
  const unsigned next = fork();
  EXPECT_EQ(order(next, R"({"do":"serve","port":0})"), port);
  EXPECT_EQ(early.answer(), std::to_string(pid_of(next)));
  early.close();
  stop();
}

TEST_P(Leaving, AClusterWithoutWorkersIsAtItsEndAtOnce) {
  start();
  stop();
}

}  // namespace
}  // namespace baton::test
