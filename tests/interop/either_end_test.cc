// The examples `proxy` and `heavy`, with each end in C++ and in JavaScript.

#include <signal.h>

#include <cerrno>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "interop/world.h"

namespace baton::test {
namespace {

class EitherEnd : public World, public testing::WithParamInterface<Ends> {
 protected:
  void SetUp() override {
    if (!(GetParam().cpp_parent && GetParam().cpp_child) && !has_node()) GTEST_SKIP() << "there is no Node";
  }
};

// Behind how many ports it is, and what it costs, is among the questions.
class ProxyEnds : public EitherEnd {
 protected:
  Program& start(const std::string& workers, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--port", "0", "--workers", workers});
    return start_proxy(GetParam(), more);
  }
};
INSTANTIATE_TEST_SUITE_P(AllFour, ProxyEnds, testing::ValuesIn(all_four()),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(ProxyEnds, CarryEveryByteBothWaysAndTheEndOfThem) {
  for (const bool hand_over : {false, true}) {
    Program& primary =
        start("1", hand_over ? std::vector<std::string>{"--hand-over"} : std::vector<std::string>());
    std::string body(size_t{4} << 20, '\0');
    for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761U >> 13);
    const Client client(primary.number("listening on port "));
    client.send("POST / HTTP/1.0\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    std::thread sender([&] {
      client.send(body);
      client.finish();
    });
    const std::string answer = client.read_all();
    sender.join();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + body));
  }
}

TEST_P(ProxyEnds, GoOnWithAnotherWorkerWhenOneIsKilled) {
  Program& primary = start("2");
  std::set<int> workers = {std::stoi(primary.line("worker ")), std::stoi(primary.line("worker "))};
  const int port = primary.number("listening on port ");
  for (int round = 0; round < 2; ++round) {
    const int killed = *workers.begin();
    signal_one(killed, SIGKILL);
    workers.erase(killed);
    workers.insert(std::stoi(primary.line("worker ")));
    std::set<int> answered;
    for (int i = 0; i < 4; ++i) answered.insert(number_at_end(http_get(port, "/")));
    EXPECT_EQ(answered, workers);
  }
}

TEST_P(ProxyEnds, AnswerARequestThatIsUnderWayWhenAskedToEnd) {
  Program& primary = start("1");
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

class HeavyEnds : public EitherEnd {
 protected:
  Program& start() { return start_heavy(GetParam(), {"--port", "0", "--in-child"}); }
  static void ask_for(const Client& client, const std::string& path) {
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }
};
INSTANTIATE_TEST_SUITE_P(AllFour, HeavyEnds, testing::ValuesIn(all_four()),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(HeavyEnds, AnswerOthersWhileTheChildDoesTheWork) {
  Program& server = start();
  const pid_t child = server.number("child ");
  const int port = server.number("listening on port ");
  const Client worker(port);
  const Client other(port);
  // However slow the machine is: the work cannot be done before the child goes on.
  stop(child);
  ask_for(worker, "/work?ms=50");
  server.line("work is sent");
  ask_for(other, "/");
  EXPECT_TRUE(other.read_until("Hello World\n").ends_with("Hello World\n"));
  EXPECT_FALSE(worker.has_answer());
  go_on(child);
  const std::string answer = worker.read_until(" primes\n");
  EXPECT_GT(number_at_end(answer), 0) << answer;
}

TEST_P(HeavyEnds, GiveTheWorkOfAChildThatDiedToAnother) {
  Program& server = start();
  const pid_t child = server.number("child ");
  const Client worker(server.number("listening on port "));
  stop(child);
  ask_for(worker, "/work?ms=1");
  server.line("work is sent");
  signal_one(child, SIGKILL);
  server.line("child ");
  EXPECT_TRUE(worker.read_until(" primes\n").starts_with("HTTP/1.1 200"));
}

// Who blocks his loop is the server alone; the parameter is whether that is C++.
class HeavyServer : public World, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Both, HeavyServer, testing::Bool(),
                         [](const auto& test) { return test.param ? "Cpp" : "Node"; });

TEST_P(HeavyServer, LetsEverybodyWaitForWorkThatIsDoneOnTheLoop) {
  if (!GetParam() && !has_node()) GTEST_SKIP() << "there is no Node";
  Program& server = start_heavy(Ends{GetParam(), GetParam()}, {"--port", "0"});
  const int port = server.number("listening on port ");
  const Client worker(port);
  const Client other(port);
  worker.send("GET /work?ms=500 HTTP/1.1\r\nHost: x\r\n\r\n");
  server.line("work begins");
  other.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(other.read_until("Hello World\n").ends_with("Hello World\n"));
  EXPECT_TRUE(worker.has_answer());
  // The loop knows how long it was away.
  const std::string lag = http_get(port, "/lag");
  EXPECT_GE(std::stoi(lag.substr(lag.find("\r\n\r\n"))), 400);
}

}  // namespace
}  // namespace baton::test
