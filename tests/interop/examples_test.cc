// The examples `proxy` and `heavy`, used as their users do.

#include <signal.h>

#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "baton/baton.h"
#include "interop/world.h"

namespace baton::test {
namespace {

class ProxyExample : public World {
 protected:
  Program& start(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {built("proxy"), "--port", "0", "--workers", "1"});
    return run(std::move(more));
  }
  /// Kills a child of a process that stands still, which does not collect it.
  static void kill_and_leave(pid_t process) {
    signal_one(process, SIGKILL);
    EXPECT_TRUE(eventually([process] { return status_of(process, "State:").contains("Z"); }));
  }
  const std::string plain_get = "GET / HTTP/1.0\r\nHost: x\r\n\r\n";
  static Value cost(Program& primary) {
    signal_one(primary.pid(), SIGUSR1);
    return wire::read_json(primary.line("cost ")).value();
  }
  static int64_t peak_memory_kib(pid_t process) { return std::stoll(status_of(process, "VmHWM:")); }
  /// What the kernel says of the process under this name; nothing if there is no such line.
  static std::string status_of(pid_t process, std::string_view name) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(name)) return line.substr(name.size());
    }
    return {};
  }
};

TEST_F(ProxyExample, MakesTheSenderWaitForAReaderThatDoesNotReadAndLosesNoByte) {
  Program& primary = start();
  std::string body(size_t{64} << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761U >> 13);
  const Client client(primary.number("listening on port "));
  client.send("POST / HTTP/1.0\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  std::thread sender([&] { client.send(body); });
  EXPECT_TRUE(eventually([&] { return cost(primary)["paused"].as_integer() == 2; }));
  if (!sanitized()) {
    EXPECT_LT(peak_memory_kib(primary.pid()), 32 * 1024);
  }
  const std::string answer = client.read_all();
  sender.join();
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + body));
}

TEST_F(ProxyExample, AnswersARequestThatIsUnderWayWhenItIsAskedToEnd) {
  for (const bool hand_over : {false, true}) {
    Program& primary =
        start(hand_over ? std::vector<std::string>{"--hand-over"} : std::vector<std::string>());
    const int port = primary.number("listening on port ");
    {
      const Client client(port);
      client.send("POST / HTTP/1.0\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst");
      EXPECT_TRUE(client.read_until("first").ends_with("\r\n\r\nfirst"));
      signal_one(primary.pid(), SIGTERM);
      EXPECT_TRUE(eventually([&] { return Client(port).error() == ECONNREFUSED; }));
      client.send("other");
      EXPECT_EQ(client.read_all(), "other");
    }
    EXPECT_EQ(primary.wait(), 0);
  }
}

TEST_F(ProxyExample, ServesWhoeverWaitsForAWorkerWhenItIsAskedToEnd) {
  for (const bool hand_over : {false, true}) {
    Program& primary =
        start(hand_over ? std::vector<std::string>{"--hand-over"} : std::vector<std::string>());
    const pid_t first = std::stoi(primary.line("worker "));
    const int port = primary.number("listening on port ");
    // When it goes on, the worker is gone, a client is there, and it is to end, in whatever order it sees it.
    stop(primary.pid());
    kill_and_leave(first);
    {
      const Client client(port);
      client.send(plain_get);
      signal_one(primary.pid(), SIGTERM);
      go_on(primary.pid());
      EXPECT_EQ(number_at_end(client.read_all()), std::stoi(primary.line("worker ")));
    }
    EXPECT_EQ(primary.wait(), 0);
  }
}

TEST_F(ProxyExample, ServesWhoeverCameBeforeItsFirstWorkerWhenItIsAskedToEnd) {
  Program& before = start();
  const int port = before.number("listening on port ");
  EXPECT_EQ(before.end(SIGTERM), 0);
  Program& primary = run({built("proxy"), "--port", std::to_string(port), "--workers", "1"});
  // It listens before it starts a worker.
  std::optional<Client> client;
  EXPECT_TRUE(eventually([&] { return client.emplace(port).connected(); }));
  signal_one(primary.pid(), SIGTERM);
  client->send(plain_get);
  EXPECT_EQ(number_at_end(client->read_all()), std::stoi(primary.line("worker ")));
  client.reset();
  EXPECT_EQ(primary.wait(), 0);
}

TEST_F(ProxyExample, GoesOnWithAnotherWorkerWhenOneIsKilled) {
  Program& primary = start();
  const int first = std::stoi(primary.line("worker "));
  const int port = primary.number("listening on port ");
  EXPECT_EQ(number_at_end(http_get(port, "/")), first);
  signal_one(first, SIGKILL);
  const int second = std::stoi(primary.line("worker "));
  EXPECT_EQ(number_at_end(http_get(port, "/")), second);
}

TEST_F(ProxyExample, RefusesWrongArguments) {
  for (const std::string name : {"proxy", "heavy"}) {
    EXPECT_EQ(run({built(name), "--port", "many"}).wait(), 2);
    EXPECT_EQ(run({built(name), "--colour"}).wait(), 2);
    EXPECT_EQ(run({built(name), "--help"}).wait(), 0);
  }
}

TEST_F(ProxyExample, RefusesWrongArgumentsByNode) {
  if (!has_node()) GTEST_SKIP() << "there is no Node";
  for (const std::string name : {"examples/proxy/primary.js", "examples/heavy/server.js"}) {
    EXPECT_EQ(run({node_program(), source(name), "--colour"}).wait(), 2);
  }
}

}  // namespace
}  // namespace baton::test
