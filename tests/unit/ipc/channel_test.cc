#include "baton/ipc/channel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/loop/task.h"
#include "baton/loop/timer.h"
#include "baton/wire/json.h"
#include "unit/ipc/two_ends.h"

namespace baton::test {
namespace {

using Texts = std::vector<std::string>;

INSTANTIATE_TEST_SUITE_P(NodeRulesAndBaton, ChannelOfEitherKind, testing::Bool());

TEST_P(ChannelOfEitherKind, DeliversEveryMessageSentBeforeDisconnect) {
  for (int i = 0; i < 10000; ++i) a.send(i);
  a.disconnect();
  int expected = 0;
  bool ended = false;
  b.on_message([&](Message message) { EXPECT_EQ(message.value().as_integer(), expected++); });
  b.on_disconnect([&](bool unread) {
    EXPECT_FALSE(unread);
    EXPECT_FALSE(b.connected());
    EXPECT_NE(b.send("too late").error(), nullptr);
    ended = true;
  });
  loop.run();
  EXPECT_EQ(expected, 10000);
  EXPECT_TRUE(ended);
  EXPECT_FALSE(b.connected());
}

TEST_P(ChannelOfEitherKind, WhoseMessagesTakeLongDoesNotHoldTheOthersUp) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Channel far = Channel::adopt(loop, Fd(ends[0])).value();
  Channel near = Channel::adopt(loop, Fd(ends[1])).value();
  int before = 0;
  int all = 0;
  b.on_message([&](const Message&) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
    while (std::chrono::steady_clock::now() < until) {
    }
    ++all;
  });
  near.on_message([&](const Message&) { before = all; });
  for (int i = 0; i < 200; ++i) a.send(i);
  far.send(1);
  a.disconnect();
  far.disconnect();
  loop.run();
  EXPECT_EQ(all, 200);
  EXPECT_LT(before, 100);
}

TEST(ChannelLimits, OfAnEndOfItsOwnEndItForALongerFrame) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Channel a = Channel::adopt(loop, Fd(ends[0])).value();
  Channel b = Channel::adopt(loop, Fd(ends[1]), ChannelOptions().longest_message(1000)).value();
  Texts told;
  b.on_error([&](const Error& error) { told.emplace_back(error.what()); });
  b.on_message([&](const Message& message) { told.push_back(to_json(message.value())); });
  b.on_disconnect([&](bool) { told.emplace_back("END"); });
  a.on_disconnect([](bool) {});
  a.send("short");
  a.send(std::string(1000, 'x'));
  EXPECT_EQ(b.send(std::string(1000, 'x')).error()->code(), Errc::message_too_large);
  loop.run();
  EXPECT_EQ(std::ranges::count(told, "\"short\""), 1);
  EXPECT_TRUE(std::ranges::count(told, "receive: a frame of over 1000 bytes: message too large") == 1);
  EXPECT_EQ(told.back(), "END");
}

TEST_P(ChannelOfEitherKind, KeepsMessagesForTheFirstListener) {
  a.send("early");
  std::move(a.send("also early")).then([&](Result<void>) { collect_at_b(); });
  b.on_disconnect([](bool) {});
  a.on_disconnect([](bool) {});
  loop.defer([&] { a.disconnect(); });
  loop.run();
  EXPECT_EQ(got, (std::vector<std::string>{"\"early\"", "\"also early\""}));
}

/// The other end of a channel, which a test holds as two processes would: `peer` is the dead one's.
class PeerGone : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const int on = 1;
    ASSERT_EQ(::setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    a = Channel::adopt(loop, Fd(ends[0])).value();
    other.reset(ends[1]);
    a.on_disconnect([this](bool) { got.emplace_back("end"); });
    a.on_close([this] { got.emplace_back("close"); });
  }
  void say(std::string_view bytes) const {
    ASSERT_EQ(::send(other.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  void collect_all() {
    a.on_message([this](Message message) { got.push_back(to_json(message.value())); });
  }

  Loop loop;
  Channel a;
  Fd other;
  Texts got;
};

TEST_F(PeerGone, EndsWithWhatItSaidWhoeverElseHoldsItsEnd) {
  collect_all();
  say("1\n2\n\"unfini");
  a.peer_gone();
  loop.run();
  EXPECT_EQ(got, (Texts{"1", "2", "end", "close"}));
}

// The kernel ends a read where another process has written on.
TEST_F(PeerGone, IsHeardFirstAlsoWhereSeveralProcessesHaveSpoken) {
  collect_all();
  say("1\n");
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::send(other.get(), "2\n", 2, 0) == 2 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  say("3\n");
  a.peer_gone([this] { got.emplace_back("heard"); });
  loop.run();
  EXPECT_EQ(got, (Texts{"1", "2", "3", "end", "heard", "close"}))
      << "before anybody is told of the end of the process";
}

TEST_F(PeerGone, IsHeardInTurnsHoweverMuchItHasSaid) {
  collect_all();
  std::string much;
  for (int i = 0; i < 20'000; ++i) much += "1\n";
  say(much);
  size_t before = 0;
  // Who goes on writing is not heard.
  Timer writing = Timer::every(loop, std::chrono::milliseconds(1), [&] {
    if (::send(other.get(), "2\n", 2, MSG_NOSIGNAL) != 2) writing.stop();
  });
  a.peer_gone([&] {
    before = got.size();
    writing.stop();
  });
  const size_t at_once = got.size();
  loop.run();
  EXPECT_LT(at_once, 20'000);
  EXPECT_EQ(before, 20'001);
  EXPECT_EQ(got[20'000], "end");
  EXPECT_EQ(std::ranges::count(got, "1"), 20'000);
}

TEST_F(PeerGone, KeepsTheLoopRunningUntilItIsHeardAlsoIfNobodyListens) {
  a.unref();
  Channel silent = std::move(a);
  silent.on_disconnect([](bool) {});
  say(std::string(60'000, '\n') + "1\n");
  bool heard = false;
  silent.peer_gone([&] { heard = true; });
  loop.run();
  EXPECT_TRUE(heard);
}

TEST_F(PeerGone, HavingSaidNothingEndsAtOnce) {
  a.peer_gone();
  loop.run();
  EXPECT_EQ(got, (Texts{"end", "close"}));
}

TEST_F(PeerGone, EndsThoughItsOwnEndRidesOnAFrameWithoutEnd) {
  const char bytes[] = "{\"cmd\"";
  iovec piece{const_cast<char*>(bytes), sizeof bytes - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int own = other.get();
  std::memcpy(CMSG_DATA(header), &own, sizeof own);
  ASSERT_GT(::sendmsg(own, &message, 0), 0);
  a.on_error([](const Error&) {});
  other.reset();
  a.peer_gone();
  loop.run();
  EXPECT_EQ(got, (Texts{"end", "close"}));
}

TEST_F(PeerGone, IsHeardToTheEndByWhoListensLater) {
  say("1\n2\n");
  a.peer_gone();
  loop.defer([this] { collect_all(); });
  loop.run();
  EXPECT_EQ(got, (Texts{"end", "close", "1", "2"})) << "the end waits for no listener";
}

TEST_P(ChannelOfEitherKind, KeepsTheOrderOfMessagesAndHandles) {
  net::Server server = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  for (int i = 0; i < 300; ++i) {
    if (i % 3 == 0) {
      a.send(i, server);
    } else {
      a.send(i);
    }
  }
  a.disconnect();
  int expected = 0;
  b.on_message([&](Message message) {
    EXPECT_EQ(message.value().as_integer(), expected);
    EXPECT_EQ(message.has_handle(), expected % 3 == 0);
    if (message.has_handle()) {
      EXPECT_EQ(message.take<net::Server>().local().port(), server.local().port());
    }
    ++expected;
  });
  loop.run();
  EXPECT_EQ(expected, 300);
}

TEST_P(ChannelOfEitherKind, HandsOverAConnectionWithWhatNobodyHasReadYet) {
  net::Server server = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  net::Socket client;
  std::string answer;
  net::connect(loop, server.local()).then([&](Result<net::Socket> result) {
    client = std::move(result).value();
    client.on_data([&](std::string_view bytes) { answer += bytes; });
    client.end("question");
  });
  server.on_connection([&](net::Socket socket) {
    server.pause();
    a.send("take it", std::move(socket));
    a.sockets_closed(server).then([&](Result<void> result) {
      EXPECT_TRUE(result);
      a.disconnect();
      server.close();
    });
  });
  net::Socket served;
  b.on_message([&](Message message) {
    served = message.take<net::Socket>();
    EXPECT_EQ(served.server_key(), "");
    served.on_data([&](std::string_view bytes) { served.end("answer to " + std::string(bytes)); });
  });
  loop.run();
  EXPECT_EQ(answer, "answer to question");
}

TEST_P(ChannelOfEitherKind, CountsTheConnectionsThatThePeerHasOpen) {
  net::Server server = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  std::vector<net::Socket> clients(3), served;
  for (auto& client : clients) {
    net::connect(loop, server.local()).then([&](Result<net::Socket> result) {
      client = std::move(result).value();
    });
  }
  uint64_t counted = 0;
  server.on_connection([&](net::Socket socket) { a.send("yours", std::move(socket)); });
  b.on_message([&](Message message) {
    served.push_back(message.take<net::Socket>());
    if (served.size() < 3) return;
    served.pop_back();
    a.count_sockets(server).then([&](Result<uint64_t> count) {
      counted = count.value();
      server.close();
      a.disconnect();
    });
  });
  loop.run();
  EXPECT_EQ(counted, 2U);
}

TEST_P(ChannelOfEitherKind, CarriesAMessageOfManyMegabytesBothWays) {
  const std::string text(20 << 20, 'x');
  std::string back;
  b.on_message([&](Message message) { b.send(message.value()); });
  a.on_message([&](Message message) {
    back = message.value().as_string();
    a.disconnect();
  });
  EXPECT_FALSE(static_cast<bool>(a.send(text)));
  loop.run();
  EXPECT_TRUE(back == text);
}

TEST_P(ChannelOfEitherKind, AnswersAfterThePeerHasFinishedItsDirection) {
  a.send("question");
  a.disconnect();
  std::string answer;
  a.on_message([&](Message message) { answer = message.value().as_string(); });
  b.on_message([&](Message) { b.send("answer"); });
  loop.run();
  EXPECT_EQ(answer, "answer");
}

TEST_P(ChannelOfEitherKind, MayBeDestroyedFromEachOfItsCallbacks) {
  a.send(1);
  a.send(2);
  b.on_message([this](Message) { b = Channel(); });
  bool ended = false;
  a.on_disconnect([&](bool) {
    ended = true;
    a = Channel();
  });
  loop.run();
  EXPECT_TRUE(ended);
}

TEST_F(ChannelTest, PullsMessagesInATask) {
  connect(true);
  for (int i = 0; i < 3; ++i) a.send(i);
  a.disconnect();
  auto program = [](Channel& from, std::vector<std::string>& all) -> Task<> {
    while (auto message = co_await from.next_message()) all.push_back(to_json(message->value()));
    all.emplace_back("the end");
  };
  start(loop, program(b, got));
  loop.run();
  EXPECT_EQ(got, (std::vector<std::string>{"0", "1", "2", "the end"}));
}

TEST_F(ChannelTest, DoesNotLoseAMessageToAWaitThatTimedOut) {
  connect(true);
  b.next_message().within(std::chrono::milliseconds(1)).then([&](Result<std::optional<Message>> result) {
    EXPECT_STREQ(result.error().what(), "next message: timed out");
    a.send("late");
    a.disconnect();
    collect_at_b();
  });
  loop.run();
  EXPECT_EQ(got, (std::vector<std::string>{"\"late\""}));
}

TEST_F(ChannelTest, KeepsAMessageThatComesAfterTheWaitForItWasGivenUp) {
  connect(true);
  b.next_message().within(std::chrono::milliseconds(1)).then([&](Result<std::optional<Message>> result) {
    EXPECT_FALSE(result);
    std::move(a.send("kept")).then([&](Result<void>) {
      a.disconnect();
      b.next_message().then([&](Result<std::optional<Message>> later) {
        got.push_back(to_json(later.value().value().value()));
      });
    });
  });
  loop.run();
  EXPECT_EQ(got, (std::vector<std::string>{"\"kept\""}));
}

TEST_F(ChannelTest, SettlesASendWhenTheKernelHasIt) {
  connect(false);
  bool sent = false;
  std::move(a.send("x")).then([&](Result<void> result) {
    sent = result.has_value();
    a.disconnect();
  });
  b.on_disconnect([](bool) {});
  loop.run();
  EXPECT_TRUE(sent);
}

TEST_F(ChannelTest, TellsThatThePeerLeftMessagesUnread) {
  connect(false);
  bool unread = false;
  a.on_disconnect([&](bool left) { unread = left; });
  std::move(a.send("never read")).then([&](Result<void>) { b = Channel(); });
  b.unref();
  loop.run();
  EXPECT_TRUE(unread);
}

TEST_F(ChannelTest, RefusesToSendAfterDisconnect) {
  connect(false);
  std::string told;
  a.on_error([&](const Error& error) { told = error.what(); });
  a.disconnect();
  EXPECT_FALSE(static_cast<bool>(a.send("x")));
  b.on_disconnect([](bool) {});
  loop.run();
  EXPECT_EQ(told, "send: disconnected");
}

TEST_F(ChannelTest, TellsWhenItMaySendAgain) {
  connect(false);
  const std::string text(1 << 20, 'x');
  ASSERT_FALSE(static_cast<bool>(a.send(text)));
  bool drained = false;
  a.on_drain([&] {
    drained = true;
    a.disconnect();
  });
  collect_at_b();
  loop.run();
  EXPECT_TRUE(drained);
}

TEST_F(ChannelTest, RunsNoCallbackInsideTheSendThatCausedIt) {
  connect(false);
  bool inside = false;
  bool drained = false;
  a.on_drain([&] {
    EXPECT_FALSE(inside);
    drained = true;
    a.disconnect();
  });
  b.on_disconnect([](bool) {});
  // What the kernel takes at once leaves nothing to wait for.
  inside = true;
  a.send(std::string(150 << 10, 'x'));
  inside = false;
  collect_at_b();
  loop.run();
  EXPECT_TRUE(drained);
  EXPECT_EQ(got.size(), 1U);
}

TEST_F(ChannelTest, KeepsTheLoopRunningOnlyWhileSomebodyListens) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd other(ends[0]);
  a = Channel::adopt(loop, Fd(ends[1]), ChannelOptions().ref_while_listening()).value();
  loop.run();
  a.send("x");
  loop.run();
  char bytes[8] = "";
  EXPECT_EQ(read(other.get(), bytes, sizeof bytes), 4);
}

TEST_F(ChannelTest, RefusesToAdoptWhatIsNoChannel) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd other(ends[1]);
  auto channel = Channel::adopt(loop, Fd(ends[0]));
  ASSERT_FALSE(channel);
  EXPECT_STREQ(channel.error().what(), "open the channel: a pipe: not a descriptor of that kind");
}

TEST_F(ChannelTest, GivesBackAConnectionThatThePeerCannotReceive) {
  connect(true);
  net::Server server = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  net::Socket client;
  net::connect(loop, server.local()).then([&](Result<net::Socket> result) {
    client = std::move(result).value();
  });
  b.on_error([](const Error&) {});
  collect_at_b();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  bool back = false;
  a.on_unsent([&](net::Native handle, const Error& error) {
    EXPECT_EQ(handle.kind(), DescriptorKind::tcp);
    EXPECT_EQ(error.code(), Errc::handle_lost);
    back = true;
    setrlimit(RLIMIT_NOFILE, &before);
    server.close();
    a.disconnect();
  });
  server.on_connection([&](net::Socket socket) {
    a.send("take it", std::move(socket));
    // No descriptor is free from here on: the kernel drops what arrives.
    rlimit none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
  });
  loop.run();
  EXPECT_TRUE(back);
  EXPECT_TRUE(got.empty());
}

/// A channel whose other end is in the test's own hands, and a connection that was sent over it.
class HandleSent : public ChannelTest {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    a = Channel::adopt(loop, Fd(ends[0])).value();
    peer.reset(ends[1]);
    sent.emplace(a.send("take it", net::Native(Fd(socket(AF_INET, SOCK_STREAM, 0)))));
  }
  /// Asks only now what became of it.
  void ask() {
    std::move(*sent).then(
        [this](Result<void> result) { got.emplace_back(result ? "sent" : result.error().what()); });
  }
  void answer(std::string_view line) {
    ASSERT_EQ(write(peer.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }

  Fd peer;
  std::optional<Channel::Sent> sent;
};

TEST_F(HandleSent, TellsThatItWasTakenHoweverLateItIsAsked) {
  std::move(a.send("after it")).then([this](Result<void> result) {
    EXPECT_TRUE(result);
    ask();
    a.disconnect();
    peer.reset();
  });
  loop.defer([this] { loop.defer([this] { answer("{\"cmd\":\"NODE_HANDLE_ACK\"}\n"); }); });
  loop.run();
  EXPECT_EQ(got, Texts{"sent"});
}

TEST_F(HandleSent, TellsThatItCameBackHoweverLateItIsAsked) {
  a.on_unsent([this](const net::Native&, const Error&) { loop.defer([this] { ask(); }); });
  loop.defer([this] {
    loop.defer([this] {
      answer("{\"cmd\":\"NODE_HANDLE_NACK\"}\n");
      peer.reset();
    });
  });
  loop.run();
  EXPECT_EQ(got, Texts{"send: disconnected"});
}

TEST_F(HandleSent, TellsThatNobodyWillAnswerAnyMoreHoweverLateItIsAsked) {
  loop.defer([this] { loop.defer([this] { peer.reset(); }); });
  a.on_close([this] { ask(); });
  loop.run();
  EXPECT_EQ(got, Texts{"send: disconnected"});
}

}  // namespace
}  // namespace baton::test
