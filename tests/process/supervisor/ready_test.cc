// By what a worker of any program is ready, who is started again, and how it is replaced.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "process/supervisor/host.h"
#include "support/free_port.h"

namespace baton::test {
namespace {

bool there_is(const char* program) {
  return std::system((std::string("command -v ") + program + " >/dev/null").c_str()) == 0;
}

// A server with a port of its own, which needs a moment.
std::vector<std::string> python_server(uint16_t port) {
  return {"/usr/bin/env", "python3", "-m", "http.server", "--bind", "127.0.0.1", std::to_string(port)};
}

TEST(SupervisedProgram, IsReadyAsItIsAliveWhichIsSaidOnce) {
  Host host({"--workers", "2", "--listen-timeout", "30"}, Host::shell("exec sleep 1000"));
  host.until("ms, as it is alive");
  EXPECT_TRUE(host.until("it has not said within 30 ms that it is ready").contains("--ready alive"));
  host.until("as it is alive");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
  EXPECT_EQ(host.count("has not said"), 1U);
}

TEST(SupervisedProgram, IsAskedForNothingWhereBeingAliveIsEnough) {
  Host host({"--ready", "alive", "--min-uptime", "20"}, Host::shell("exec sleep 1000"));
  host.until("as it is alive");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
  EXPECT_EQ(host.count("has not said"), 0U);
}

TEST(SupervisedProgram, ThatSaidItWasReadyIsNotFollowedByOneThatOnlyLives) {
  if (!there_is("systemd-notify")) GTEST_SKIP() << "no systemd-notify";
  // The first one alone says it.
  std::string marker = "/tmp/baton-ready-XXXXXX";
  ASSERT_NE(::mkdtemp(marker.data()), nullptr);
  Host host({"--listen-timeout", "300"},
            Host::shell("rmdir " + marker + " 2>/dev/null && systemd-notify --ready; sleep 1000"));
  host.until("ready after");
  host.say("reload");
  EXPECT_TRUE(host.until("reload failed").contains("not ready within 300 ms"));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(SupervisedProgram, MaySendTheMessageReady) {
  if (!there_is("node")) GTEST_SKIP() << "there is no Node";
  const Script script(
      "require('http').createServer().listen(0, () => { console.log('listens');"
      "  setTimeout(() => process.send('ready'), 50); }); process.send({ready: 1});");
  for (const bool strict : {false, true}) {
    std::vector<std::string> options;
    if (strict) options = {"--ready", "message"};
    Host host(options, {script.path()});
    host.until("listens");
    if (strict) {
      host.say("snapshot");
      EXPECT_TRUE(host.until("snapshot").contains("1:starting"));
    }
    host.until("ready after");
    host.say("stop");
    EXPECT_EQ(host.end(), "exit 0");
  }
}

TEST(SupervisedProgram, IsReadyWhenSomebodyAnswersWhereItIsAsked) {
  if (!there_is("python3")) GTEST_SKIP() << "there is no Python";
  for (const char* how : {"", "http"}) {
    const uint16_t port = free_port();
    Host host({"--ready", how + std::to_string(port)}, python_server(port));
    host.until("started");
    host.until("ready after");
    host.say("stop");
    EXPECT_EQ(host.end(), "exit 0");
  }
}

TEST(SupervisedProgram, IsNotReadyWhenTheAnswerIsAFailure) {
  if (!there_is("python3")) GTEST_SKIP() << "there is no Python";
  const uint16_t port = free_port();
  const std::string refusing =
      "import http.server as h\n"
      "class Refusing(h.BaseHTTPRequestHandler):\n"
      "  asked = 0\n"
      "  def do_GET(self):\n"
      "    Refusing.asked += 1\n"
      "    print('asked', Refusing.asked, flush=True)\n"
      "    self.send_response(503 if Refusing.asked < 3 else 204)\n"
      "    self.end_headers()\n"
      "h.HTTPServer(('127.0.0.1', " +
      std::to_string(port) + "), Refusing).serve_forever()\n";
  Host host({"--ready", "http" + std::to_string(port)}, {"/usr/bin/env", "python3", "-c", refusing});
  host.until("asked 2");
  EXPECT_EQ(host.count("ready after"), 0U);
  host.until("asked 3");
  host.until("ready after");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

// --- who listens by itself

TEST(SupervisedProgram, ThatListensByItselfIsToldOfInOneLine) {
  if (!there_is("python3")) GTEST_SKIP() << "there is no Python";
  const uint16_t port = free_port();
  Host host({"--listen-timeout", "1000"}, python_server(port));
  const std::string line = host.until("by itself, outside the cluster");
  EXPECT_TRUE(line.contains("listens on 127.0.0.1:" + std::to_string(port))) << line;
  EXPECT_TRUE(line.contains("--listen")) << line;
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
  EXPECT_EQ(host.count("by itself, outside the cluster"), 1U);
}

TEST(SupervisedProgram, ThatListensByItselfIsStoppedBeforeTheNextOneStartsWhichIsReadyWhenItListens) {
  if (!there_is("python3")) GTEST_SKIP() << "there is no Python";
  const uint16_t port = free_port();
  Host host({"--listen-timeout", "3000"}, python_server(port));
  host.until("by itself, outside the cluster");
  host.say("reload");
  host.until("told to stop");
  host.until("killed by SIGTERM, told to stop");
  host.until("as it listens");
  host.until("reload done");
  host.say("snapshot");
  EXPECT_TRUE(host.until("snapshot").contains("reloads 1/0"));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(SupervisedProgram, ThatSharesItsPortWithTheNextOneOverlaps) {
  Host host(Host::ready_when_alive(), Host::shell("exec sleep 1000"));
  host.until("ready after");
  host.say("reload");
  host.until("reload done");
  host.until("killed by SIGTERM, told to stop");
  EXPECT_EQ(host.count("ready after"), 2U) << "before the old one was told";
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(SupervisedProgram, IsStoppedFirstIfThatIsAskedFor) {
  Host host({"--reload", "stop-first", "--ready", "alive", "--min-uptime", "1"},
            Host::shell("exec sleep 1000"));
  host.until("ready after");
  host.say("reload");
  host.until("killed by SIGTERM, told to stop");
  EXPECT_EQ(host.count("ready after"), 1U) << "nobody else was there";
  host.until("ready after");
  host.until("reload done");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

// --- who is started again

TEST(SupervisedProgram, ThatHasDoneItsWorkIsNotStartedAgain) {
  for (const char* who : {"on-failure", "never"}) {
    Host host({"--restart", who, "--workers", "2"}, Host::shell("echo works; exit 0"));
    EXPECT_EQ(host.until("end: "), "end: every worker has ended, and none is started again");
    EXPECT_EQ(host.end(), "exit 8");
    EXPECT_EQ(host.count("works"), 2U);
  }
}

TEST(SupervisedProgram, ThatFailsIsStartedAgainUntilItHasDoneItsWork) {
  std::string marker = "/tmp/baton-restart-XXXXXX";
  ASSERT_NE(::mkdtemp(marker.data()), nullptr);
  Host host({"--restart", "on-failure"}, Host::shell("rmdir " + marker + " 2>/dev/null && exit 3; exit 0"));
  host.until("exit code 3, before it was ready");
  host.until("exit code 0, before it was ready");
  EXPECT_EQ(host.end(), "exit 8");
}

TEST(SupervisedProgram, ThatFailsAndIsNotStartedAgainIsNamedAtTheEnd) {
  Host host({"--restart", "never"}, Host::shell("exit 3"));
  const std::string last = host.until("end: ");
  EXPECT_TRUE(last.starts_with("end: worker 1 (pid ")) << last;
  EXPECT_TRUE(last.contains("exit code 3")) << last;
  EXPECT_EQ(host.end(), "exit 7");
  EXPECT_EQ(host.count("started"), 1U);
}

}  // namespace
}  // namespace baton::test
