// The face of echo_primary, sentence by sentence, as its user drives it.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "process/either_end.h"
#include "process/faces/typed_values.h"

namespace baton::test {
namespace {

using Texts = std::vector<std::string>;
const std::string exited = R"({"exit":{"code":0,"signal":null}})";

class EchoPrimary : public ProcessTest {
 protected:
  void start(const Texts& arguments, const StartOptions& options = StartOptions()) {
    primary = Program(built("echo_primary"), arguments, options);
  }
  /// With echo_worker as the child.
  void start_with_worker() {
    start({built("echo_worker")});
    ready = line();
    EXPECT_TRUE(ready.starts_with("{\"ready\":")) << ready;
    worker = ready.substr(9, ready.size() - 10);
  }
  std::string line() { return primary.output.next().value_or("the end"); }
  void expect_error(const std::string& text) {
    const std::string error = primary.errors.next().value_or("the end");
    EXPECT_NE(error.find(text), std::string::npos) << error;
  }
  void expect_end(const std::string& last_line = exited) {
    EXPECT_EQ(primary.output.rest(), Texts{last_line});
    EXPECT_EQ(primary.errors.rest(), Texts());
    EXPECT_EQ(primary.end(), "exit 0");
  }
  uint16_t listening() {
    const std::string text = line();
    EXPECT_TRUE(text.starts_with("{\"listening\":")) << text;
    return static_cast<uint16_t>(std::atoi(text.substr(13).c_str()));
  }

  Program primary;
  std::string ready, worker;
};

TEST_F(EchoPrimary, WithoutAModuleIsAUsageError) {
  start({});
  EXPECT_EQ(primary.output.rest(), Texts());
  const Texts errors = primary.errors.rest();
  EXPECT_EQ(errors.size(), 1U) << testing::PrintToString(errors);
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors[0].find("usage: echo_primary MODULE [ARG...]"), std::string::npos);
  EXPECT_EQ(primary.end(), "exit 2");
}

TEST_F(EchoPrimary, NamesTheModuleThatIsMissing) {
  for (const std::string module :
       {"/nowhere/child", "./nowhere", "nowhere", "/nowhere/child.js", "nowhere.mjs", "x.cjs"}) {
    start({module});
    EXPECT_EQ(primary.output.rest(), Texts());
    const Texts errors = primary.errors.rest();
    ASSERT_EQ(errors.size(), 1U) << testing::PrintToString(errors);
    EXPECT_NE(errors[0].find(module), std::string::npos) << errors[0];
    EXPECT_NE(errors[0].find("no such file or directory"), std::string::npos) << errors[0];
    EXPECT_EQ(primary.end(), "exit 1");
  }
}

TEST_F(EchoPrimary, NamesTheInterpreterThatIsMissing) {
  const std::string script = "/proc/self/status.js";
  start({script}, StartOptions().variable("BATON_NODE", "/nowhere/node"));
  const Texts errors = primary.errors.rest();
  ASSERT_EQ(errors.size(), 1U) << testing::PrintToString(errors);
  EXPECT_EQ(primary.end(), "exit 1");
}

TEST_F(EchoPrimary, PassesItsArgumentsToTheModule) {
  start({built("peer"), "script", "line", "\"first\"", "line", "\"second\""});
  EXPECT_EQ(line(), "\"first\"");
  EXPECT_EQ(line(), "\"second\"");
  expect_end();
}

TEST_F(EchoPrimary, SendsEachLineAndPrintsEachMessage) {
  start_with_worker();
  for (const char* message : {"1", "\"text\"", " [ 1 , 2 ] ", "{\"a\":{\"b\":null}}\r"}) primary.say(message);
  EXPECT_EQ(line(), "{\"echo\":1}");
  EXPECT_EQ(line(), "{\"echo\":\"text\"}");
  EXPECT_EQ(line(), "{\"echo\":[1,2]}");
  EXPECT_EQ(line(), "{\"echo\":{\"a\":{\"b\":null}}}");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, WithAdvancedSerializationTypesAndPrintsWhatJsonLacks) {
  start({"--serialization", "advanced", built("echo_worker")});
  EXPECT_TRUE(line().starts_with("{\"ready\":"));
  for (const std::string& text : typed_values) {
    primary.say(text);
    EXPECT_EQ(line(), "{\"echo\":" + text + "}");
  }
  for (const auto& [text, echo] : typed_references) {
    primary.say(text);
    EXPECT_EQ(line(), "{\"echo\":" + echo + "}");
  }
  primary.say(R"({"$array":[],"length":4000000000,"others":{"7":1}})");
  EXPECT_EQ(line(), R"({"echo":{"$array":[],"length":4000000000,"others":{"7":1}}})");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, WithAdvancedSerializationComplainsOfWhatStandsForNothing) {
  start({"--serialization", "advanced", built("echo_worker")});
  EXPECT_TRUE(line().starts_with("{\"ready\":"));
  for (const char* bad : {R"({"$bigint":"x"})", R"({"$number":"1"})", R"({"$bytes":"!","kind":"Buffer"})",
                          R"({"$bytes":"AQ==","kind":"Int16Array"})", R"({"$unknown":1})",
                          R"([{"$map":[1]}])", R"({"$regexp":"a","flags":"x"})", R"({"$error":{"code":1}})",
                          R"({"$ref":-1})", R"({"$date":"now"})", R"({"$boxed":{}})"}) {
    primary.say(bad);
    expect_error("echo_primary: $");
    primary.say("1");
    EXPECT_EQ(line(), "{\"echo\":1}") << bad;
  }
  for (const char* refused : {R"({"$undefined":true})", R"({"$ref":0})"}) {
    primary.say(refused);
    expect_error("send: ");
  }
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, WithJsonInterpretsNothing) {
  for (const Texts& arguments :
       {Texts{built("echo_worker")}, Texts{"--serialization", "json", built("echo_worker")}}) {
    start(arguments);
    EXPECT_TRUE(line().starts_with("{\"ready\":"));
    for (const std::string& text : typed_values) {
      primary.say(text);
      EXPECT_EQ(line(), "{\"echo\":" + text + "}");
    }
    primary.close_input();
    expect_end();
  }
}

TEST_F(EchoPrimary, RefusesASerializationThatDoesNotExist) {
  start({"--serialization", "yaml", built("echo_worker")});
  EXPECT_EQ(primary.errors.rest().size(), 1U);
  EXPECT_EQ(primary.end(), "exit 2");
}

TEST_F(EchoPrimary, SkipsBlankLines) {
  start_with_worker();
  for (const char* message : {"", "  ", "\t", "\r", "1"}) primary.say(message);
  EXPECT_EQ(line(), "{\"echo\":1}");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, ComplainsInOneLineOfALineThatIsNoJsonAndGoesOn) {
  start_with_worker();
  for (const char* bad : {"{", "nonsense", "1 2", "undefined"}) {
    primary.say(bad);
    expect_error("echo_primary: not sent: ");
  }
  primary.say("1");
  EXPECT_EQ(line(), "{\"echo\":1}");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, ComplainsInOneLineOfAnUnknownCommandAndGoesOn) {
  start_with_worker();
  for (const std::string bad : {":", ":sing", ":servers 0", ":Server 0"}) {
    primary.say(bad);
    expect_error(bad);
  }
  for (const char* bad : {":server", ":server x", ":server 65536", ":server -1", ":sockets 1x", ":server 1 2",
                          ":udp", ":bound x"}) {
    primary.say(bad);
    expect_error("not a port");
  }
  for (const char* bad : {":kill", ":kill SIGNOTHING", ":kill 9000"}) {
    primary.say(bad);
    expect_error("no such signal");
  }
  primary.say("1");
  EXPECT_EQ(line(), "{\"echo\":1}");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, ComplainsInOneLineOfAPortThatIsTakenAndGoesOn) {
  start_with_worker();
  const Fd listener = tcp_listener();
  const std::string port = std::to_string(port_of(listener.get()));
  for (const char* command : {":server ", ":sockets ", ":bound "}) {
    primary.say(command + port);
    expect_error(port);
  }
  const Fd udp = udp_socket();
  primary.say(":udp " + std::to_string(port_of(udp.get())));
  expect_error(std::to_string(port_of(udp.get())) + ": bind: address already in use");
  primary.say("1");
  EXPECT_EQ(line(), "{\"echo\":1}");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, SendsAListenerThatOnlyTheChildServes) {
  start_with_worker();
  primary.say(":server 0");
  const uint16_t port = listening();
  EXPECT_EQ(line(), R"({"got":"net.Server","with":{"handle":"server"}})");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(port), "served by " + worker + "\n");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, SendsEachConnectionThatItAccepts) {
  start_with_worker();
  primary.say(":sockets 0");
  const uint16_t port = listening();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ask(port), "handled by " + worker + "\n");
    EXPECT_EQ(line(), R"({"got":"net.Socket","with":{"handle":"socket"}})");
  }
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, SendsAUdpSocketThatOnlyTheChildReceivesFrom) {
  start_with_worker();
  const auto before = primary.descriptors();
  primary.say(":udp 0");
  const uint16_t port = listening();
  EXPECT_EQ(line(), R"({"got":"dgram.Socket","with":{"handle":"udp"}})");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask_udp(port, std::to_string(i)), std::to_string(i));
  EXPECT_EQ(primary.descriptors(), before);
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, SendsABoundSocketThatTheChildListensOn) {
  start_with_worker();
  primary.say(":bound 0");
  const uint16_t port = listening();
  EXPECT_EQ(line(), R"({"got":"net.BoundSocket","with":{"handle":"bound"}})");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(port), "served by " + worker + "\n");
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, ClosesAHandleThatComesAndPrintsItsMessage) {
  start_with_worker();
  const auto before = primary.descriptors();
  primary.say(R"({"give":"net.Server"})");
  EXPECT_TRUE(line().starts_with(R"({"given":"net.Server","port":)"));
  for (const std::string type :
       {"net.Socket", "net.Native", "net.BoundSocket", "dgram.Socket", "dgram.Native"}) {
    primary.say(R"({"give":")" + type + "\"}");
    EXPECT_TRUE(line().starts_with(R"({"given":")" + type + R"(","port":)"));
  }
  primary.say("1");
  EXPECT_EQ(line(), "{\"echo\":1}");
  EXPECT_EQ(primary.descriptors(), before);
  primary.close_input();
  expect_end();
}

TEST_F(EchoPrimary, DisconnectsWhenAskedToAndPrintsWhatStillArrives) {
  start_with_worker();
  for (int i = 0; i < 500; ++i) primary.say(std::to_string(i));
  primary.say(":disconnect");
  for (int i = 0; i < 500; ++i) EXPECT_EQ(line(), "{\"echo\":" + std::to_string(i) + "}");
  expect_end();
}

TEST_F(EchoPrimary, ComplainsInOneLineOfASendAfterDisconnectAndGoesOn) {
  start_with_worker();
  primary.say(":disconnect\n1\n:disconnect\n:server 0");
  expect_error("send: disconnected");
  listening();
  expect_error("send: disconnected");
  expect_end();
}

TEST_F(EchoPrimary, KillsTheChildWithTheSignalThatIsNamed) {
  for (const std::string signal : {"SIGTERM", "SIGKILL", "SIGINT", "SIGHUP"}) {
    start_with_worker();
    primary.say(":kill " + signal);
    expect_end(R"({"exit":{"code":null,"signal":")" + signal + "\"}}");
  }
}

TEST_F(EchoPrimary, PrintsHowTheChildExited) {
  start({built("peer"), "no such mode"});
  expect_error("peer: how shall I misbehave?");
  expect_end(R"({"exit":{"code":2,"signal":null}})");
  start({built("peer"), "script", "die"});
  expect_end(R"({"exit":{"code":null,"signal":"SIGKILL"}})");
}

TEST_F(EchoPrimary, LearnsTheExceptionThatItsChildDiesOf) {
  start_with_worker();
  primary.say("1");
  primary.say("\"throw\"");
  EXPECT_EQ(line(), "{\"echo\":1}");
  EXPECT_EQ(primary.output.rest(), Texts{R"({"exit":{"code":1,"signal":null}})"});
  // The child says it itself, on the standard error that it inherited, and so does the parent.
  Texts errors = primary.errors.rest();
  ASSERT_EQ(errors.size(), 2U) << testing::PrintToString(errors);
  std::ranges::sort(errors);
  EXPECT_EQ(errors[0], "echo_primary: the child died of: asked to");
  EXPECT_TRUE(errors[1].starts_with("echo_worker (pid ")) << errors[1];
  EXPECT_TRUE(errors[1].ends_with("): uncaught exception: asked to")) << errors[1];
  EXPECT_EQ(primary.end(), "exit 0");
}

TEST_F(EchoPrimary, SendsEverythingThatIsQueuedAtTheEndOfInputAndPrintsEveryAnswer) {
  start_with_worker();
  const std::string text = "\"" + std::string(30000, 'x') + "\"";
  // The answers are read only after everything was typed: nothing may be lost on any of the ways.
  Texts expected;
  for (int i = 0; i < 2; ++i) {
    primary.say(text);
    expected.push_back("{\"echo\":" + text + "}");
  }
  primary.say("\"bye\"");
  primary.close_input();
  expected.push_back(exited);
  EXPECT_EQ(primary.output.rest(), expected);
  EXPECT_EQ(primary.errors.rest(), Texts());
  EXPECT_EQ(primary.end(), "exit 0");
}

TEST_F(EchoPrimary, TakesALastLineWithoutItsEnd) {
  start_with_worker();
  primary.say_bytes("[1]\n[2]");
  primary.close_input();
  EXPECT_EQ(primary.output.rest(), (Texts{"{\"echo\":[1]}", "{\"echo\":[2]}", exited}));
  EXPECT_EQ(primary.end(), "exit 0");
}

TEST_F(EchoPrimary, ReadsItsInputFromAFileToo) {
  char name[] = "/tmp/baton-echo-primary-XXXXXX";
  const Fd file(::mkstemp(name));
  ASSERT_TRUE(file);
  ::unlink(name);
  std::string input;
  for (int i = 0; i < 50000; ++i) input += std::to_string(i) + "\n";
  ASSERT_EQ(::pwrite(file.get(), input.data(), input.size(), 0), static_cast<ssize_t>(input.size()));
  start({built("echo_worker")}, StartOptions().descriptor(0, file.get()));
  line();
  for (int i = 0; i < 50000; ++i) ASSERT_EQ(line(), "{\"echo\":" + std::to_string(i) + "}");
  expect_end();
}

TEST_F(EchoPrimary, ReadsNothingFromDevNull) {
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  start({built("echo_worker")}, StartOptions().descriptor(0, nothing.get()));
  line();
  expect_end();
}

TEST_F(EchoPrimary, KeepsTheOutputOfTheChildApartFromItsOwn) {
  start({built("peer"), "script", "line", "1", "read"});
  EXPECT_EQ(line(), "1");
  primary.say("[\"printed by the child\"]");
  expect_error("[\"printed by the child\"]");
  expect_end();
}

TEST_F(EchoPrimary, ExitsWhenTheChildDoesAlthoughItsInputIsOpen) {
  start_with_worker();
  primary.say("\"bye\"");
  expect_end();
}

}  // namespace
}  // namespace baton::test
