// What the channel does for the layers above: offers, and messages of the NODE_ kind.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/loop/timer.h"
#include "baton/wire/json.h"
#include "support/leak_check.h"

namespace baton {
namespace {

using Texts = std::vector<std::string>;

Value newconn(int number) {
  return Value::object({{"cmd", "NODE_CLUSTER"}, {"act", "newconn"}, {"seq", number}});
}

/// One end of a socket that may travel.
net::Native a_socket(int kind = SOCK_STREAM) { return net::Native(Fd(::socket(AF_INET, kind, 0))); }

class InternalChannel : public testing::Test {
 protected:
  void connect(bool batons) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a = Channel::adopt(loop, Fd(ends[0])).value();
    b = Channel::adopt(loop, Fd(ends[1]), ChannelOptions().announce(batons)).value();
    a.on_refused([this](uint64_t offer) { refused.push_back(offer); });
  }
  void collect_internals_at_b(size_t until) {
    b.on_internal([this, until](Message message) {
      got.push_back(to_json(message.value()) + " " + message.handle_type());
      if (got.size() == until) a.disconnect();
    });
  }

  test::LeakCheck leaks;
  Loop loop;
  Channel a, b;
  Texts got;
  std::vector<uint64_t> refused;
};

class OffersOfEitherKind : public InternalChannel, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override { connect(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(NodeRulesAndBaton, OffersOfEitherKind, testing::Bool());

TEST_P(OffersOfEitherKind, StayHereAfterTheAcknowledgementUntilTakenBack) {
  std::vector<uint64_t> offers;
  for (int i = 0; i < 20; ++i) offers.push_back(a.offer(newconn(i), a_socket()).value());
  int arrived = 0;
  b.on_internal([&](Message message) {
    EXPECT_EQ(message.value()["seq"].as_integer(), arrived);
    EXPECT_EQ(message.take<net::Native>().kind(), DescriptorKind::tcp);
    if (++arrived < 20) return;
    a.flushed().then([&](Result<void> result) {
      EXPECT_TRUE(result);
      for (const uint64_t offer : offers) EXPECT_EQ(a.take_back(offer).kind(), DescriptorKind::tcp);
      EXPECT_FALSE(a.take_back(offers.front()));
      a.disconnect();
    });
  });
  loop.run();
  EXPECT_EQ(arrived, 20);
  EXPECT_TRUE(refused.empty());
}

TEST_P(OffersOfEitherKind, AreRefusedByAPeerAtItsDescriptorLimitWhichLearnsWhatWasMeant) {
  const uint64_t offer = a.offer(newconn(4), a_socket()).value();
  Texts dropped;
  b.on_error([](const Error&) {});
  b.on_internal([](Message) { ADD_FAILURE(); });
  b.on_internal_refused([&](Value message) { dropped.push_back(to_json(message)); });
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  a.on_refused([&](uint64_t number) {
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(number, offer);
    EXPECT_EQ(a.take_back(number).kind(), DescriptorKind::tcp);
    refused.push_back(number);
    a.disconnect();
  });
  rlimit none = before;
  none.rlim_cur = 3;
  ::setrlimit(RLIMIT_NOFILE, &none);
  loop.run();
  EXPECT_EQ(refused.size(), 1U);
  EXPECT_EQ(dropped, Texts{R"({"cmd":"NODE_CLUSTER","act":"newconn","seq":4})"});
}

TEST_P(OffersOfEitherKind, AreStillHereWhenThePeerIsGone) {
  std::vector<uint64_t> offers;
  for (int i = 0; i < 5; ++i) offers.push_back(a.offer(newconn(i), a_socket()).value());
  b = Channel();
  a.on_close([&] {
    a.peer_gone();
    for (const uint64_t offer : offers) EXPECT_TRUE(a.take_back(offer));
  });
  loop.run();
  EXPECT_TRUE(refused.empty());
}

TEST_P(OffersOfEitherKind, CloseWithTheChannel) {
  (void)a.offer(newconn(1), a_socket());
  a = Channel();
  b.on_error([](const Error&) {});
  b.on_disconnect([](bool) {});
  loop.run();
}

TEST_F(InternalChannel, LeavesTheHandleToTheCallerWhenAnOfferFails) {
  connect(false);
  net::Native handle = a_socket();
  EXPECT_FALSE(a.offer(Value(), std::move(handle)));
  EXPECT_TRUE(handle);  // NOLINT(bugprone-use-after-move): that is the contract
  a.disconnect();
  EXPECT_EQ(a.offer(1, std::move(handle)).error().code(), Errc::disconnected);
  EXPECT_TRUE(handle);  // NOLINT(bugprone-use-after-move)
  net::Native file(Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
  EXPECT_EQ(a.offer(1, std::move(file)).error().code(), Errc::wrong_handle);
  b.on_disconnect([](bool) {});
  loop.run();
}

TEST_F(InternalChannel, OffersASocketWithTheBytesThatWereReadFromItAhead) {
  connect(true);
  a.on_peer_baton([&] {
    net::Native handle = a_socket();
    handle.set_unread("read ahead");
    const uint64_t offer = a.offer(newconn(1), std::move(handle)).value();
    a.flushed().then([&, offer](Result<void> result) {
      EXPECT_TRUE(result);
      EXPECT_EQ(a.take_back(offer).unread(), "read ahead");
      a.disconnect();
    });
  });
  b.on_internal([&](Message message) { got.push_back(message.take<net::Native>().unread()); });
  loop.run();
  EXPECT_EQ(got, Texts{"read ahead"});
}

TEST_F(InternalChannel, RefusesAnOfferOfWhichThePeerWouldLoseBytes) {
  connect(false);
  net::Native handle = a_socket();
  handle.set_unread("read ahead");
  EXPECT_EQ(a.offer(newconn(1), std::move(handle)).error().code(), std::errc::not_supported);
  EXPECT_EQ(handle.unread(), "read ahead");  // NOLINT(bugprone-use-after-move): that is the contract
  a.disconnect();
  b.on_disconnect([](bool) {});
  loop.run();
}

TEST_F(InternalChannel, DeliversInternalMessagesPastMessagesThatNobodyTakes) {
  connect(true);
  a.send("kept");
  a.send(newconn(1));
  a.send(newconn(2), a_socket());
  b.on_disconnect([](bool) {});
  collect_internals_at_b(2);
  loop.run();
  EXPECT_EQ(got, (Texts{R"({"cmd":"NODE_CLUSTER","act":"newconn","seq":1} )",
                        R"({"cmd":"NODE_CLUSTER","act":"newconn","seq":2} net.Native)"}));
}

TEST_F(InternalChannel, DeliversBothKindsInTheirOrderOnceSomebodyTakesMessages) {
  connect(false);
  a.send(1);
  a.send(newconn(1));
  a.send(2);
  b.on_message([&](Message message) {
    got.push_back(to_json(message.value()));
    if (got.size() == 3) a.disconnect();
  });
  b.on_internal([&](Message) { got.emplace_back("internal"); });
  loop.run();
  EXPECT_EQ(got, (Texts{"1", "internal", "2"}));
}

TEST_F(InternalChannel, KeepsInternalMessagesForTheFirstThatAsksForThem) {
  connect(false);
  Timer later;
  a.send(newconn(1));
  std::move(a.send(newconn(2))).then([&](Result<void>) {
    later = Timer(loop, std::chrono::milliseconds(1), [&] { collect_internals_at_b(2); });
  });
  b.on_disconnect([](bool) {});
  loop.run();
  EXPECT_EQ(got.size(), 2U);
}

// Pauses b at its first message and lets it go on a little later; what is got is told as it comes.
TEST_F(InternalChannel, DeliversNothingWhileItIsPausedAndThenAllInOrder) {
  connect(false);
  Timer later;
  const auto told = [&](std::string_view what, const Message& message) {
    got.push_back(std::string(what) + " " + to_json(message.value()));
    if (got.size() > 1) return;
    b.pause(true);
    later = Timer(loop, std::chrono::milliseconds(20), [&] {
      EXPECT_TRUE(b.paused());
      got.emplace_back("goes on");
      b.pause(false);
    });
  };
  b.on_internal([&](Message message) { told("internal", message); });
  b.on_message([&](Message message) { told("message", message); });
  b.on_disconnect([&](bool) { got.emplace_back("end"); });
  for (int i = 0; i < 2; ++i) {
    a.send(Value::object({{"cmd", "NODE_CLUSTER"}, {"seq", i}}));
    a.send(i);
  }
  a.disconnect();
  loop.run();
  EXPECT_EQ(got, (Texts{R"(internal {"cmd":"NODE_CLUSTER","seq":0})", "goes on", "message 0",
                        R"(internal {"cmd":"NODE_CLUSTER","seq":1})", "message 1", "end"}));
}

TEST_F(InternalChannel, HearsOfADeadPeerOnlyWhenItIsNotPausedAnyMore) {
  connect(false);
  Timer later;
  b.on_message([&](Message message) { got.push_back(to_json(message.value())); });
  b.on_disconnect([&](bool) { got.emplace_back("end"); });
  b.pause(true);
  std::move(a.send(1)).then([&](Result<void>) {
    b.peer_gone([&] { got.emplace_back("heard"); });
    later = Timer(loop, std::chrono::milliseconds(20), [&] {
      EXPECT_EQ(got, Texts());
      b.pause(false);
    });
  });
  a.on_error([](const Error&) {});
  loop.run();
  EXPECT_EQ(got, (Texts{"1", "end", "heard"}));
}

TEST_F(InternalChannel, TellsTheEndAfterTheInternalMessagesBeforeIt) {
  connect(false);
  for (int i = 0; i < 3; ++i) a.send(newconn(i), a_socket());
  a.disconnect();
  b.on_internal([&](Message message) { got.push_back(message.handle_type()); });
  b.on_disconnect([&](bool) { got.emplace_back("end"); });
  loop.run();
  EXPECT_EQ(got, (Texts{"net.Native", "net.Native", "net.Native", "end"}));
}

TEST_F(InternalChannel, DoesNotKeepTheLoopRunningForInternalMessages) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd other(ends[0]);
  b = Channel::adopt(loop, Fd(ends[1]), ChannelOptions().ref_while_listening()).value();
  b.on_internal([](Message) {});
  b.on_internal_refused([](Value) {});
  loop.run();
}

TEST_F(InternalChannel, CarriesAUdpSocketBothWays) {
  connect(true);
  a.send("udp", a_socket(SOCK_DGRAM));
  b.on_message([&](Message message) {
    EXPECT_EQ(message.handle_type(), "dgram.Native");
    b.send("back", message.take<net::Native>());
  });
  a.on_message([&](Message message) {
    EXPECT_EQ(message.handle_type(), "dgram.Native");
    EXPECT_EQ(message.get_if<net::Native>()->kind(), DescriptorKind::udp);
    got.push_back(to_json(message.value()));
    a.disconnect();
  });
  loop.run();
  EXPECT_EQ(got, Texts{"\"back\""});
}

TEST_F(InternalChannel, TellsWhenThePeerIsKnownToBeBaton) {
  connect(true);
  EXPECT_FALSE(a.peer_is_baton());
  a.on_peer_baton([&] {
    EXPECT_TRUE(a.peer_is_baton());
    got.emplace_back("baton");
    a.disconnect();
  });
  b.on_disconnect([](bool) {});
  loop.run();
  EXPECT_EQ(got, Texts{"baton"});
}

}  // namespace
}  // namespace baton
