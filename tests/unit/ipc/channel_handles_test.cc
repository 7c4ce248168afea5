// Every kind of handle from one end of a channel to the other.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/wire/json.h"
#include "support/leak_check.h"
#include "support/send_descriptor.h"

namespace baton {
namespace {

using Texts = std::vector<std::string>;

/// What a descriptor refers to, whatever number it has.
std::string file_of(int descriptor) {
  const auto all = test::open_descriptors();
  const auto found = all.find(descriptor);
  return found == all.end() ? "nothing" : found->second;
}

class Handles : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a = Channel::adopt(loop, Fd(ends[0])).value();
    b = Channel::adopt(loop, Fd(ends[1]), ChannelOptions().announce(GetParam())).value();
  }
  /// Runs until b has got the message that was sent.
  Message receive() {
    Message got;
    b.on_message([&](Message message) {
      got = std::move(message);
      a.disconnect();
    });
    loop.run();
    return got;
  }
  /// Both ends of a connection over TCP.
  std::pair<net::Socket, net::Socket> connection() {
    net::Server server = net::listen(loop, any_port);
    std::pair<net::Socket, net::Socket> ends;
    server.on_connection([&](net::Socket socket) {
      ends.first = std::move(socket);
      server.close();
    });
    net::connect(loop, server.local()).then([&](Result<net::Socket> result) {
      ends.second = std::move(result).value();
    });
    a.unref();
    b.unref();
    loop.run();
    a.ref();
    b.ref();
    return ends;
  }
  /// Runs while nobody has a place for one more.
  void run_without_descriptors() {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &none);
    loop.run();
    ::setrlimit(RLIMIT_NOFILE, &before);
  }
  /// Runs until each end knows what the other is.
  void recognise() {
    a.on_peer_baton([&] { loop.stop(); });
    loop.run();
  }

  test::LeakCheck leaks;
  Loop loop;
  Channel a, b;
  const net::Endpoint any_port{"127.0.0.1", 0};
};
INSTANTIATE_TEST_SUITE_P(NodeRulesAndBaton, Handles, testing::Bool());

// Node's child-process-send-returns-boolean.
TEST_P(Handles, SendSaysToGoOnLaterWhileMoreThanOneMessageWaitsForNodesAnswer) {
  if (GetParam()) recognise();
  const net::Server server = net::listen(loop, any_port);
  EXPECT_TRUE(a.send("one", server));
  EXPECT_TRUE(a.send("two"));
  const bool nothing_waits = GetParam();
  EXPECT_EQ(static_cast<bool>(a.send("three")), nothing_waits);
  EXPECT_EQ(static_cast<bool>(a.send("four")), nothing_waits);
  bool drained = false;
  a.on_drain([&] { drained = true; });
  int got = 0;
  b.on_message([&](const Message&) {
    if (++got == 4) a.disconnect();
  });
  loop.run();
  EXPECT_EQ(got, 4);
  EXPECT_EQ(drained, !nothing_waits);
}

TEST_P(Handles, AUdpSocketIsShared) {
  for (const std::string address : {"127.0.0.1"}) {
    net::UdpSocket mine = net::bind_udp(loop, net::Endpoint(address, 0));
    a.send("udp", mine);
    Message message = receive();
    EXPECT_EQ(message.handle_type(), "dgram.Socket");
    net::UdpSocket theirs = message.take<net::UdpSocket>();
    EXPECT_EQ(file_of(mine.descriptor()), file_of(theirs.descriptor()));
    ASSERT_TRUE(theirs.try_send("x", mine.local()));
    std::string got;
    mine.on_message([&](std::string_view bytes, const net::Endpoint& from) {
      got = bytes;
      EXPECT_EQ(from.to_string(), mine.local().to_string());
      loop.stop();
    });
    loop.run();
    EXPECT_EQ(got, "x");
  }
}

TEST_P(Handles, AnUnsentUdpSocketStaysWhereItWas) {
  const net::UdpSocket mine = net::bind_udp(loop, any_port);
  Texts told;
  a.on_unsent([&](const net::Native&, const Error&) { ADD_FAILURE() << "it was only shared"; });
  a.on_error([&](const Error& error) { told.emplace_back(error.what()); });
  a.disconnect();
  a.send("too late", mine);
  b.on_disconnect([](bool) {});
  loop.run();
  EXPECT_EQ(told, Texts{"send: disconnected"});
  EXPECT_NE(mine.local().port(), 0);
}

TEST_P(Handles, ABoundSocketMovesAwayAndIsListenedOnThere) {
  net::BoundSocket bound = net::bind(any_port);
  const uint16_t port = bound.local().port();
  a.send("bound", std::move(bound));
  Message message = receive();
  EXPECT_EQ(message.handle_type(), "net.BoundSocket");
  const net::Server server = net::listen(loop, message.take<net::BoundSocket>());
  EXPECT_EQ(server.local().port(), port);
}

TEST_P(Handles, ABoundSocketThatCannotBeSentComesBack) {
  net::BoundSocket bound = net::bind(any_port);
  const uint16_t port = bound.local().port();
  net::Native back;
  a.on_unsent([&](net::Native handle, const Error&) { back = std::move(handle); });
  a.on_error([](const Error&) {});
  a.disconnect();
  a.send("too late", std::move(bound));
  b.on_disconnect([](bool) {});
  loop.run();
  const auto again = net::BoundSocket::adopt(back.release());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->local().port(), port);
}

TEST_P(Handles, WhatIsNoBoundSocketIsReportedAndTheChannelGoesOn) {
  auto [near, far] = connection();
  Texts told;
  b.on_error([&](const Error& error) { told.emplace_back(error.what()); });
  Texts got;
  // By hand, as no call of ours would.
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  Channel receiver = Channel::adopt(loop, Fd(ends[0])).value();
  const Fd raw(ends[1]);
  receiver.on_error([&](const Error& error) { told.emplace_back(error.what()); });
  receiver.on_message([&](const Message& message) {
    got.push_back(to_json(message.value()));
    loop.stop();
  });
  const std::string line = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.BoundSocket\",\"msg\":1}\n";
  const int number = near.descriptor();
  ASSERT_TRUE(test::send_with(raw.get(), line, number));
  ASSERT_EQ(::write(raw.get(), "2\n", 2), 2);
  loop.run();
  EXPECT_EQ(told, Texts{"adopt a bound socket: a connected TCP socket: not a descriptor of that kind"});
  EXPECT_EQ(got, Texts{"2"});
}

TEST_P(Handles, ABareHandleIsSharedUnlessItIsMovedAway) {
  net::Server server = net::listen(loop, any_port);
  const net::Native mine(server.release());
  a.send("shared", mine);
  Message message = receive();
  EXPECT_EQ(message.handle_type(), "net.Native");
  EXPECT_TRUE(mine);
  EXPECT_EQ(file_of(mine.descriptor()), file_of(message.get_if<net::Native>()->descriptor()));
}

TEST_P(Handles, ABareHandleThatWasMovedAwayIsClosedHere) {
  net::Server server = net::listen(loop, any_port);
  net::Native mine(server.release());
  const auto before = test::open_descriptors().size();
  a.send("moved", std::move(mine));
  Message message = receive();
  EXPECT_FALSE(mine);  // NOLINT(bugprone-use-after-move): that is the question
  a = Channel();
  b = Channel();
  EXPECT_EQ(test::open_descriptors().size(), before - 2);
}

TEST_P(Handles, AConnectionMayBeKeptOpenHere) {
  auto [near, far] = connection();
  near.set_server_key("4:127.0.0.1:0");
  a.send("both", near, SendOptions().keep_open());
  Message message = receive();
  net::Socket theirs = message.take<net::Socket>();
  ASSERT_TRUE(near);
  near.write("from here, ");
  std::string got;
  near.flushed().then([&](Result<void>) { theirs.end("from there"); });
  far.on_data([&](std::string_view bytes) { got += bytes; });
  far.on_end([&] {
    far.close();
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(got, "from here, from there");
}

TEST_P(Handles, AConnectionMovesAwayUnlessItIsKept) {
  auto [near, far] = connection();
  a.send("yours", near, SendOptions());
  EXPECT_FALSE(near);
  EXPECT_TRUE(receive().get_if<net::Socket>() != nullptr);
  EXPECT_THROW(a.send("nothing", near, SendOptions().keep_open()), std::logic_error);
}

TEST_P(Handles, AKeptConnectionThatThePeerCannotTakeStays) {
  auto [near, far] = connection();
  a.on_unsent([&](const net::Native&, const Error&) { ADD_FAILURE() << "it was only shared"; });
  Texts told;
  a.on_error([&](const Error& error) {
    told.emplace_back(error.what());
    loop.stop();
  });
  b.on_error([](const Error&) {});
  b.on_message([](const Message&) { ADD_FAILURE() << "it has no place for it"; });
  a.send("both", near, SendOptions().keep_open());
  run_without_descriptors();
  EXPECT_EQ(told, Texts{"send: the descriptor did not arrive"});
  EXPECT_TRUE(near);
}

TEST_P(Handles, AFailureThatSomebodyWaitsForIsToldToHimAlone) {
  auto [near, far] = connection();
  a.on_error([](const Error& error) { ADD_FAILURE() << error.what(); });
  b.on_error([](const Error&) {});
  b.on_message([](const Message&) { ADD_FAILURE() << "it has no place for it"; });
  Texts told;
  a.send("both", near, SendOptions().keep_open()).then([&](const Result<void>& sent) {
    told.emplace_back(sent ? "sent" : sent.error().what());
    loop.stop();
  });
  run_without_descriptors();
  EXPECT_EQ(told, Texts{"send: the descriptor did not arrive"});
}

TEST_P(Handles, BytesReadAheadGoAlongToABatonAndStayAwayFromNode) {
  if (GetParam()) recognise();
  auto [near, far] = connection();
  far.end(" and the rest");
  near.unread(std::string("read\0\xff ahead", 12));
  net::Native back;
  a.on_unsent([&](net::Native handle, const Error& error) {
    EXPECT_EQ(error.code(), std::errc::not_supported);
    back = std::move(handle);
    a.disconnect();
  });
  const auto sent = a.send("take it", std::move(near));
  net::Socket theirs;
  b.on_message([&](Message message) {
    theirs = message.take<net::Socket>();
    a.disconnect();
  });
  a.on_error([](const Error&) {});
  b.on_disconnect([](bool) {});
  loop.run();
  EXPECT_EQ(static_cast<bool>(back), !GetParam());
  EXPECT_EQ(sent.error() == nullptr, GetParam());
  // Whoever has it now reads all of it.
  if (back) theirs = net::Socket::adopt(loop, std::move(back)).value();
  ASSERT_TRUE(theirs);
  std::string got;
  theirs.on_data([&](std::string_view bytes) { got += bytes; });
  loop.run();
  EXPECT_EQ(got, std::string("read\0\xff ahead and the rest", 25));
}

TEST_P(Handles, BytesReadAheadComeBackWithAConnectionThatThePeerCannotTake) {
  if (!GetParam()) GTEST_SKIP() << "they do not go there";
  recognise();
  auto [near, far] = connection();
  near.unread("read ahead");
  net::Native back;
  b.on_error([](const Error&) {});
  a.on_unsent([&](net::Native handle, const Error& error) {
    EXPECT_EQ(error.code(), Errc::handle_lost);
    back = std::move(handle);
    loop.stop();
  });
  a.send("take it", std::move(near));
  run_without_descriptors();
  EXPECT_EQ(back.unread(), "read ahead");
}

}  // namespace
}  // namespace baton
