// A supervisor keeps real programs alive, and ends them with everything that is theirs.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "process/supervisor/host.h"
#include "support/signal_one.h"

namespace baton::test {
namespace {

const std::vector<std::string> alive = Host::ready_when_alive();

std::vector<std::string> with(std::vector<std::string> options, const std::vector<std::string>& more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

TEST(Supervisor, RunsAnyProgramAndTellsItItsSocketsItsChannelAndItsNumber) {
  Host host(alive, Host::shell("echo fds=$LISTEN_FDS names=$LISTEN_FDNAMES channel=$NODE_CHANNEL_FD "
                               "id=$NODE_UNIQUE_ID; [ $LISTEN_PID = $$ ] && echo my pid; "
                               "[ -S $NOTIFY_SOCKET ] && echo a notify socket; exec sleep 1000"));
  EXPECT_EQ(host.until("fds="), "[1] 1: fds=1 names=web channel=4 id=1");
  host.until("my pid");
  host.until("a notify socket");
  host.until("ready after");
  EXPECT_TRUE(host.until("listening on").contains("listening on 127.0.0.1:"));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(Supervisor, ReplacesAWorkerThatEndsByItselfAlsoWithZero) {
  Host host(with(alive, {"--min-uptime", "0"}), Host::shell("sleep 0.01; exit 0"));
  for (int i = 0; i < 3; ++i) host.until("exit code 0");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(Supervisor, GivesUpWhenWorkersDieTooSoonAgainAndAgain) {
  Host host({"--listen", "0", "--min-uptime", "30", "--max-restarts", "3", "--workers", "2"},
            Host::shell("sleep 0.04; exit 7"));
  const std::string last = host.until("end: ");
  EXPECT_TRUE(last.starts_with("end: 3 unstable deaths of one worker within 1 min; the last: worker "))
      << last;
  EXPECT_TRUE(last.contains("exit code 7")) << last;
  EXPECT_EQ(host.end(), "exit 4");
}

TEST(Supervisor, SaysAfterThreeTriesThatNoWorkerWasEverReady) {
  Host host({"--workers", "2", "--max-restarts", "1"}, Host::shell("exit 3"));
  const std::string last = host.until("end: ");
  EXPECT_TRUE(last.starts_with("end: no worker was ever ready; the last of 3 tries: worker ")) << last;
  EXPECT_TRUE(last.contains("exit code 3, before it was ready")) << last;
  EXPECT_GE(host.count("started"), 6U);
  EXPECT_EQ(host.end(), "exit 3");
}

TEST(Supervisor, EndsAWorkerThatIsNotReadyInTime) {
  Host host({"--listen-timeout", "30", "--ready", "listening"}, Host::shell("sleep 1000"));
  for (int i = 0; i < 3; ++i) host.until("killed by SIGTERM (not ready within 30 ms)");
  host.until("end: no worker was ever ready");
  EXPECT_EQ(host.end(), "exit 3");
}

TEST(Supervisor, SaysThatThereIsNoSuchProgram) {
  Host host({}, {"/nowhere/at/all"});
  EXPECT_EQ(host.until("end: "),
            "end: spawn /nowhere/at/all: execve /nowhere/at/all: no such file or directory");
  EXPECT_EQ(host.end(), "exit 5");
}

TEST(Supervisor, SaysThatAProgramCannotBeExecuted) {
  Host host({}, {"/etc/passwd"});
  EXPECT_TRUE(host.until("end: ").contains("permission denied"));
  EXPECT_EQ(host.end(), "exit 6");
}

TEST(Supervisor, SaysWhichListenerCouldNotBeOpened) {
  Host first(alive, Host::shell("exec sleep 1000"));
  const std::string port = std::to_string(first.number_after("listening on 127.0.0.1:"));
  Host second({"--listen", port}, Host::shell("exec sleep 1000"));
  const std::string last = second.until("end: ");
  EXPECT_TRUE(
      last.starts_with("end: listen 127.0.0.1:" + port + ": bind: address already in use; held by process "))
      << last;
  EXPECT_TRUE(
      last.contains("(sleep 1000), a worker of the baton of pid " + std::to_string(first.program.pid())))
      << last;
  EXPECT_EQ(second.end(), "exit 2");
}

TEST(Supervisor, EndsAWorkerOutsideTheProtocolBySigterm) {
  Host host(alive, Host::shell("trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.01; done"));
  host.until("up");
  host.until("ready after");
  host.say("stop");
  host.until("asked");
  host.until("exit code 0, told to stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(Supervisor, KillsTheWholeTreeOfAWorkerThatDoesNotStop) {
  Host host(with(alive, {"--kill-timeout", "100"}),
            Host::shell(
                "trap '' TERM; sh -c 'echo child=$$; setsid sh -c \"echo own_session=\\$\\$; sleep 1000\" & "
                "sleep 1000' & echo up; while :; do sleep 1000; done"));
  const pid_t child = host.number_after("child=");
  const pid_t own_session = host.number_after("own_session=");
  host.say("stop");
  host.until("killed by SIGKILL, told to stop (not gone 100 ms after it was told to stop)");
  EXPECT_EQ(host.end(), "exit 0");
  EXPECT_FALSE(lives(child));
  EXPECT_FALSE(lives(own_session));
}

TEST(Supervisor, EndsWhatAWorkerLeavesBehind) {
  Host host(alive, Host::shell("sleep 1000 & echo left=$!; exec sleep 1000"));
  const pid_t left = host.number_after("left=");
  host.until("ready after");
  const pid_t worker = [&] {
    host.say("snapshot");
    return host.number_after("1:ready:");
  }();
  signal_one(worker, SIGKILL);
  host.until("killed by SIGKILL");
  expect_end_of(left);
  EXPECT_GT(host.number_after("left="), left);
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(Supervisor, KillsWhatAWorkerLeavesBehindAndWillNotEnd) {
  Host host(
      with(alive, {"--kill-timeout", "50"}),
      Host::shell("sh -c 'trap \"\" TERM; echo left=$$; while :; do sleep 1000; done' & exec sleep 1000"));
  const pid_t left = host.number_after("left=");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
  EXPECT_FALSE(lives(left));
}

TEST(Supervisor, EndsADaemonOfAWorkerWithTheLastWorker) {
  // Its parent ends at once, and it leads a session of its own: only the new parent knows of it.
  Host host(alive, Host::shell("(setsid sh -c 'echo daemon=$$; exec sleep 1000' &); exec sleep 1000"));
  const pid_t daemon = host.number_after("daemon=");
  host.until("ready after");
  EXPECT_TRUE(lives(daemon));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
  EXPECT_FALSE(lives(daemon));
}

TEST(Supervisor, CollectsOrphansAndNoStatusOfItsOwnChildren) {
  Host host(with(alive, {"--min-uptime", "0"}),
            Host::shell("for i in 1 2 3 4 5; do (sleep 0.0$i &) ; done; sleep 0.1; exit 5"));
  for (int i = 0; i < 5; ++i) host.until("exit code 5");
  host.say("stop");
  host.until("end: ");
  EXPECT_EQ(host.count("unknown exit status"), 0U);
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(Supervisor, KillsEverythingWhenItIsTold) {
  Host host(alive, Host::shell("trap '' TERM; sleep 1000 & echo child=$!; while :; do sleep 1000; done"));
  const pid_t child = host.number_after("child=");
  host.say("stop");
  host.until("told to stop");
  host.say("kill");
  EXPECT_EQ(host.end(), "exit 1");
  EXPECT_FALSE(lives(child));
}

TEST(Supervisor, DeliversWhatWorkersWriteInLinesTheLastOneToo) {
  Host host(alive, Host::shell("echo out; echo err >&2; echo from > /dev/stdout; printf unfinished; echo "
                               "written >&2; exec sleep 1000"));
  host.until("ready after");
  host.until("1: from");
  host.until("2: written");
  host.say("stop");
  host.until("[1] 1- unfinished");
  EXPECT_EQ(host.end(), "exit 0");
  EXPECT_EQ(host.count("[1] 2: err"), 1U);
}

TEST(Supervisor, LeavesNoDescriptorAndNoProcessHoweverOftenWorkersDie) {
  Host host(with(alive, {"--workers", "3", "--min-uptime", "0"}), Host::shell("echo up; exec sleep 1000"));
  const auto kinds = [&] {
    std::multiset<std::string> all;
    for (const std::string& name : host.program.descriptors()) all.insert(name.substr(0, name.find(':')));
    // Of whoever looks at processes at this moment.
    std::erase_if(all, [](const std::string& name) { return name.starts_with("/proc"); });
    return all;
  };
  host.until("listening");
  for (int i = 0; i < 3; ++i) host.until("ready after");
  const auto before = kinds();
  for (int i = 0; i < 30; ++i) {
    host.say("snapshot");
    const pid_t worker = host.number_after(" " + std::to_string(i % 3 + 1) + ":ready:");
    signal_one(worker, SIGKILL);
    host.until("killed by SIGKILL");
    host.until("ready after");
  }
  // Its descendants are looked for beside the loop, and its output is open so long.
  for (int i = 0; i == 0 || (i < 1000 && kinds() != before); ++i) {
    host.say("snapshot");
    host.until("snapshot");
  }
  EXPECT_EQ(kinds(), before);
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

}  // namespace
}  // namespace baton::test
