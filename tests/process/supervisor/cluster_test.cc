// A supervisor of programs that speak the cluster's protocol: unmodified Node's, and our own.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "process/supervisor/host.h"
#include "support/signal_one.h"

namespace baton::test {
namespace {

/// A connection to 127.0.0.1:`port`; empty if it is refused.
Fd connect_to(int port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

/// The body of the answer to GET `target`; "" if there is none.
std::string get_on(const Fd& socket, const std::string& target = "/") {
  const std::string request = "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(socket.get(), buffer, sizeof buffer)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  const size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

std::string get(int port, const std::string& target = "/") { return get_on(connect_to(port), target); }

const std::string server = "require('http').createServer((q, s) => s.end(process.pid + '\\n')).listen(0);";

class SupervisedNode : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no node";
  }
};

TEST_F(SupervisedNode, IsReadyWhenItListensAndLeavesByTheBook) {
  const Script script(server);
  Host host({"--workers", "2"}, {script.path()});
  const int port = host.number_after("listening on [::]:");
  EXPECT_GT(std::stoi(get(port)), 1);
  host.say("stop");
  for (int i = 0; i < 2; ++i) host.until("exit code 0, told to stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST_F(SupervisedNode, IsReloadedOneAfterAnother) {
  const Script script(server);
  Host host({"--workers", "2"}, {script.path()});
  const int port = host.number_after("listening on [::]:");
  host.say("snapshot");
  const pid_t first = host.number_after(" 1:ready:");
  host.say("reload");
  host.until("reload done");
  const int answer = std::stoi(get(port));
  EXPECT_NE(answer, first);
  host.say("snapshot");
  EXPECT_TRUE(host.until("snapshot running").contains("reload=2"));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST_F(SupervisedNode, ThatDoesNotBecomeReadyFailsTheReloadAndTheOldOneGoesOn) {
  const Script script("if (require('fs').existsSync(__dirname + '/broken')) throw new Error('broken');" +
                      server);
  Host host({}, {script.path()});
  const int port = host.number_after("listening on [::]:");
  const std::string before = get(port);
  script.write("broken", "");
  host.say("reload");
  const std::string why = host.until("reload failed: ");
  EXPECT_TRUE(why.contains("worker 1 (pid ")) << why;
  EXPECT_TRUE(why.ends_with("exit code 1, before it was ready")) << why;
  EXPECT_EQ(get(port), before);
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST_F(SupervisedNode, ThatCannotHaveItsPortEndsTheFirstStart) {
  const Script first(server);
  Host holder({}, {first.path()});
  const std::string port = std::to_string(holder.number_after("listening on [::]:"));
  const Script second("require('http').createServer().listen(" + port + ");");
  Host host({"--workers", "2"}, {second.path()});
  const std::string why = host.until("end: ");
  EXPECT_TRUE(why.contains("listen ")) << why;
  EXPECT_TRUE(why.contains(port)) << why;
  EXPECT_TRUE(why.contains("address already in use")) << why;
  EXPECT_EQ(host.end(), "exit 2");
}

TEST_F(SupervisedNode, ThatCannotHaveItsPortDoesNotEndTheServiceOfAnotherOne) {
  const Script first(server);
  Host holder({}, {first.path()});
  const std::string port = std::to_string(holder.number_after("listening on [::]:"));
  const Script second(
      "const fs = require('fs');"
      "if (process.env.BATON_INSTANCE === '1') " +
      server +
      "else { const look = setInterval(() => {"
      "  if (!fs.existsSync(__dirname + '/go')) return;"
      "  clearInterval(look); require('http').createServer().listen(" +
      port + "); }, 10); }");
  Host host({"--workers", "2", "--max-restarts", "0"}, {second.path()});
  host.until("worker 1 (pid ");
  host.until(" ready after ");
  second.write("go", "");
  for (int i = 0; i < 2; ++i) host.until("before it was ready");
  host.say("snapshot");
  EXPECT_TRUE(host.until("snapshot").contains(" 1:ready:"));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST_F(SupervisedNode, ThatTakesAnotherPortInsteadIsFine) {
  const Script first(server);
  Host holder({}, {first.path()});
  const std::string port = std::to_string(holder.number_after("listening on [::]:"));
  const Script second(
      "const s = require('http').createServer();"
      "s.once('error', () => s.listen(0)); s.listen(" +
      port + ");");
  Host host({}, {second.path()});
  host.until("address already in use");
  host.until("listening on");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST_F(SupervisedNode, IsReadyOnlyWhenItSaysSoIfThatIsAskedFor) {
  if (std::system("systemd-notify --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no systemd-notify";
  const Script script(
      "require('http').createServer().listen(0, () => { console.log('listens');"
      "  setTimeout(() => require('child_process').execFileSync('systemd-notify', ['--ready']), 50); });");
  Host host({"--ready", "notify"}, {script.path()});
  host.until("1: listens");
  host.say("snapshot");
  EXPECT_TRUE(host.until("snapshot").contains("1:starting"));
  host.until("ready after");
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST_F(SupervisedNode, ThatLeavesByItselfIsReplacedAtOnce) {
  const Script script(server +
                      "setTimeout(() => require('cluster').worker.disconnect(), 100);"
                      "setTimeout(() => {}, 100000);");
  Host host({"--min-uptime", "0"}, {script.path()});
  host.until("started");
  host.until("started");
  EXPECT_EQ(host.count("killed"), 0U) << "its successor starts before it is asked to end";
  host.until("killed by SIGTERM");
  host.say("kill");
  EXPECT_EQ(host.end(), "exit 1");
}

TEST(SupervisedBaton, TellsTheExceptionThatEndedIt) {
  Host host({"--min-uptime", "0"}, {"worker"});
  const int port = host.number_after("listening on [::]:");
  (void)get(port, "/throw");
  const std::string why = host.until("exit code 1");
  EXPECT_TRUE(why.contains("(uncaught exception: as it was told)")) << why;
  EXPECT_GT(std::stoi(get(port)), 1) << "a successor answers";
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(SupervisedBaton, IsNotConnectedToAnyMoreWhenAllAreToldToStop) {
  Host host({}, {"worker"});
  const int port = host.number_after("listening on [::]:");
  const Fd open = connect_to(port);
  ASSERT_TRUE(open) << "it has not said anything yet, and is waited for";
  EXPECT_GT(std::stoi(get(port)), 1);
  host.say("stop");
  host.until("told to stop");
  EXPECT_FALSE(connect_to(port));
  EXPECT_GT(std::stoi(get_on(open)), 1);
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(SupervisedBaton, IsKilledWhenItHangs) {
  Host host({"--min-uptime", "0", "--hang-timeout", "100"}, {"worker"});
  host.until("listening on");
  host.say("snapshot");
  signal_one(host.number_after(" 1:ready:"), SIGSTOP);
  host.until("(no answer within 100 ms)");
  host.until("ready after");
  host.until("ready after");
  host.say("snapshot");
  EXPECT_TRUE(host.until("1:ready:").contains("hang=1"));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(SupervisedBaton, IsReplacedWhenItIsTooLargeForTooLong) {
  // Five seconds long it is over any size.
  Host host({"--max-memory", "1000"}, {"worker"});
  host.until("bytes resident, more than max_memory (1000), for 5 s");
  host.until("told to stop");
  host.say("snapshot");
  EXPECT_TRUE(host.until("snapshot").contains("memory=1"));
  host.say("stop");
  EXPECT_EQ(host.end(), "exit 0");
}

TEST(SupervisedBaton, EndsWithItsSupervisor) {
  Host host({"--workers", "2"}, {"worker"});
  host.until("listening on");
  host.say("snapshot");
  const std::string line = host.until("snapshot");
  const pid_t first = std::atoi(line.c_str() + line.find(" 1:ready:") + 9);
  const pid_t second = std::atoi(line.c_str() + line.find(" 2:ready:") + 9);
  host.say("drop");
  expect_end_of(first);
  expect_end_of(second);
  host.program.close_input();
  EXPECT_EQ(host.end(), "exit 0");
}

}  // namespace
}  // namespace baton::test
