// Node's own tests of how workers of a cluster end, each in the three columns. The comment of a test names
// the files of Node's test/parallel whose claim it proves.

#include <signal.h>
#include <unistd.h>

#include <set>

#include "interop/cluster/scenario.h"

namespace baton::test {
namespace {

class ScenarioEnd : public Scenario {
 protected:
  /// Until no process has that number any more, or only its remains.
  static void expect_no_process(pid_t pid) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(patience_seconds);
    while (::kill(pid, 0) == 0) {
      if (std::chrono::steady_clock::now() > end) FAIL() << pid << " lives on";
      ::waitpid(pid, nullptr, WNOHANG);
      ::usleep(1000);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Of, ScenarioEnd, all_columns(), name_of_column);

// cluster-worker-death, cluster-worker-exit, cluster-worker-isdead, cluster-worker-isconnected (what is
// there, and is not, is part of each line)
TEST_P(ScenarioEnd, AWorkersOwnExitIsOneDisconnectAndOneExitAndNotMeant) {
  begin();
  const unsigned id = worker();
  tell(id, R"({"do":"exit","code":42})");
  expect_of(id, "disconnect");
  expect_of(id, "exit: exit code 42");
  stop();
}

// cluster-worker-kill, cluster-worker-kill-signal
TEST_P(ScenarioEnd, AKilledWorkerIsOneDisconnectAndOneExitWithItsSignal) {
  begin();
  for (const auto& [number, name] : {std::pair(SIGKILL, "SIGKILL"), std::pair(SIGTERM, "SIGTERM")}) {
    const unsigned id = worker();
    primary.say("kill " + std::to_string(id) + " " + std::to_string(number));
    expect_of(id, "disconnect");
    expect_of(id, std::string("exit: killed by ") + name);
  }
  stop();
}

// cluster-kill-infinite-loop
TEST_P(ScenarioEnd, AWorkerThatLoopsForEverIsKilled) {
  begin();
  const unsigned id = worker();
  const pid_t pid = pid_of(id);
  tell(id, R"({"do":"loop"})");
  const long before = cpu_milliseconds(pid);
  while (cpu_milliseconds(pid) < before + 100) ::usleep(1000);
  primary.say("kill " + std::to_string(id) + " 15");
  expect_of(id, "exit: killed by SIGTERM");
  stop();
}

// cluster-call-and-destroy, cluster-kill-disconnect
TEST_P(ScenarioEnd, AWorkerMayEndItselfInTheMiddle) {
  begin();
  const unsigned id = worker();
  (void)hold(id);
  tell(id, R"({"do":"kill"})");
  expect_of(id, "exit: exit code 0, meant");
  stop();
}

// cluster-worker-destroy
TEST_P(ScenarioEnd, AWorkerMayEndItselfConnectedOrNot) {
  begin();
  for (const std::string how : {"kill", "disconnect and kill"}) {
    const unsigned id = worker();
    tell(id, R"({"do":")" + how + "\"}");
    expect_of(id, "disconnect");
    expect_of(id, "exit: exit code 0, meant");
  }
  stop();
}

// cluster-worker-disconnect-on-error
TEST_P(ScenarioEnd, AWorkerMayLeaveWhenItCannotListen) {
  begin();
  const Fd taken = tcp_listener();
  const unsigned id = worker();
  const std::string there = R"("host":"127.0.0.1",)" + at(port_of(taken.get()));
  EXPECT_TRUE(is_taken(said(id, R"({"do":"hold","failing":"disconnect",)" + there + "}")));
  expect_of(id, "exit: exit code 0, meant");
  stop("baton: channel: listen");
}

// cluster-ipc-throw
TEST_P(ScenarioEnd, AWorkerThatLeavesAndThrowsWhenItCannotListenEndsWithOne) {
  begin();
  const Fd taken = tcp_listener();
  const unsigned id = worker();
  const std::string there = R"("host":"127.0.0.1",)" + at(port_of(taken.get()));
  EXPECT_TRUE(is_taken(said(id, R"({"do":"hold","failing":"throw",)" + there + "}")));
  EXPECT_TRUE(expect_rest(std::to_string(id) + " exit: ").starts_with("exit code 1"));
  EXPECT_NE(hold(worker()), 0);
  primary.say("leave");
  expect("all gone");
  EXPECT_EQ(primary.end(), "exit 0");
}

// cluster-worker-forced-exit, cluster-process-disconnect
TEST_P(ScenarioEnd, AWorkerThatLosesItsChannelIsEndedWhateverItHasOpen) {
  begin();
  const unsigned id = worker();
  const Client open(hold(id));
  tell(id, R"({"do":"disconnect the process"})");
  expect_of(id, "disconnect");
  expect_of(id, "exit: exit code 0");
  stop();
}

// cluster-worker-no-exit, cluster-worker-wait-server-close, cluster-worker-disconnect
TEST_P(ScenarioEnd, AWorkerThatIsToldToLeaveOrLeavesWaitsForItsConnections) {
  begin();
  for (const bool told : {true, false}) {
    const unsigned id = worker();
    const uint16_t where = hold(id);
    Client open(where);
    EXPECT_EQ(open.until("\n"), std::to_string(pid_of(id)) + "\n");
    if (told) {
      primary.say("leave " + std::to_string(id));
    } else {
      tell(id, R"({"do":"disconnect"})");
    }
    // It is still there, and its connection too: two rounds of the primary's.
    for (int i = 0; i < 2; ++i) EXPECT_NE(pid_of(id), 0);
    EXPECT_FALSE(open.readable(100));
    open.close();
    expect_of(id, "exit: exit code 0, meant");
  }
  stop();
}

// cluster-disconnect-idle-worker, cluster-concurrent-disconnect
TEST_P(ScenarioEnd, ManyIdleWorkersLeaveAtOnce) {
  begin();
  for (int i = 0; i < 8; ++i) (void)worker();
  stop();
}

// cluster-disconnect-leak
TEST_P(ScenarioEnd, AWorkerThatIsAboutToListenLeavesToo) {
  begin();
  const unsigned id = worker();
  tell(id, R"({"do":"hold","port":0})");
  primary.say("leave " + std::to_string(id));
  expect_of(id, "exit: exit code 0, meant");
  stop();
}

// cluster-disconnect-race
TEST_P(ScenarioEnd, TheOthersLeaveWhileOneLeavesByItself) {
  begin();
  const unsigned first = worker();
  const unsigned second = worker();
  (void)hold(first);
  (void)hold(second);
  tell(first, R"({"do":"disconnect"})");
  primary.say("leave " + std::to_string(second));
  std::set<std::string> ends;
  while (ends.size() < 2) {
    const auto line = primary.output.next();
    ASSERT_TRUE(line);
    if (line->contains(" exit: ")) ends.insert(*line);
  }
  EXPECT_EQ(ends, (std::set<std::string>{"1 exit: exit code 0, meant", "2 exit: exit code 0, meant"}));
  stop();
}

// cluster-disconnect-unshared-tcp, cluster-disconnect-unshared-udp
TEST_P(ScenarioEnd, AWorkerThatListensOnNothingLeavesBeforeTheOneThatDoes) {
  begin();
  for (const std::string bound : {"hold", "udp"}) {
    const unsigned unbound = worker();
    EXPECT_NE(order(worker(), R"({"do":")" + bound + R"(","port":0})"), 0);
    primary.say("leave " + std::to_string(unbound));
    expect_of(unbound, "exit: exit code 0, meant");
    primary.say("empty");
    expect("empty");
  }
  stop();
}

// The same, where the socket is the worker's own.
TEST_P(ScenarioEnd, AWorkerWithASocketOfItsOwnLeaves) {
  if (!ours()) GTEST_SKIP() << "a worker of Node that leaves closes only what its cluster knows of";
  begin();
  const unsigned id = worker();
  EXPECT_NE(hold(id, R"("port":0,"exclusive":1)"), 0);
  EXPECT_NE(order(id, R"({"do":"udp","port":0,"reuse_port":1})"), 0);
  primary.say("leave " + std::to_string(id));
  expect_of(id, "exit: exit code 0, meant");
  stop();
}

// cluster-disconnect, and that listeners outlive workers afterwards as before
TEST_P(ScenarioEnd, APrimaryForksAgainAfterItsClusterWasDisconnected) {
  begin();
  for (int round = 0; round < 2; ++round) {
    port = 0;
    const unsigned id = worker();
    port = hold(id);
    EXPECT_EQ(greeted(port), pid_of(id));
    primary.say("empty");
    expect("empty");
    EXPECT_TRUE(refuses(port));
  }
  if (!GetParam().our_primary) return stop();
  const unsigned id = worker();
  port = hold(id);
  primary.say("kill " + std::to_string(id) + " 9");
  expect_of(id, "exit: killed by SIGKILL");
  Client waits(port);
  const unsigned next = worker();
  (void)hold(next);
  EXPECT_EQ(waits.until("\n"), std::to_string(pid_of(next)) + "\n");
  waits.close();
  stop();
}

// cluster-disconnect-before-exit
TEST_P(ScenarioEnd, WhoHasBeenToldOrHasEndedIsToldOnceMoreForNothing) {
  if (!GetParam().our_primary)
    GTEST_SKIP() << "Node's primary dies of it when the channel breaks at that moment";
  begin();
  const unsigned first = worker();
  tell(first, R"({"do":"exit","code":1})");
  primary.say("empty");
  expect("empty");
  const unsigned second = worker();
  primary.say("leave " + std::to_string(second));
  stop();
}

// cluster-primary-error
TEST_P(ScenarioEnd, APrimaryThatThrowsEndsWithOneAndItsWorkersEndToo) {
  begin();
  const pid_t pid = pid_of(worker());
  primary.say("throw");
  EXPECT_EQ(primary.end(), "exit 1");
  expect_no_process(pid);
  primary = Program();
}

// cluster-primary-kill
TEST_P(ScenarioEnd, TheWorkersOfAKilledPrimaryEnd) {
  begin();
  const unsigned id = worker();
  const pid_t pid = pid_of(id);
  (void)hold(id);
  primary.signal(SIGKILL);
  EXPECT_EQ(primary.end(), "signal 9");
  expect_no_process(pid);
  primary = Program();
}

// cluster-invalid-message
TEST_P(ScenarioEnd, AMessageOfTheClusterThatMeansNothingHurtsNobody) {
  begin();
  const unsigned id = worker();
  EXPECT_EQ(said(id, R"({"do":"send nonsense"})"), "\"still here\"");
  EXPECT_NE(hold(id), 0);
  stop("baton: channel: cluster: an unknown act");
}

// cluster-fork-env
TEST_P(ScenarioEnd, AWorkerHasTheEnvironmentThatItWasForkedWith) {
  begin();
  const unsigned id = worker_with("custom-value");
  EXPECT_EQ(said(id, R"({"do":"env"})"), "\"custom-value\"");
  EXPECT_EQ(said(worker(), R"({"do":"env"})"), "\"none\"");
  stop();
}

// cluster-fork-stdio
TEST_P(ScenarioEnd, AWorkerHasTheStreamsThatItWasForkedWith) {
  begin(StartOptions().variable("PIPE", "1"));
  const unsigned id = worker();
  EXPECT_EQ(said(id, R"({"do":"copy the pipe"})"), "\"copying\"");
  primary.say("pipe " + std::to_string(id));
  expect_of(id, "pipes a word");
  tell(id, R"({"do":"exit","code":0})");
  stop();
}

// child-process-send-utf8
TEST_P(ScenarioEnd, AMessageOfManyUtf8CharactersComesBackAsItIs) {
  begin();
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "\u00df\u4e2d\U0001f600";
  const std::string order = R"({"do":"echo","text":")" + text + "\"}";
  EXPECT_EQ(said(worker(), order), order);
  stop();
}

}  // namespace
}  // namespace baton::test
