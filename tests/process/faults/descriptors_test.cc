// Descriptors that come as they should not: rows 11 to 17 and 21 of the faults of the channel.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "process/either_end.h"
#include "process/faults/limits.h"

namespace baton::test {
namespace {

std::string envelope(std::string_view type, std::string_view message) {
  return R"({"cmd":"NODE_HANDLE","type":")" + std::string(type) + R"(","msg":)" + std::string(message) + "}";
}

class Descriptors : public EitherEnd {
 protected:
  void expect_answer(std::string_view answer) { EXPECT_EQ(heard(), answer); }
  /// Sends a connection, and lets it be served to its end.
  void expect_that_handles_still_work() {
    auto [near, far] = tcp_connection();
    say_with(envelope("net.Socket", "\"serve it\""), near);
    near.reset();
    expect_handle("net.Socket", "\"serve it\"");
    const std::string served = read_all(far.get());
    EXPECT_EQ(served, ours_is_child() ? "handled by " + std::to_string(ours.pid()) + "\n" : "");
  }
};
INSTANTIATE_TEST_SUITE_P(, Descriptors,
                         testing::Values(OurEnd::child, OurEnd::parent, OurEnd::advanced_child,
                                         OurEnd::advanced_parent),
                         name_of_end);

// Row 11
TEST_P(Descriptors, OneThatComesWithAPlainMessageIsClosedAndTheMessageDelivered) {
  say_with("\"plain\"", tcp_listener());
  expect_delivered("\"plain\"");
  expect_report("a listening TCP socket: a descriptor that no message claims");
  expect_goes_on();
  expect_that_handles_still_work();
  expect_goes_on();
}

// Row 11
TEST_P(Descriptors, OneThatComesWithAPlainMessageIsNotGivenToALaterOne) {
  say_with("\"plain\"", tcp_listener());
  expect_delivered("\"plain\"");
  expect_report("a descriptor that no message claims");
  say(envelope("net.Server", "1"));
  expect_answer(nack);
  expect_report("the descriptor did not arrive");
  expect_goes_on();
}

// Row 12
TEST_P(Descriptors, AHandleMessageWithoutOneIsAnsweredAsNotAccepted) {
  say(envelope("net.Server", "{\"a\":1}"));
  expect_answer(nack);
  expect_report("the descriptor did not arrive");
  expect_goes_on();
}

// Row 13
TEST_P(Descriptors, AnUnknownTypeIsAcknowledgedClosedAndReported) {
  say_with(envelope("net.Teapot", "1"), tcp_listener());
  expect_answer(ack);
  expect_report("a listening TCP socket sent as net.Teapot: not a descriptor of that kind");
  expect_goes_on();
}

// Row 13
TEST_P(Descriptors, AMissingTypeIsAcknowledgedClosedAndReported) {
  say_with(R"({"cmd":"NODE_HANDLE","msg":1})", tcp_listener());
  expect_answer(ack);
  expect_report("sent as without a type");
  say_with(R"({"cmd":"NODE_HANDLE","type":{"net":"Socket"},"msg":1})", tcp_listener());
  expect_answer(ack);
  expect_report("sent as without a type");
  expect_goes_on();
}

// Row 14
TEST_P(Descriptors, WhatIsNoSocketIsAcknowledgedClosedAndReported) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd useless_pipe(ends[0]), other_end(ends[1]);
  std::vector<Fd> useless;
  useless.push_back(regular_file());
  useless.push_back(event_descriptor());
  useless.emplace_back(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  useless.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
  useless.emplace_back(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  for (const char* type : {"net.Server", "net.Socket", "net.Native"}) {
    for (const Fd& descriptor : useless) {
      say_with(envelope(type, "1"), descriptor);
      expect_answer(ack);
      expect_report(std::string(" sent as ") + type + ": not a descriptor of that kind");
    }
  }
  say_with(envelope("net.Server", "1"), useless_pipe);
  expect_answer(ack);
  expect_report(" sent as net.Server: not a descriptor of that kind");
  expect_that_handles_still_work();
  expect_goes_on();
}

// Row 15
TEST_P(Descriptors, AUdpSocketThatIsSaidToBeAConnectionIsRefused) {
  for (const char* type : {"net.Server", "net.Socket", "net.Native", "net.BoundSocket"}) {
    say_with(envelope(type, "1"), udp_socket());
    expect_answer(ack);
    expect_report(std::string("a UDP socket sent as ") + type);
  }
  expect_goes_on();
}

// Row 15
TEST_P(Descriptors, ATcpSocketThatIsSaidToBeADatagramSocketIsRefused) {
  say_with(R"({"cmd":"NODE_HANDLE","type":"dgram.Socket","msg":1,"dgramType":"udp4"})", tcp_listener());
  expect_answer(ack);
  expect_report("a listening TCP socket sent as dgram.Socket");
  say_with(envelope("dgram.Native", "1"), tcp_listener());
  expect_answer(ack);
  expect_report("a listening TCP socket sent as dgram.Native");
  expect_goes_on();
}

// Row 15
TEST_P(Descriptors, AConnectionThatIsSaidToBeAServerIsRefused) {
  auto [near, far] = tcp_connection();
  say_with(envelope("net.Server", "1"), near);
  near.reset();
  expect_answer(ack);
  expect_report("listen");
  EXPECT_EQ(read_all(far.get()), "");
  expect_goes_on();
}

// Row 15
TEST_P(Descriptors, WhatIsNoBoundSocketIsRefused) {
  auto [near, far] = tcp_connection();
  say_with(envelope("net.BoundSocket", "1"), near);
  near.reset();
  expect_answer(ack);
  expect_report("a connected TCP socket: not a descriptor of that kind");
  EXPECT_EQ(read_all(far.get()), "");
  say_with(envelope("net.BoundSocket", "1"), Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  expect_answer(ack);
  expect_report("a TCP socket without an address: not a descriptor of that kind");
  say_with(envelope("net.BoundSocket", "1"), tcp_listener());
  expect_answer(ack);
  expect_report("a listening TCP socket sent as net.BoundSocket");
  expect_goes_on();
}

// Row 15
TEST_P(Descriptors, AListenerThatIsSaidToBeAConnectionIsRefused) {
  say_with(envelope("net.Socket", "1"), tcp_listener());
  expect_answer(ack);
  expect_report("a listening TCP socket sent as net.Socket");
  expect_goes_on();
}

// Row 16
TEST_P(Descriptors, OfManyThatComeTogetherTheFirstIsUsedAndTheRestAreClosed) {
  for (const size_t count : {2U, 3U, 64U, 252U, 253U}) {
    const Fd stray = tcp_listener();
    std::vector<int> together(count, stray.get());
    auto [near, far] = tcp_connection();
    together.front() = near.get();
    ASSERT_TRUE(say_with(envelope("net.Socket", std::to_string(count)), together));
    near.reset();
    for (size_t i = 1; i < count; ++i) expect_report("a descriptor that no message claims");
    expect_handle("net.Socket", std::to_string(count));
    EXPECT_EQ(read_all(far.get()), ours_is_child() ? "handled by " + std::to_string(ours.pid()) + "\n" : "");
  }
  expect_goes_on();
}

// Row 16
TEST_P(Descriptors, TwoWithTwoHandleMessagesInOneWriteAreOneHandleAndOneRefusal) {
  const Fd first = tcp_listener(), second = tcp_listener();
  const int both[] = {first.get(), second.get()};
  channel.write_with(framed(envelope("net.Server", "1")) + framed(envelope("net.Server", "2")), both);
  expect_report("a descriptor that no message claims");
  expect_report("the descriptor did not arrive");
  expect_answer(nack);
  expect_handle("net.Server", "2");
  expect_goes_on(ours_is_child() ? 1 : 0);
}

// Row 16
TEST_P(Descriptors, OneOnEachPieceOfALineIsTheFirstAndStrays) {
  auto [near, far] = tcp_connection();
  const Fd stray = tcp_listener();
  const std::string line = framed(envelope("net.Socket", "\"in pieces\""));
  for (size_t i = 0; i < line.size(); ++i) {
    const int number = i == 0 ? near.get() : stray.get();
    ASSERT_TRUE(channel.write_with(std::string_view(line).substr(i, 1), {&number, 1}));
  }
  near.reset();
  for (size_t i = 1; i < line.size(); ++i) expect_report("a descriptor that no message claims");
  expect_handle("net.Socket", "\"in pieces\"");
  EXPECT_EQ(read_all(far.get()), ours_is_child() ? "handled by " + std::to_string(ours.pid()) + "\n" : "");
  far.reset();
  expect_goes_on();
}

// Row 17
TEST_P(Descriptors, OneThatFindsNoPlaceIsAnsweredAsNotAcceptedAndWorksWhenSentAgain) {
  rlimit before{};
  ASSERT_EQ(::prlimit(ours.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::prlimit(ours.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  auto [near, far] = tcp_connection();
  for (int i = 0; i < 3; ++i) {
    say_with(envelope("net.Socket", "\"again\""), near);
    expect_answer(nack);
    expect_report("recvmsg: control data cut off");
    expect_report("the descriptor did not arrive");
  }
  say("\"no descriptor is needed for this\"");
  expect_delivered("\"no descriptor is needed for this\"");
  ASSERT_EQ(::prlimit(ours.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
  say_with(envelope("net.Socket", "\"again\""), near);
  near.reset();
  expect_handle("net.Socket", "\"again\"");
  EXPECT_EQ(read_all(far.get()), ours_is_child() ? "handled by " + std::to_string(ours.pid()) + "\n" : "");
  far.reset();
  expect_goes_on();
}

// Row 17: Node wraps a handle message once more when it sends it again.
TEST_P(Descriptors, OneThatNodeHasWrappedAgainIsUnwrappedAndAnsweredOnce) {
  auto [near, far] = tcp_connection();
  say_with(envelope("net.Native", envelope("net.Native", envelope("net.Socket", "\"inner\""))), near);
  near.reset();
  expect_handle("net.Socket", "\"inner\"");
  read_all(far.get());
  far.reset();
  expect_goes_on();  // and no second answer comes
}

// Row 21
TEST_P(Descriptors, AnswersThatNobodyWaitsForAreReportedAndIgnored) {
  for (int i = 0; i < 3; ++i) {
    say(ack);
    expect_report("NODE_HANDLE_ACK: nothing was waiting for it");
    say(nack);
    expect_report("NODE_HANDLE_NACK: nothing was waiting for it");
  }
  expect_goes_on();
  expect_that_handles_still_work();
  expect_goes_on();
}

// Row 21
TEST_P(Descriptors, TheSameInAnotherOrderOfMembersIsTheSame) {
  say(R"({"x":1,"cmd":"NODE_HANDLE_ACK"})");
  expect_report("NODE_HANDLE_ACK: nothing was waiting for it");
  expect_goes_on();
}

// Near row 13: what Node sends to itself and what nobody has heard of is not for the program.
TEST_P(Descriptors, UnknownInternalMessagesAreIgnoredWithTheirDescriptors) {
  say(R"({"cmd":"NODE_TEAPOT"})");
  say(R"({"cmd":"NODE_SOCKET_GET_COUNT","key":"nobody knows it"})");
  say(R"({"cmd":"NODE_SOCKET_NOTIFY_CLOSE"})");
  say(R"({"cmd":"NODE_SOCKET_COUNT","key":"k","count":"many"})");
  say(R"({"cmd":"NODE_CLUSTER","act":"newconn","key":7})");
  say_with(envelope("net.Native", R"({"cmd":"NODE_CLUSTER","act":"newconn"})"), tcp_listener());
  expect_answer(ack);
  expect_report("a descriptor that no message claims");
  expect_goes_on();
}

}  // namespace
}  // namespace baton::test
