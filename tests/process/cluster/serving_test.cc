// HTTP in a worker, with a server that the program made and set up itself.

#include "process/cluster/cluster_test.h"

namespace baton::test {
namespace {

class Serving : public Cluster {
 protected:
  void SetUp() override {
    start();
    serve(1, R"(,"hooks":1)");
  }
};

TEST_F(Serving, AnUpgradedConnectionIsTheProgramsAndIsWaitedForWhenTheWorkerLeaves) {
  Client client(port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst");
  EXPECT_EQ(client.until("first"), "HTTP/1.1 101 Switching Protocols\r\n\r\nfirst");
  primary.say("leave 1");
  expect(R"(1 says "leaving")");
  client.send("then");
  EXPECT_EQ(client.until("then"), "then");
  // Longer than the grace of an HTTP connection.
  EXPECT_FALSE(client.readable(500));
  client.close();
  expect("1 exit: exit code 0, meant");
  stop();
}

TEST_F(Serving, ExpectationsAreThePrograms) {
  for (const auto& [expectation, status] : {std::pair("100-continue", "401"), std::pair("the best", "418")}) {
    Client client(port);
    client.get("/", "Connection: close\r\nExpect: " + std::string(expectation) + "\r\n");
    const std::string answer = client.rest();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(status))) << answer;
  }
  stop();
}

TEST_F(Serving, TheServerKeepsItsOptions) {
  Client client(port);
  client.get("/", "X: " + std::string(300, 'x') + "\r\n");
  const std::string status = client.until("\r\n");
  EXPECT_TRUE(status.starts_with("HTTP/1.1 431")) << status;
  client.close();
  stop();
}

TEST_F(Serving, RequestsWithoutHooksGoToTheHandler) {
  EXPECT_EQ(ask(), pid_of(workers[0]));
  stop();
}

}  // namespace
}  // namespace baton::test
