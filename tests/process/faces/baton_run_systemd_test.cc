// `baton run` as a service of systemd: what it says on its own NOTIFY_SOCKET, and sockets that it was given.

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "process/faces/baton_run.h"

namespace baton::test {
namespace {

const Words ready_at_once = {"--ready", "alive", "--min-uptime", "0"};

class RunUnderSystemd : public BatonRun {
 protected:
  // Where it is to tell how it is.
  StartOptions listen_for_news() {
    news_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder + "/notify";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(news_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return StartOptions().variable("NOTIFY_SOCKET", path);
  }
  // The next datagram with these words in it.
  std::string hears(std::string_view words) {
    for (;;) {
      pollfd waiting{news_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 30'000) != 1) {
        ADD_FAILURE() << "it never told '" << words << "'";
        return {};
      }
      char bytes[4096];
      const ssize_t size = ::recv(news_.get(), bytes, sizeof bytes, 0);
      const std::string text(bytes, size > 0 ? static_cast<size_t>(size) : 0);
      if (text.contains(words)) return text;
    }
  }

 private:
  Fd news_;
};

TEST_F(RunUnderSystemd, TellsThatItIsReadyReloadsAndStops) {
  start(ready_at_once + Words{"-i", "2", "sleep", "1000"}, listen_for_news());
  hears("READY=1");
  hears("STATUS=2 of 2 workers ready");
  program.signal(SIGHUP);
  EXPECT_TRUE(hears("RELOADING=1").contains("\nMONOTONIC_USEC="));
  hears("READY=1");
  program.signal(SIGTERM);
  hears("STOPPING=1");
  hears("EXTEND_TIMEOUT_USEC=");
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(RunUnderSystemd, IsNotReadyBeforeItsWorkersAre) {
  start({"--ready", "message", "sleep", "1000"}, listen_for_news());
  hears("STATUS=0 of 1 workers ready");
  program.signal(SIGTERM);
  EXPECT_TRUE(hears("=1").contains("STOPPING=1"));
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(RunUnderSystemd, ShowsItsWatchdogThatItLives) {
  start(ready_at_once + Words{"sleep", "1000"}, listen_for_news().variable("WATCHDOG_USEC", "40000"));
  for (int i = 0; i < 3; ++i) hears("WATCHDOG=1");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunUnderSystemd, LeavesItsOwnWatchdogToNoWorker) {
  const std::string app =
      file("app", "#!/bin/sh\necho \"watchdog [$WATCHDOG_USEC$WATCHDOG_PID]\"\nexec sleep 1000\n", 0755);
  start(ready_at_once + Words{app},
        listen_for_news().variable("WATCHDOG_USEC", "1000000").variable("WATCHDOG_PID", "1"));
  EXPECT_EQ(printed("watchdog"), "[1] watchdog []");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// --- sockets that it was given

class RunOfSocketUnit : public BatonRun {
 protected:
  // With sockets from 3 on, as systemd starts what they are for.
  void start_with(const std::vector<Fd>& sockets, const std::string& names, const Words& arguments) {
    StartOptions how;
    for (size_t i = 0; i < sockets.size(); ++i) how.descriptor(3 + static_cast<int>(i), sockets[i].get());
    how.variable("LISTEN_FDS", std::to_string(sockets.size())).variable("LISTEN_FDNAMES", names);
    how.variable("XDG_RUNTIME_DIR", folder + "/run");
    program = Program(
        "/bin/sh", Words{"-c", "LISTEN_PID=$$ exec \"$0\" \"$@\"", built("baton"), "run"} + arguments, how);
  }
  static Fd listener(uint16_t& port) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket.get(), 10), 0);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return socket;
  }
  [[nodiscard]] std::string app() const {
    return file(
        "app",
        "#!/bin/sh\necho \"given $LISTEN_FDS $LISTEN_FDNAMES $((LISTEN_PID - $$))\"\nexec sleep 1000\n",
        0755);
  }
};

TEST_F(RunOfSocketUnit, ServesItsWorkersFromTheOneThatHasTheAddressOrTheName) {
  std::vector<Fd> given;
  uint16_t first = 0;
  uint16_t second = 0;
  given.push_back(listener(first));
  given.push_back(listener(second));
  start_with(given, "one:two",
             ready_at_once + Words{"--listen", "web=127.0.0.1:" + std::to_string(second), "--listen",
                                   "one=127.0.0.1:0", app()});
  EXPECT_EQ(printed("given"), "[1] given 2 web:one 0");
  // In the order of their texts.
  const std::string lines_told = told("listening on ") + "\n" + told("listening on ");
  for (const uint16_t port : {first, second}) {
    EXPECT_TRUE(lines_told.contains("listening on 127.0.0.1:" + std::to_string(port) + " (")) << lines_told;
  }
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunOfSocketUnit, HandsAllOfThemOnIfNoneIsNamed) {
  std::vector<Fd> given;
  uint16_t port = 0;
  given.push_back(listener(port));
  start_with(given, "web", ready_at_once + Words{app()});
  EXPECT_EQ(printed("given"), "[1] given 1 web 0");
  EXPECT_TRUE(told("listening on ").starts_with("listening on 127.0.0.1:" + std::to_string(port) + " ("));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunOfSocketUnit, LeavesThoseThatAreForAnother) {
  std::vector<Fd> given;
  uint16_t port = 0;
  given.push_back(listener(port));
  start(ready_at_once + Words{app()},
        StartOptions().descriptor(3, given[0].get()).variable("LISTEN_FDS", "1").variable("LISTEN_PID", "1"));
  EXPECT_TRUE(printed("given").starts_with("[1] given   "));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// More than that does not get in, so that it becomes neither longer nor shorter.
TEST_F(RunOfSocketUnit, IsNotReadyWhereNobodyTakesFromAFullBacklog) {
  std::vector<Fd> given;
  uint16_t port = 0;
  given.push_back(listener(port));
  std::vector<Fd> clients;
  for (int i = 0; i <= 10; ++i) clients.push_back(Place(port).connect());
  start_with(given, "web", ready_at_once + Words{app()});
  told("connections wait on 127.0.0.1:" + std::to_string(port) + " and no worker takes them");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// Node itself would say EADDRINUSE: who is given the socket holds its address.
TEST_F(RunOfSocketUnit, ServesAWorkerFromTheOneWhoseAddressItListensOnItself) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string server = file("server.js", R"(
require('http').createServer((request, response) => response.end('it')).listen(JSON.parse(process.env.WHERE));
)");
  for (const char* policy : {"round-robin", "shared"}) {
    std::vector<Fd> given;
    uint16_t first = 0;
    uint16_t second = 0;
    given.push_back(listener(first));
    given.push_back(listener(second));
    const auto where = [](uint16_t port) {
      return R"(WHERE={"host":"127.0.0.1","port":)" + std::to_string(port) + "}";
    };
    // Without a name all are meant, and beside one that has a name, too.
    for (const Words& named : {Words{}, Words{"--listen", "one=127.0.0.1:" + std::to_string(first)}}) {
      start_with(given, "one:two",
                 named + Words{"-i", "2", "--policy", policy, "--ready", "listening", "--env", where(second),
                               server});
      told("ready after");
      told("ready after");
      EXPECT_EQ(body_of(ask(second)), "it");
      EXPECT_EQ(end(SIGTERM), "exit 0");
      EXPECT_TRUE(Place(second).connect()) << "it is theirs who gave it";
    }
  }
}

TEST_F(RunOfSocketUnit, ServesAWorkerThatNamesOnlyThePortFromASocketOfEveryAddress) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  std::vector<Fd> given;
  given.emplace_back(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  socklen_t size = sizeof address;
  if (::bind(given[0].get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    GTEST_SKIP() << "there is no IPv6";
  }
  ASSERT_EQ(::listen(given[0].get(), 10), 0);
  ::getsockname(given[0].get(), reinterpret_cast<sockaddr*>(&address), &size);
  const std::string port = std::to_string(ntohs(address.sin6_port));
  const std::string server =
      file("server.js",
           "require('http').createServer((request, response) => response.end('it')).listen(" + port + ");");
  start_with(given, "web", {"--ready", "listening", server});
  EXPECT_EQ(told("listening on"), "listening on [::]:" + port + " (1 worker)");
  EXPECT_EQ(body_of(ask(ntohs(address.sin6_port))), "it");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunOfSocketUnit, OrOfAListenOptionServesAWorkerThatListensThereItself) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string server = file("server.js", R"(
const [host, port] = process.env.WHERE.split(':');
require('http').createServer((request, response) => response.end('it')).listen(port, host);
)");
  uint16_t port = 0;
  listener(port).reset();
  const std::string where = "127.0.0.1:" + std::to_string(port);
  start({"--listen", where, "--ready", "listening", "--env", "WHERE=" + where, server});
  told("ready after");
  EXPECT_EQ(body_of(ask(port)), "it");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
