// The face of echo_worker, sentence by sentence, with this test as its parent.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "baton/base/descriptor_kind.h"
#include "process/either_end.h"

namespace baton::test {
namespace {

using Texts = std::vector<std::string>;

class EchoWorker : public ProcessTest, public testing::WithParamInterface<Serialization> {
 protected:
  void SetUp() override {
    std::tie(worker, channel) = start_with_channel(built("echo_worker"), {}, GetParam());
    pid = std::to_string(worker.pid());
    EXPECT_EQ(heard(), "{\"ready\":" + pid + "}");
  }
  bool say(std::string_view json) { return channel.write(framed(json, GetParam())); }
  std::optional<std::string> heard() { return next_message(channel, GetParam()); }
  void expect(const std::string& line) { EXPECT_EQ(heard(), line); }
  void expect_exit(const std::string& how) {
    EXPECT_EQ(worker.end(), how);
    EXPECT_EQ(worker.output.rest(), Texts());
    EXPECT_EQ(worker.errors.rest(), Texts());
  }
  void say_with(std::string_view text, const Fd& descriptor) {
    const int number = descriptor.get();
    channel.write_with(framed(text, GetParam()), {&number, 1});
  }
  /// The descriptor that comes with the next line, which says "given".
  Fd given(const std::string& type, uint16_t& port, const std::string& ends = "}}") {
    const std::string begins =
        R"({"cmd":"NODE_HANDLE","type":")" + type + R"(","msg":{"given":")" + type + R"(","port":)";
    const std::string line = heard().value_or("the end");
    EXPECT_TRUE(line.starts_with(begins)) << line;
    EXPECT_TRUE(line.ends_with(ends)) << line;
    if (channel.received.size() != 1) return {};
    port = static_cast<uint16_t>(std::atoi(line.substr(begins.size()).c_str()));
    say(R"({"cmd":"NODE_HANDLE_ACK"})");
    Fd handle = std::move(channel.received.front());
    channel.received.clear();
    return handle;
  }
  const std::string take_server = R"({"cmd":"NODE_HANDLE","type":"net.Server","msg":{"serve":1}})";

  RawChannel channel;
  Program worker;
  std::string pid;
};

INSTANTIATE_TEST_SUITE_P(, EchoWorker, testing::Values(Serialization::json, Serialization::advanced),
                         [](const auto& test) {
                           return test.param == Serialization::advanced ? "advanced" : "json";
                         });

TEST_P(EchoWorker, EchoesEveryKindOfMessage) {
  for (const std::string message :
       {"null", "true", "1.5", "-0", "\"text\"", "[]", "{}", "[1,[2,{\"a\":null}]]",
        "{\"cmd\":\"fooNODE_BAR\"}", "{\"cmd\":\"NODE_\"}", "{\"cmd\":5}", "{\"give\":1,\"more\":2}",
        "{\"echo\":\"bye\"}", "[\"bye\"]", "\"Bye\""}) {
    say(message);
    expect("{\"echo\":" + (message == "-0" ? "0" : message) + "}");
  }
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, DoesNotEchoWhatIsInternal) {
  say(R"({"cmd":"NODE_SOMETHING"})");
  say("1");
  expect("{\"echo\":1}");
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, ServesTheConnectionsOfAServer) {
  const Fd listener = tcp_listener();
  say_with(take_server, listener);
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  expect(R"({"got":"net.Server","with":{"serve":1}})");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(port_of(listener.get())), "served by " + pid + "\n");
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, HandlesASocketAndShutsItsWritingSide) {
  for (const std::string type : {"net.Socket", "net.Native"}) {
    auto [near, far] = tcp_connection();
    say_with(R"({"cmd":"NODE_HANDLE","type":")" + type + R"(","msg":null})", near);
    near.reset();
    expect(R"({"cmd":"NODE_HANDLE_ACK"})");
    expect(R"({"got":")" + type + R"(","with":null})");
    EXPECT_EQ(read_all(far.get()), "handled by " + pid + "\n");
  }
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, ServesANativeThatListensAsAServer) {
  const Fd listener = tcp_listener();
  say_with(R"({"cmd":"NODE_HANDLE","type":"net.Native","msg":0})", listener);
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  expect(R"({"got":"net.Native","with":0})");
  EXPECT_EQ(ask(port_of(listener.get())), "served by " + pid + "\n");
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, EchoesEachDatagramOfAUdpSocket) {
  const std::string socket = R"({"cmd":"NODE_HANDLE","type":"dgram.Socket","msg":1,"dgramType":"udp4"})";
  const std::string native = R"({"cmd":"NODE_HANDLE","type":"dgram.Native","msg":1})";
  for (const auto& [type, line] : {std::pair("dgram.Socket", socket), std::pair("dgram.Native", native)}) {
    Fd udp = udp_socket();
    const uint16_t port = port_of(udp.get());
    say_with(line, udp);
    udp.reset();
    expect(R"({"cmd":"NODE_HANDLE_ACK"})");
    expect(R"({"got":")" + std::string(type) + R"(","with":1})");
    for (const std::string text : {"one", "", "two"}) EXPECT_EQ(ask_udp(port, text), text);
  }
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, ListensOnABoundSocketAndServesIt) {
  Fd bound = bound_socket();
  const uint16_t port = port_of(bound.get());
  say_with(R"({"cmd":"NODE_HANDLE","type":"net.BoundSocket","msg":1})", bound);
  bound.reset();
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  expect(R"({"got":"net.BoundSocket","with":1})");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(port), "served by " + pid + "\n");
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, SaysThatItCannotListenWhereAnotherDoes) {
  const Fd bound = bound_socket();
  const int on = 1;
  ::setsockopt(bound.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(listening.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(bound.get(), reinterpret_cast<sockaddr*>(&address), &length);
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const int off = 0;
  ::setsockopt(bound.get(), SOL_SOCKET, SO_REUSEPORT, &off, sizeof off);
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  say_with(R"({"cmd":"NODE_HANDLE","type":"net.BoundSocket","msg":1})", bound);
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  expect(R"({"got":"net.BoundSocket","with":1})");
  const std::string answer = heard().value_or("the end");
  EXPECT_TRUE(answer.starts_with("{\"error\":\"listen 127.0.0.1:")) << answer;
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, ReadsWhatThePeerOfASocketStillSendsSoThatNothingIsReset) {
  auto [near, far] = tcp_connection();
  say_with(R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":1})", near);
  near.reset();
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  expect(R"({"got":"net.Socket","with":1})");
  // More than the kernel would keep for it.
  const std::string much(16 << 20, 'x');
  size_t sent = 0;
  while (sent < much.size()) {
    const ssize_t taken = ::send(far.get(), much.data() + sent, much.size() - sent, MSG_NOSIGNAL);
    ASSERT_GT(taken, 0);
    sent += static_cast<size_t>(taken);
  }
  ::shutdown(far.get(), SHUT_WR);
  EXPECT_EQ(read_all(far.get()), "handled by " + pid + "\n");
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, FinishesAConnectionThatItAcceptedBeforeItExits) {
  const Fd listener = tcp_listener();
  say_with(take_server, listener);
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  expect(R"({"got":"net.Server","with":{"serve":1}})");
  auto [near, far] = tcp_connection();
  say_with(R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":1})", near);
  near.reset();
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  channel.close();
  EXPECT_EQ(read_all(far.get()), "handled by " + pid + "\n");
  far.reset();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, LeavesOnByeAfterEverythingItSentHasLeft) {
  const std::string text = "\"" + std::string(1 << 20, 'x') + "\"";
  constexpr int count = 20;
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(say(text));
    // Its answers wait for us; the kernel holds a fraction of one.
    if (i == 0) continue;
    EXPECT_TRUE(heard() == "{\"echo\":" + text + "}");
  }
  say("\"bye\"");
  EXPECT_TRUE(heard() == "{\"echo\":" + text + "}");
  EXPECT_EQ(heard(), std::nullopt);
  expect_exit("exit 0");
}

TEST_P(EchoWorker, LeavesOnByeWithoutAnEcho) {
  say("\"bye\"");
  EXPECT_EQ(heard(), std::nullopt);
  expect_exit("exit 0");
}

TEST_P(EchoWorker, LeavesOnByeOnlyWhenTheHandleItGaveHasBeenAcknowledged) {
  say(R"({"give":"net.Server"})");
  say("\"bye\"");
  uint16_t port = 0;
  EXPECT_TRUE(given("net.Server", port));
  EXPECT_EQ(heard(), std::nullopt);
  expect_exit("exit 0");
}

TEST_P(EchoWorker, DiesOfAnExceptionWithCodeOne) {
  say("1");
  say("\"throw\"");
  expect("{\"echo\":1}");
  EXPECT_EQ(heard(), std::nullopt);
  EXPECT_EQ(worker.end(), "exit 1");
  const Texts errors = worker.errors.rest();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find("asked to"), std::string::npos) << errors[0];
}

TEST_P(EchoWorker, GivesAServerThatItServesToo) {
  say(R"({"give":"net.Server"})");
  uint16_t port = 0;
  Fd listener = given("net.Server", port);
  ASSERT_TRUE(listener);
  EXPECT_EQ(port_of(listener.get()), port);
  EXPECT_EQ(ask(port), "served by " + pid + "\n");
  listener.reset();
  EXPECT_EQ(ask(port), "served by " + pid + "\n");
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, GivesASocketWhoseFarEndItServes) {
  say(R"({"give":"net.Socket"})");
  uint16_t port = 0;
  const Fd near = given("net.Socket", port);
  ASSERT_TRUE(near);
  EXPECT_EQ(port_of(near.get()), port);
  EXPECT_EQ(read_all(near.get()), "handled by " + pid + "\n");
  channel.close();
  ::shutdown(near.get(), SHUT_WR);
  expect_exit("exit 0");
}

TEST_P(EchoWorker, GivesABareListenerThatItDoesNotServe) {
  say(R"({"give":"net.Native"})");
  uint16_t port = 0;
  const Fd listener = given("net.Native", port);
  ASSERT_TRUE(listener);
  EXPECT_EQ(port_of(listener.get()), port);
  say("1");
  expect("{\"echo\":1}");
  const Fd client = connect_to(port);
  const Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(accepted);
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, GivesABoundSocketThatDoesNotListen) {
  say(R"({"give":"net.BoundSocket"})");
  uint16_t port = 0;
  const Fd bound = given("net.BoundSocket", port);
  ASSERT_TRUE(bound);
  EXPECT_EQ(port_of(bound.get()), port);
  EXPECT_EQ(descriptor_kind(bound.get()), DescriptorKind::tcp);
  EXPECT_EQ(::listen(bound.get(), 1), 0);
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, GivesAUdpSocketThatItEchoesOnToo) {
  say(R"({"give":"dgram.Socket"})");
  uint16_t port = 0;
  const Fd udp = given("dgram.Socket", port, R"(},"dgramType":"udp4"})");
  ASSERT_TRUE(udp);
  EXPECT_EQ(port_of(udp.get()), port);
  EXPECT_EQ(ask_udp(port, "hello"), "hello");
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, GivesABareUdpSocket) {
  say(R"({"give":"dgram.Native"})");
  uint16_t port = 0;
  const Fd udp = given("dgram.Native", port);
  ASSERT_TRUE(udp);
  EXPECT_EQ(port_of(udp.get()), port);
  EXPECT_EQ(descriptor_kind(udp.get()), DescriptorKind::udp);
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, SaysThatItCannotGiveWhatItDoesNotKnow) {
  for (const char* kind : {"\"net.Teapot\"", "null", "{\"a\":1}", "\"\""}) {
    say("{\"give\":" + std::string(kind) + "}");
    const auto answer = heard();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->starts_with("{\"error\":\"")) << *answer;
  }
  channel.close();
  expect_exit("exit 0");
}

TEST_P(EchoWorker, AnswersEverythingThatAParentSentWhichShutItsWritingHalf) {
  for (int i = 0; i < 2000; ++i) say(std::to_string(i));
  channel.shut_writing();
  for (int i = 0; i < 2000; ++i) expect("{\"echo\":" + std::to_string(i) + "}");
  EXPECT_EQ(heard(), std::nullopt);
  expect_exit("exit 0");
}

TEST_P(EchoWorker, StillGivesAHandleToAParentThatShutItsWritingHalf) {
  auto [near, far] = tcp_connection();
  say_with(R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":1})", near);
  near.reset();
  channel.shut_writing();
  expect(R"({"cmd":"NODE_HANDLE_ACK"})");
  expect(R"({"got":"net.Socket","with":1})");
  EXPECT_EQ(read_all(far.get()), "handled by " + pid + "\n");
  far.reset();
  EXPECT_EQ(heard(), std::nullopt);
  expect_exit("exit 0");
}

TEST_P(EchoWorker, ExitsWithZeroWhenTheChannelEnds) {
  channel.close();
  expect_exit("exit 0");
}

// --- its command line

class EchoWorkerThatIsTold : public ProcessTest {
 protected:
  /// How it ends that is started with this channel and these arguments, and what it then says.
  static std::pair<std::string, Texts> told(const Texts& arguments, Serialization channel) {
    auto [worker, ours] = start_with_channel(built("echo_worker"), arguments, channel);
    const auto first = next_message(ours, channel);
    if (first) ours.write(framed("\"bye\"", channel));
    Texts errors = worker.errors.rest();
    std::string end = worker.end();
    EXPECT_EQ(first.has_value(), end == "exit 0");
    return {std::move(end), std::move(errors)};
  }
};

TEST_F(EchoWorkerThatIsTold, TheSerializationThatTheChannelHasEchoes) {
  for (const auto& [word, channel] :
       {std::pair("json", Serialization::json), std::pair("advanced", Serialization::advanced)}) {
    const auto [end, errors] = told({"--serialization", word}, channel);
    EXPECT_EQ(end, "exit 0");
    EXPECT_EQ(errors, Texts());
  }
}

TEST_F(EchoWorkerThatIsTold, AnotherSerializationExitsWithTwoAndSaysWhichItIs) {
  for (const auto& [word, channel, spoken] : {std::tuple("advanced", Serialization::json, "json"),
                                              std::tuple("json", Serialization::advanced, "advanced"),
                                              std::tuple("yaml", Serialization::json, "json")}) {
    const auto [end, errors] = told({"--serialization", word}, channel);
    EXPECT_EQ(end, "exit 2");
    EXPECT_EQ(errors, Texts{std::string("echo_worker: the parent's serialization is ") + spoken});
  }
}

}  // namespace
}  // namespace baton::test
