// Node's own HTTP client at Baton's server, and, so that it is known to be right, at Node's; and Baton's at
// Node's.

#include <string>
#include <vector>

#include "interop/world.h"

namespace baton::test {
namespace {

class NodesHttpClient : public World {
 protected:
  void please_with(Program& server) {
    const std::string port = std::to_string(server.number("port "));
    Program& client = run({node_program(), source("tests/interop/http/client.js"), port});
    EXPECT_EQ(
        client.rest(),
        (std::vector<std::string>{
            "an answer in chunks", "an answer of nothing", "a streamed upload", "a body of known length",
            "trailers both ways", "100 Continue", "a body that is not wanted", "another expectation",
            "an upgrade", "one connection for many requests", "five connections for many requests at once",
            "a client that goes away amid an upload, and another"}));
    EXPECT_EQ(client.wait(), 0);
  }
};

TEST_F(NodesHttpClient, IsPleasedWithBaton) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  please_with(run({built("http_echo_server")}));
}

TEST_F(NodesHttpClient, IsPleasedWithNode) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  please_with(run({node_program(), source("tests/interop/http/echo_server.js")}));
}

class BatonsHttpClient : public World {};

TEST_F(BatonsHttpClient, IsPleasedWithNode) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  Program& server = run({node_program(), source("tests/interop/http/fetched.js")});
  Program& client = run({built("http_fetching"), std::to_string(server.number("port "))});
  EXPECT_EQ(client.rest(),
            (std::vector<std::string>{
                "a body of known length", "chunks and a trailer", "answers without a body",
                "a POST without expectations", "an upload in chunks", "an upload of known length",
                "one connection for many requests", "five connections for many requests at once",
                "connections that end after each request", "a body that is not wanted"}));
  EXPECT_EQ(client.wait(), 0);
}

}  // namespace
}  // namespace baton::test
