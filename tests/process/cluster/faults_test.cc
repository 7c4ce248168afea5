// Workers that die, stop, starve or never answer: no connection is lost, and none has two owners.

#include <signal.h>

#include <algorithm>

#include "process/cluster/cluster_test.h"
#include "support/signal_one.h"

namespace baton::test {
namespace {

class Faults : public ClusterOfEither {
 protected:
  // A worker that joins as Node's do, listens on `port`, and then reads nothing and answers nothing.
  unsigned fork_mute() {
    primary.say("fork 0");
    const std::string forked = primary.output.next().value_or("");
    const auto id = static_cast<unsigned>(std::atoi(forked.c_str()));
    expect(std::to_string(id) + " listening *:" + std::to_string(port));
    return id;
  }
  static std::vector<std::string> mute_after(const std::string& port) {
    const std::string query =
        R"("index":0,"data":null,"address":null,"port":)" + port + R"(,"addressType":4,"backlog":0)";
    return {"--exec",
            built("peer"),
            "script",
            "line",
            R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})",
            "line",
            R"({"cmd":"NODE_CLUSTER","act":"queryServer",)" + query + R"(,"seq":1})",
            "line",
            R"({"cmd":"NODE_CLUSTER","act":"listening",)" + query + R"(,"seq":2})",
            "hang"};
  }
};

INSTANTIATE_TEST_SUITE_P(With, Faults, either_serialization(), name_of_serialization);

TEST_P(Faults, WhatAKilledWorkerHadNotAcceptedIsAnsweredByAnother) {
  start();
  serve(2);
  const pid_t stopped = pid_of(workers[0]);
  const pid_t other = pid_of(workers[1]);
  signal_one(stopped, SIGSTOP);
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(port);
    clients.back().get("/", "Connection: close\r\n");
  }
  // Some are in the hands of the one that is stopped; it dies without having answered.
  for (unsigned held = 0; held < 4;) {
    primary.say("state 1");
    const std::string state = expect_rest("1 pid ");
    held = static_cast<unsigned>(std::atoi(state.substr(state.find("in flight ") + 10).c_str()));
  }
  signal_one(stopped, SIGKILL);
  for (Client& client : clients) EXPECT_EQ(client.answer(), std::to_string(other));
  primary.say("totals");
  expect("in flight 0, requeued 4");
  clients.clear();
  stop();
}

TEST_P(Faults, AStoppedWorkerKeepsWhatItWasHandedUntilItGoesOn) {
  start();
  serve(2);
  const pid_t stopped = pid_of(workers[0]);
  signal_one(stopped, SIGSTOP);
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(port);
    clients.back().get("/", "Connection: close\r\n");
  }
  // The other one goes on answering.
  std::size_t answered = 0;
  for (Client& client : clients) {
    if (client.readable(200)) ++answered;
  }
  EXPECT_GE(answered, 3U);
  signal_one(stopped, SIGCONT);
  for (Client& client : clients) EXPECT_NE(client.answer(), "");
  clients.clear();
  stop();
}

TEST_P(Faults, AWorkerThatDoesNotAnswerInTimeIsKilledAndItsConnectionsAreAnsweredByAnother) {
  start({"--hang", "200"});
  serve(2);
  const pid_t other = pid_of(workers[1]);
  signal_one(pid_of(workers[0]), SIGSTOP);
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(port);
    clients.back().get("/", "Connection: close\r\n");
  }
  for (Client& client : clients) EXPECT_EQ(client.answer(), std::to_string(other));
  expect("1 hangs");
  expect("1 exit: killed by SIGKILL");
  clients.clear();
  stop();
}

TEST_P(Faults, ABusyWorkerThatAnswersInTimeIsLeftAlone) {
  start({"--hang", "2000"});
  serve(1);
  tell(workers[0], R"({"do":"block","ms":500})");
  EXPECT_EQ(ask(), pid_of(workers[0]));
  stop();
}

TEST_P(Faults, AtItsLimitOfConnectionsAWorkerMakesNobodySpin) {
  start();
  serve(2, R"(,"max":1)");
  const pid_t pid = primary.pid();
  std::vector<Client> held;
  for (int i = 0; i < 2; ++i) {
    held.emplace_back(port);
    held.back().get();
    held.back().answer();
  }
  std::vector<Client> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(port);
    waiting.back().get("/", "Connection: close\r\n");
  }
  const long before = cpu_milliseconds(pid);
  EXPECT_FALSE(waiting[0].readable(500)) << "nobody has room";
  EXPECT_LT(cpu_milliseconds(pid) - before, sanitized() ? 250 : 50);
  held.clear();
  for (Client& client : waiting) {
    EXPECT_NE(client.answer(), "");
    client.close();
  }
  stop();
}

TEST_P(Faults, WorkersAtTheirLimitOfDescriptorsLoseNobody) {
  start();
  serve(2);
  for (const unsigned worker : workers) {
    tell(worker, R"({"do":"limit","descriptors":24})");
    expect(std::to_string(worker) + R"( says "limited")");
  }
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(port);
    clients.back().get("/", "Connection: close\r\n");
  }
  for (Client& client : clients) {
    EXPECT_NE(client.answer(), "");
    client.close();
  }
  stop("baton: channel: receive: ");
}

TEST_P(Faults, AWorkerThatClosesItsChannelWithConnectionsInHandIsEnded) {
  // It reads nothing, finishes its end of the channel, and lives on.
  auto arguments = mute_after("0");
  arguments.back() = "close";
  arguments.emplace_back("hang");
  start(arguments);
  primary.say("fork 0");
  // Nothing was handed to it, so that nothing forces it to end.
  expect("1 disconnect");
  primary.say("kill 1 9");
  expect("1 exit: killed by SIGKILL");
  primary.say("leave");
  expect("all gone");
  EXPECT_EQ(primary.end(), "exit 0");
}

TEST_P(Faults, TheEndOfThePrimaryEndsItsWorkers) {
  start();
  serve(2);
  const pid_t first = pid_of(workers[0]);
  const pid_t second = pid_of(workers[1]);
  primary.signal(SIGKILL);
  EXPECT_EQ(primary.end(), "signal 9");
  EXPECT_EQ(collect(first), "exit 0");
  EXPECT_EQ(collect(second), "exit 0");
}

TEST_P(Faults, AProgramThatIsNoWorkerCostsThePrimaryNothing) {
  start({"--exec", built("peer"), "script", "line", R"(no json)", "line",
         R"({"cmd":"NODE_CLUSTER","act":"queryServer"})", "line",
         R"({"cmd":"NODE_CLUSTER","ack":77,"accepted":true,"seq":1})", "line",
         R"({"cmd":"NODE_CLUSTER","accepted":[1,2,3],"refused":["x"]})"});
  primary.say("fork 0");
  expect("1 exit: exit code 0");
  primary.say("totals");
  expect("in flight 0, requeued 0");
  primary.say("leave");
  expect("all gone");
  EXPECT_EQ(primary.end(), "exit 0");
}

}  // namespace
}  // namespace baton::test
