// `baton run`: who is ended is told first, in an order that loses nothing.

#include <algorithm>
#include <set>
#include <string>
#include <thread>

#include "process/faces/baton_run.h"
#include "process/visitors.h"
#include "support/programs.h"
#include "support/signal_one.h"

namespace baton::test {
namespace {

class Farewell : public BatonRun {
 protected:
  // A Node program as most are written; each handler says that it ran.
  [[nodiscard]] std::string handling(const std::string& handler) const {
    return node_server("process.on('SIGTERM', () => { console.log('handled'); " + handler + " });\n");
  }
  // Lines "handled" until baton has ended.
  int handlers() {
    int count = 0;
    while (const auto line = program.output.next()) count += line->ends_with("handled") ? 1 : 0;
    return count;
  }
};

constexpr const char* usual = "server.close(() => process.exit());";

TEST_F(Farewell, TheHandlerOfANodeProgramRunsWheneverItIsEnded) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  start_listening({"-i", "4", "--min-uptime", "0", handling(usual)});
  for (int i = 0; i < 3; ++i) {
    program.signal(SIGHUP);
    told("reload done");
  }
  program.signal(SIGTTOU);
  told("scaled to 3");
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_EQ(handlers(), 16) << "three reloads of four workers, one that was scaled away, three at the end";
}

// It would close idle connections at once if the servers did not drain when it hears the signal.
TEST_F(Farewell, TheHandlerOfANodeProgramLosesNoRequestOfAConnectionThatRests) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"--grace", "20s", "--kill-timeout", "30s", handling(usual)});
  const Fd connection = Place(port_of(address)).connect();
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  write_all(connection, request);
  EXPECT_TRUE(read_until(connection, "\n").contains("Connection: keep-alive"));
  program.signal(SIGTERM);
  printed("handled");
  write_all(connection, request);
  EXPECT_TRUE(read_until(connection).contains("Connection: close"));
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(Farewell, ANodeProgramWithoutAHandlerGetsNoSignal) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  start_listening({node_server("process.on('exit', (code) => console.log(`exits with ${code}`));\n")});
  program.signal(SIGTERM);
  printed("exits with 0");
  told("exit code 0, told to stop");
  EXPECT_EQ(end(), "exit 0");
}

// It sends itself the signal again where nobody else listens for it, as many a package does.
TEST_F(Farewell, AHandlerThatIsOnlyALibrarysDoesNotCutRequests) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"--grace", "20s", "--kill-timeout", "30s", node_server(R"(
const listener = () => {
  if (process.listeners('SIGTERM').length > 1) return;
  process.off('SIGTERM', listener);
  process.kill(process.pid, 'SIGTERM');
};
process.on('SIGTERM', listener);
)")});
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
    ASSERT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  } while (!answer.contains("Connection: close"));
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(Farewell, AProgramBehindAWrapperHearsItToo) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = handling(usual);
  start_listening({"sh", "-c", "node " + app + "; exit 0"});
  program.signal(SIGTERM);
  printed("handled");
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(Farewell, TheStopSignalOfTheUserHasTheSamePlace) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  start_listening({"--stop-signal", "SIGUSR2", "-i", "2",
                   node_server("process.on('SIGUSR2', () => { console.log('handled'); "
                               "server.close(() => process.exit()); });\n")});
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_EQ(handlers(), 2);
}

TEST_F(Farewell, AProgramThatDoesNotAnswerIsKilledWhenItsTimeIsUp) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening({"--kill-timeout", "2s", handling(usual)});
  const pid_t worker = std::atoi(body_of(ask(port_of(address))).c_str());
  ASSERT_TRUE(signal_one(worker, SIGSTOP));
  program.signal(SIGTERM);
  told("not gone 2 s after it was told to stop");
  EXPECT_EQ(end(), "exit 0");
}

// Also those who stand in a backlog when the end begins; who comes later is refused.
class LetIn : public Farewell, public testing::WithParamInterface<const char*> {};

TEST_P(LetIn, IsAnsweredAtTheEndToo) {
  const std::string address =
      start_listening({"-i", "2", "--policy", GetParam(), built("cluster_hello"), "--port", "0"});
  Visitors visitors(port_of(address));
  while (visitors.answered() < 100) std::this_thread::yield();
  EXPECT_EQ(end(SIGTERM), "exit 0");
  visitors.wait();
  EXPECT_EQ(visitors.lost(), 0U) << "beside " << visitors.answered();
}

INSTANTIATE_TEST_SUITE_P(Under, LetIn, testing::Values("round-robin", "least-loaded", "shared", "reuse-port"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_F(Farewell, WhoWasLetInByANodeProgramIsAnsweredAtTheEndToo) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  for (const char* policy : {"round-robin", "shared"}) {
    const std::string address = start_listening({"-i", "2", "--policy", policy, handling(usual)});
    Visitors visitors(port_of(address));
    while (visitors.answered() < 100) std::this_thread::yield();
    EXPECT_EQ(end(SIGTERM), "exit 0");
    visitors.wait();
    EXPECT_EQ(visitors.lost(), 0U) << policy << ", beside " << visitors.answered();
  }
}

// It knows nothing of us but where its socket is, and takes what waits there before it ends.
TEST_F(Farewell, WhoWasLetInByAnyOtherProgramIsAnsweredAtTheEndToo) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string app = file("app.py", R"(
import signal, socket, sys
listener = socket.socket(fileno=3)
listener.settimeout(0.02)
leaving = []
signal.signal(signal.SIGTERM, lambda *_: leaving.append(1))
while True:
    try:
        one, _ = listener.accept()
    except TimeoutError:
        if leaving: sys.exit(0)
        continue
    one.settimeout(None)
    one.recv(4096)
    one.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
    one.close()
)");
  const std::string address = start_listening({"-i", "2", "--listen", "127.0.0.1:0", "python3", app});
  Visitors visitors(port_of(address));
  while (visitors.answered() < 100) std::this_thread::yield();
  EXPECT_EQ(end(SIGTERM), "exit 0");
  visitors.wait();
  EXPECT_EQ(visitors.lost(), 0U) << "beside " << visitors.answered();
}

// A shell: it hears no message, and is killed if it does not end.
TEST_F(Farewell, NobodyIsKilledWhoWasNotSentSigtermBefore) {
  const std::string app = file("app.sh",
                               "#!/bin/sh\ntrap 'echo asked' TERM\necho up\n"
                               "while :; do sleep 0.02; done\n",
                               0755);
  start({"--listen", "127.0.0.1:0", "--ready", "notify", "--listen-timeout", "300ms", "--kill-timeout",
         "500ms", app});
  for (int i = 0; i < 3; ++i) printed("asked");
  told("no worker was ever ready");
  EXPECT_EQ(end(), "exit 4");
}

}  // namespace
}  // namespace baton::test
