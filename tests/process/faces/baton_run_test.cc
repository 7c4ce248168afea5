// `baton run`, sentence by sentence: what is run, how many times, with what; signals; exit codes.

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <set>

#include "process/faces/baton_run.h"
#include "support/signal_one.h"

namespace baton::test {
namespace {

class Run : public BatonRun {
 protected:
  // A shell script that says what it got.
  [[nodiscard]] std::string script(const std::string& text) const {
    return file("app", "#!/bin/sh\n" + text, 0755);
  }
  // An answer's pid.
  static pid_t who(const Place& place) { return static_cast<pid_t>(std::stoi(body_of(ask(place)))); }
};

TEST_F(Run, RunsAnUnmodifiedNodeServerAsManyWorkersBehindOnePort) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"-i", "3", node_server()});
  std::set<pid_t> pids;
  for (int i = 0; i < 6; ++i) pids.insert(who(port_of(address)));
  EXPECT_EQ(pids.size(), 3U);
  EXPECT_EQ(address, "127.0.0.1:" + std::to_string(port_of(address)));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, RunsACppProgramThatJoinsTheCluster) {
  const std::string address =
      start_listening(admin() + Words{"-i", "2", built("cluster_hello"), "--port", "0"});
  EXPECT_TRUE(address.starts_with("[::]:") || address.starts_with("0.0.0.0:")) << address;
  std::set<pid_t> pids;
  for (int i = 0; i < 4; ++i) pids.insert(who(port_of(address)));
  const auto known = workers();
  EXPECT_EQ(pids, std::set<pid_t>(known.begin(), known.end()));
  program.signal(SIGHUP);
  told("reload done");
  EXPECT_FALSE(pids.contains(who(port_of(address))));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, SaysOnceForEachListenerWhereItIsAndHowManyServe) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = file("app.js", R"(
const net = require('net');
net.createServer().listen(0, () => net.createServer().listen(0, '::1', () =>
  net.createServer().listen(process.env.SOCKET)));
)");
  start({"-i", "2", app}, StartOptions().variable("SOCKET", folder + "/app.sock"));
  std::set<std::string> kinds;
  for (int i = 0; i < 3; ++i) {
    const std::string line = told("listening on ");
    EXPECT_TRUE(line.starts_with("listening on ") && line.ends_with(" (2 workers)")) << line;
    const std::string address = line.substr(13, line.find(" (") - 13);
    kinds.insert(address.substr(0, address.rfind(':')));
  }
  EXPECT_TRUE(kinds.contains("[::]") || kinds.contains("0.0.0.0")) << *kinds.begin();
  EXPECT_TRUE(kinds.contains("[::1]"));
  EXPECT_TRUE(kinds.contains("unix"));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, RunsAnyProgramAndTellsItItsNumberAndWhereToSayThatItIsReady) {
  const std::string app = script(
      "echo \"number $BATON_INSTANCE channel $NODE_CHANNEL_FD\"\n"
      "test -S \"$NOTIFY_SOCKET\" && echo there is a socket\nexec sleep 1000\n");
  start({"-i", "1", "--listen", "127.0.0.1:0", "--min-uptime", "10ms", app});
  EXPECT_EQ(printed("number "), "[1] number 1 channel ");
  printed("there is a socket");
  EXPECT_TRUE(told("listening on ").ends_with(" (1 worker)"));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, HandsSocketsOverAsSystemdDoes) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string app = file("app.py", R"(#!/usr/bin/env python3
import os, socket
assert int(os.environ['LISTEN_PID']) == os.getpid()
print(os.environ['LISTEN_FDS'], os.environ['LISTEN_FDNAMES'], flush=True)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ['NOTIFY_SOCKET'])
notify.send(b'READY=1')
listener = socket.socket(fileno=3)
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    connection.send(b'HTTP/1.0 200 OK\r\n\r\n%d\n' % os.getpid())
    connection.close()
)",
                               0755);
  const std::string address =
      start_listening({"-i", "2", "--listen", "web=127.0.0.1:0", "--listen", "127.0.0.1:0", app});
  EXPECT_TRUE(printed("web").ends_with("] 2 web:unknown"));
  EXPECT_GT(who(port_of(address)), 0);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, GivesTheEnvironmentOfAFileAndOverItThatOfTheCommandLine) {
  const std::string variables =
      file("app.env", "# a comment\nFILE='of the file'\nBOTH=file\nINHERITED=file\n");
  const std::string app = script("echo \"$INHERITED, $FILE, $BOTH\"; pwd; echo \"$@\"; exec sleep 1000\n");
  start(Words{"--env", "BOTH=line", "--env-file", variables, "--cwd", folder, "--listen", "127.0.0.1:0",
              "--min-uptime", "0", app, "-i", "7", "--env"},
        StartOptions().variable("INHERITED", "shell"));
  EXPECT_EQ(printed(","), "[1] file, of the file, line");
  EXPECT_EQ(printed("/"), "[1] " + folder);
  EXPECT_EQ(printed("-i"), "[1] -i 7 --env");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, RunsAScriptByTheInterpreterThatIsNamed) {
  start({"--interpreter", "sh -u", "--listen", "127.0.0.1:0", file("app.js", "echo $0 $1\nexec sleep 1000\n"),
         "x"});
  EXPECT_EQ(printed("app.js"), "[1] " + folder + "/app.js x");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, ReplacesAWorkerThatEndsByItselfWithZeroToo) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"--min-uptime", "0", node_server()});
  const pid_t first = who(port_of(address));
  (void)ask(port_of(address), "/exit");
  told("exit code 0");
  const pid_t second = who(port_of(address));
  EXPECT_NE(first, second);
  ASSERT_TRUE(signal_one(second, SIGKILL));
  told("killed by SIGKILL");
  EXPECT_NE(who(port_of(address)), second);
  EXPECT_EQ(end(SIGINT), "exit 0");
}

TEST_F(Run, ReloadsOnHangupAndOnUserSignalTwo) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"-i", "2", node_server()});
  std::set<pid_t> seen;
  for (const int signal : {0, SIGHUP, SIGUSR2}) {
    if (signal != 0) {
      program.signal(signal);
      told("reload done");
    }
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(seen.insert(who(port_of(address))).second);
  }
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, FailsAReloadWhoseWorkerDoesNotBecomeReadyAndServesOn) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({node_server()});
  const pid_t before = who(port_of(address));
  file("app.js", "process.exit(7)");
  program.signal(SIGHUP);
  EXPECT_TRUE(told("reload failed").contains("exit code 7"));
  EXPECT_EQ(who(port_of(address)), before);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, FailsAReloadWhoseFirstWorkerDiesSoonAfterItWasReady) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"-i", "2", node_server()});
  const std::set<pid_t> before = {who(port_of(address)), who(port_of(address))};
  file("app.js",
       "require('http').createServer().listen(0, '127.0.0.1', () => setTimeout(process.exit, 100, 7));");
  program.signal(SIGHUP);
  told("ready after");
  EXPECT_TRUE(told("reload failed").contains("exit code 7"));
  EXPECT_EQ((std::set<pid_t>{who(port_of(address)), who(port_of(address))}), before);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, StartsOneMoreAndOneLessButNeverLessThanOne) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  start_listening(admin() + Words{node_server()});
  const auto ready = [](size_t count) {
    return [count](const Value& now) {
      size_t found = 0;
      for (const Value& worker : now["workers"].elements())
        found += worker["state"].as_string() == "ready" ? 1 : 0;
      return found == count && now["workers"].size() == count;
    };
  };
  program.signal(SIGTTIN);
  status_when(ready(2));
  program.signal(SIGTTOU);
  status_when(ready(1));
  program.signal(SIGTTOU);
  EXPECT_EQ(status()["workers"].size(), 1U);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, KillsOnTheSecondSignalAndExitsWithItsNumber) {
  const std::string app = script("trap '' TERM\nsleep 1000 &\necho up\nwait\nwait\nsleep 1000\n");
  start({"--listen", "127.0.0.1:0", "--min-uptime", "0", app});
  printed("up");
  program.signal(SIGTERM);
  told("told to stop");
  EXPECT_EQ(end(SIGINT), "exit 130");
}

TEST_F(Run, KillsTheWholeTreeOfAWorkerThatDoesNotLeaveInTime) {
  const std::string app = script(
      "trap '' TERM\n(trap '' TERM; sleep 1000; sleep 1000) &\necho up\n"
      "while :; do wait; sleep 1000; done\n");
  start({"--listen", "127.0.0.1:0", "--min-uptime", "0", "--kill-timeout", "50ms", app});
  printed("up");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, SendsTheStopSignalAlone) {
  const std::string app = script(
      "trap 'echo term; exit 1' TERM\ntrap 'echo quit; sleep 0.3; echo finished; exit 0' QUIT\n"
      "echo up\nwhile :; do sleep 0.05; done\n");
  start({"--listen", "127.0.0.1:0", "--min-uptime", "0", "--stop-signal", "QUIT", app});
  printed("up");
  program.signal(SIGTERM);
  EXPECT_EQ(printed("]"), "[1] quit");
  EXPECT_EQ(printed("]"), "[1] finished");
  EXPECT_TRUE(told("told to stop").contains("told to stop"));
  EXPECT_TRUE(told("exit code").contains("exit code 0"));
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(Run, ReplacesAWorkerThatUsesTooMuchMemory) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  start_listening({"--max-memory", "20M", node_server()});
  told("more than max_memory");
  told("exit code 0, told to stop");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, KillsAWorkerThatDoesNotAnswer) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address =
      start_listening({"--hang-timeout", "300ms", "--min-uptime", "0", node_server()});
  const pid_t worker = who(port_of(address));
  ASSERT_TRUE(signal_one(worker, SIGSTOP));
  EXPECT_NE(who(port_of(address)), worker);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Run, DrainsAKeepAliveConnectionByTheBook) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"--grace", "20s", node_server()});
  const Fd connection = Place(port_of(address)).connect();
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  write_all(connection, request);
  EXPECT_TRUE(read_until(connection, "\n").contains("Connection: keep-alive"));
  program.signal(SIGTERM);
  told("told to stop");
  std::string answer;
  do {
    write_all(connection, request);
    answer = read_until(connection, "\n");
    ASSERT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  } while (!answer.contains("Connection: close"));
  EXPECT_EQ(read_until(connection), "");
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(Run, LeavesNodeProgramsAsTheyAreIfToldSo) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app =
      node_server("console.log('options', process.env.NODE_OPTIONS, process.execArgv.length);");
  for (const bool preload : {true, false}) {
    start_listening(Words(preload ? Words{} : Words{"--no-preload"}) + Words{app});
    // The module has taken its own option away again.
    EXPECT_EQ(printed("options"), "[1] options undefined 0");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
}

// --- exit codes, each with one line that names the cause

TEST_F(Run, ExitsWith2WhenTheCommandLineMeansNothing) {
  for (const Words& words :
       std::vector<Words>{{}, {"-i", "0", "x"}, {"--bogus", "x"}, {"--cwd", "/nowhere", "x"}}) {
    EXPECT_EQ(play(words), "exit 2");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].starts_with("baton run: ")) << lines[0];
  }
}

TEST_F(Run, ExitsWith3WhenAListenerCannotBeOpened) {
  const Fd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&any), size), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  ::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&any), &size);
  const std::string address = "127.0.0.1:" + std::to_string(ntohs(any.sin_port));
  for (const char* option : {"--listen", "--admin"}) {
    EXPECT_EQ(play({option, address, "sleep", "1000"}), "exit 3");
    ASSERT_FALSE(lines.empty());
    EXPECT_TRUE(lines.back().contains("listen " + address + ": bind: address already in use"))
        << lines.back();
  }
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = file("app.js", "require('http').createServer().listen(" +
                                             std::to_string(ntohs(any.sin_port)) + ", '127.0.0.1')");
  EXPECT_EQ(play({app}), "exit 3");
  EXPECT_TRUE(lines.back().contains("address already in use")) << lines.back();
}

TEST_F(Run, ExitsWith4WhenNoWorkerWasEverReady) {
  EXPECT_EQ(play({"--backoff", "1ms..1ms", "--max-restarts", "0", "false"}), "exit 4");
  EXPECT_TRUE(lines.back().contains("exit code 1")) << lines.back();
  int starts = 0;
  for (const std::string& line : lines) starts += line.ends_with(" started") ? 1 : 0;
  EXPECT_EQ(starts, 3);
}

TEST_F(Run, ExitsWith5WhenItGivesUpRestarting) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = node_server("setTimeout(() => server.close(() => process.exit(9)), 300);");
  EXPECT_EQ(play({"--backoff", "1ms..1ms", "--max-restarts", "2", "--min-uptime", "1h", app}), "exit 5");
  EXPECT_TRUE(lines.back().contains("exit code 9")) << lines.back();
}

TEST_F(Run, ExitsWith126WhenTheProgramIsNotExecutable) {
  EXPECT_EQ(play({file("plain", "text")}), "exit 126");
  EXPECT_EQ(lines, (Words{"baton run: " + folder + "/plain: is not executable: Permission denied"}));
}

TEST_F(Run, ExitsWith127WhenTheProgramIsNotFound) {
  EXPECT_EQ(play({"no_such_program"}), "exit 127");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("baton run: no_such_program: neither a file here nor in PATH"));
  EXPECT_EQ(play({folder + "/absent.js"}), "exit 127");
}

TEST_F(Run, IsStoppedBeforeAnyWorkerIsReady) {
  start({"sleep", "1000"});
  told("started");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// --- the program itself

TEST_F(Run, TeachesByItsHelp) {
  program = Program(built("baton"), {"run", "--help"});
  const Words help = program.output.rest();
  EXPECT_EQ(end(), "exit 0");
  ASSERT_GT(help.size(), 10U);
  EXPECT_TRUE(help[2].starts_with("  baton run -i max app.js "));
  program = Program(built("baton"), {"--help"});
  EXPECT_GT(program.output.rest().size(), 5U);
  EXPECT_EQ(end(), "exit 0");
  program = Program(built("baton"), {"--version"});
  EXPECT_EQ(program.output.rest(), (Words{"baton " BATON_VERSION}));
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(Run, AnswersAVerbThatItDoesNotKnowWithOneLineAnd2) {
  program = Program(built("baton"), {"fly"});
  EXPECT_EQ(program.errors.rest(), (Words{"baton: there is no verb 'fly' (see baton --help)"}));
  EXPECT_EQ(end(), "exit 2");
  program = Program(built("baton"), {"app.js"});
  EXPECT_EQ(program.errors.rest(),
            (Words{"baton: there is no verb 'app.js': did you mean `baton run app.js`? (see baton --help)"}));
  EXPECT_EQ(end(), "exit 2");
}

}  // namespace
}  // namespace baton::test
