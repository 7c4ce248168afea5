// The face of echo_primary with a real Node as the child; with either serialization.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "interop/json_table.h"
#include "interop/node.h"
#include "process/either_end.h"
#include "process/faces/typed_values.h"

namespace baton::test {
namespace {

using Texts = std::vector<std::string>;

class EchoPrimaryOfNode : public ProcessTest, public testing::WithParamInterface<Serialization> {
 protected:
  void SetUp() override {
    if (node_program().empty()) GTEST_SKIP() << "there is no Node";
  }
  void start() {
    primary = Program(built("echo_primary"),
                      {"--serialization", GetParam() == Serialization::advanced ? "advanced" : "json",
                       std::string(BATON_SOURCES) + "/tests/interop/echo_worker.js"},
                      StartOptions().variable("BATON_NODE", node_program()));
    const std::string ready = line();
    ASSERT_TRUE(ready.starts_with("{\"ready\":")) << ready;
    child = ready.substr(9, ready.size() - 10);
  }
  std::string line() { return primary.output.next().value_or("the end"); }
  uint16_t listening() {
    const std::string text = line();
    EXPECT_TRUE(text.starts_with("{\"listening\":")) << text;
    return static_cast<uint16_t>(std::atoi(text.substr(13).c_str()));
  }
  void expect_end(const std::string& exit = R"({"exit":{"code":0,"signal":null}})") {
    EXPECT_EQ(primary.output.rest(), Texts{exit});
    EXPECT_EQ(primary.errors.rest(), Texts());
    EXPECT_EQ(primary.end(), "exit 0");
  }

  Program primary;
  std::string child;
};
INSTANTIATE_TEST_SUITE_P(, EchoPrimaryOfNode, testing::Values(Serialization::json, Serialization::advanced),
                         [](const auto& test) {
                           return test.param == Serialization::advanced ? "advanced" : "json";
                         });

TEST_P(EchoPrimaryOfNode, SendsEachLineAndPrintsEachMessage) {
  start();
  for (const std::string& text : json_table()) {
    primary.say(text);
    EXPECT_EQ(line(), "{\"echo\":" + text + "}");
  }
  primary.close_input();
  expect_end();
}

TEST_P(EchoPrimaryOfNode, TypesAndPrintsWhatJsonLacksIfTheSerializationHasIt) {
  start();
  const bool has_float16 = node_version() >= 24;
  for (const std::string& text : typed_values) {
    if (text.contains("Float16Array") && GetParam() == Serialization::advanced && !has_float16) continue;
    primary.say(text);
    EXPECT_EQ(line(), "{\"echo\":" + text + "}");
  }
  primary.close_input();
  expect_end();
}

// JSON has no word for it.
class AdvancedEchoPrimaryOfNode : public EchoPrimaryOfNode {};
INSTANTIATE_TEST_SUITE_P(, AdvancedEchoPrimaryOfNode, testing::Values(Serialization::advanced),
                         [](const auto&) { return "advanced"; });

TEST_P(AdvancedEchoPrimaryOfNode, KeepsWhatIsTheSameObjectTheSame) {
  start();
  for (const auto& [text, echo] : typed_references) {
    primary.say(text);
    EXPECT_EQ(line(), "{\"echo\":" + echo + "}");
  }
  primary.close_input();
  expect_end();
}

TEST_P(EchoPrimaryOfNode, SendsServersThatTheChildServes) {
  start();
  primary.say(":server 0");
  const uint16_t port = listening();
  EXPECT_EQ(line(), R"({"got":"net.Server","with":{"handle":"server"}})");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(port), "served by " + child + "\n");
  primary.say(":disconnect");
  expect_end();
}

TEST_P(EchoPrimaryOfNode, SendsEachConnectionThatItAccepts) {
  start();
  primary.say(":sockets 0");
  const uint16_t port = listening();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(port), "handled by " + child + "\n");
    EXPECT_EQ(line(), R"({"got":"net.Socket","with":{"handle":"socket"}})");
  }
  primary.close_input();
  expect_end();
}

TEST_P(EchoPrimaryOfNode, SendsAUdpSocketThatTheChildReceivesFrom) {
  start();
  primary.say(":udp 0");
  const uint16_t port = listening();
  EXPECT_EQ(line(), R"({"got":"dgram.Socket","with":{"handle":"udp"}})");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask_udp(port, std::to_string(i)), std::to_string(i));
  primary.close_input();
  expect_end();
}

TEST_P(EchoPrimaryOfNode, SendsABoundSocketThatTheChildListensOn) {
  if (node_version() < 26) GTEST_SKIP() << "a Node before 26 cannot send a net.BoundSocket";
  start();
  primary.say(":bound 0");
  const uint16_t port = listening();
  EXPECT_EQ(line(), R"({"got":"net.BoundSocket","with":{"handle":"bound"}})");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(port), "served by " + child + "\n");
  primary.close_input();
  expect_end();
}

TEST_P(EchoPrimaryOfNode, ClosesEachHandleThatComesAndPrintsItsMessage) {
  start();
  const auto before = primary.descriptors();
  for (const std::string type : {"net.Server", "net.Socket", "net.Native", "dgram.Socket", "dgram.Native"}) {
    primary.say(R"({"give":")" + type + "\"}");
    const std::string given = line();
    EXPECT_TRUE(given.starts_with(R"({"given":")" + type + R"(","port":)")) << given;
  }
  primary.say("1");
  EXPECT_EQ(line(), "{\"echo\":1}");
  EXPECT_EQ(primary.descriptors(), before);
  primary.close_input();
  expect_end();
}

TEST_P(EchoPrimaryOfNode, PrintsHowTheChildEnded) {
  start();
  primary.say(":kill SIGKILL");
  expect_end(R"({"exit":{"code":null,"signal":"SIGKILL"}})");
}

}  // namespace
}  // namespace baton::test
