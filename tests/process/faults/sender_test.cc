// The library's channel in this process, sending to a process that receives badly: rows 17, 18, 20, 22, 24,
// 25 and 27 of the faults of the channel.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "process/either_end.h"
#include "process/faults/limits.h"

namespace baton::test {
namespace {

using Texts = std::vector<std::string>;

class Sender : public ProcessTest {
 protected:
  // libuv keeps a pipe for the whole process, from the first loop on.
  static void SetUpTestSuite() { const Loop first; }

  /// Starts a peer that takes these steps.
  void start(Texts steps, ChannelOptions options = ChannelOptions()) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    steps.insert(steps.begin(), "script");
    peer =
        spawn(loop, built("peer"), steps,
              SpawnOptions().pass(Fd(ends[1]), 3).add_env("NODE_CHANNEL_FD", "3").stdio(2, Stdio::inherit()));
    channel = Channel::adopt(loop, Fd(ends[0]), options).value();
    peer.stdout_stream().on_data([this](std::string_view bytes) { printed += bytes; });
    peer.on_exit([this](const ExitStatus& status) {
      exit = status.describe();
      if (channel) channel.peer_gone();
    });
    channel.on_error([this](const Error& error) { errors.emplace_back(error.what()); });
    channel.on_disconnect([this](bool) { ++disconnections; });
    channel.on_close([this] { ++closings; });
    channel.on_unsent([this](net::Native handle, const Error& error) {
      came_back.push_back(std::move(handle));
      errors.emplace_back(error.what());
    });
  }
  net::Socket connection() {
    auto [near, far] = tcp_connection();
    far_ends.push_back(std::move(far));
    return net::Socket::adopt(loop, std::move(near)).value();
  }
  net::Server server() { return net::listen(loop, net::Endpoint("127.0.0.1", 0)); }
  /// Says in `outcome` what became of it.
  void follow(Channel::Sent sent, std::string& outcome) {
    outcome = "open";
    std::move(sent).then(
        [&outcome](Result<void> result) { outcome = result ? "sent" : std::string(result.error().what()); });
  }

  Loop loop;
  Child peer;
  Channel channel;
  std::string printed, exit;
  Texts errors;
  int disconnections = 0, closings = 0;
  std::vector<net::Native> came_back;
  std::vector<Fd> far_ends;
};

const std::string socket_line = R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":"take it"})"
                                "\n";

// Row 17
TEST_F(Sender, OffersARefusedConnectionAgainUntilItIsTaken) {
  start({"read", "line", nack, "read", "line", nack, "read", "line", nack, "read", "line", ack, "read-all"});
  std::string handle, after;
  follow(channel.send("take it", connection()), handle);
  follow(channel.send("after"), after);
  channel.disconnect();
  loop.run();
  EXPECT_EQ(printed, socket_line + socket_line + socket_line + socket_line + "\"after\"\nthe end\n");
  EXPECT_EQ(handle, "sent");
  EXPECT_EQ(after, "sent");
  EXPECT_EQ(errors, Texts());
  EXPECT_TRUE(came_back.empty());
  EXPECT_EQ(exit, "exit code 0");
}

// Row 17
TEST_F(Sender, TakesAConnectionBackThatWasRefusedFourTimes) {
  start({"read", "line", nack, "read", "line", nack, "read", "line", nack, "read", "line", nack, "read-all"});
  std::string handle, after;
  follow(channel.send("take it", connection()), handle);
  follow(channel.send("after"), after);
  channel.disconnect();
  loop.run();
  EXPECT_EQ(printed, socket_line + socket_line + socket_line + socket_line + "\"after\"\nthe end\n");
  EXPECT_EQ(handle, "send: the descriptor did not arrive");
  EXPECT_EQ(after, "sent");
  ASSERT_EQ(came_back.size(), 1U);
  EXPECT_EQ(came_back[0].kind(), DescriptorKind::tcp);
}

// Row 18
TEST_F(Sender, NeedsNoDescriptorForAPlainMessageAndSaysSoWhenItHasNoneForAServer) {
  start({"read-all"});
  const net::Server listening = server();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(channel.send("plain"));
  const auto refused = channel.send("server", listening);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_NE(refused.error(), nullptr);
  EXPECT_STREQ(refused.error()->what(), "send net.Server: dup: too many open files");
  channel.disconnect();
  loop.run();
  EXPECT_EQ(printed, "\"plain\"\nthe end\n");
}

// Row 18
TEST_F(Sender, SendsTheSocketItWasGivenEvenIfItsNumberWasUsedAnewMeanwhile) {
  start({"read", "line", ack, "read", "line", ack, "ports", "read-all"});
  std::string expected = "ports:";
  std::vector<net::Server> servers;
  for (int i = 0; i < 2; ++i) {
    servers.push_back(server());
    expected += " " + std::to_string(servers.back().local().port());
  }
  for (const auto& one : servers) channel.send("server", one);
  servers.clear();
  std::vector<Fd> strangers;
  loop.defer([&] {
    for (int i = 0; i < 8; ++i) strangers.push_back(tcp_listener());
  });
  channel.disconnect();
  loop.run();
  EXPECT_NE(printed.find(expected + "\nthe end\n"), std::string::npos) << printed << expected;
  EXPECT_EQ(errors, Texts());
}

// Row 20
TEST_F(Sender, KeepsTheOrderBehindAHandleThatIsNeverAcknowledgedUntilDisconnectIsOverdue) {
  start({"read-all"}, ChannelOptions().disconnect_timeout(std::chrono::milliseconds(50)));
  std::string handle, behind;
  follow(channel.send("take it", connection()), handle);
  follow(channel.send("behind"), behind);
  channel.disconnect();
  channel.on_error([&](const Error& error) {
    errors.emplace_back(error.what());
    EXPECT_EQ(handle, "open");
    EXPECT_EQ(behind, "open");
    EXPECT_EQ(printed.find("behind"), std::string::npos);
  });
  loop.run();
  // When no acknowledgement will come any more nothing has to wait for it.
  EXPECT_EQ(printed, socket_line + "\"behind\"\nthe end\n");
  EXPECT_EQ(behind, "sent");
  EXPECT_NE(handle, "sent");
  EXPECT_EQ(errors[0], "disconnect: timed out");
  EXPECT_EQ(came_back.size(), 1U);
  EXPECT_EQ(disconnections, 1);
  EXPECT_EQ(closings, 1);
}

// Row 20
TEST_F(Sender, TakesAConnectionBackOnlyWhenThePeerThatMayHaveItIsDead) {
  start({"read", "close", "wait"}, ChannelOptions().disconnect_timeout(std::chrono::milliseconds(50)));
  channel.send("take it", connection());
  channel.on_close([&] {
    ++closings;
    EXPECT_TRUE(came_back.empty());
    peer.stdin_stream().end();
  });
  loop.run();
  EXPECT_EQ(closings, 1);
  EXPECT_EQ(exit, "exit code 0");
  ASSERT_EQ(came_back.size(), 1U);
  EXPECT_EQ(came_back[0].kind(), DescriptorKind::tcp);
}

// Row 22
TEST_F(Sender, IsToldToPauseThenRefusedAndLosesNothingThatWasAccepted) {
  start({"wait", "measure-all"});
  const std::string small(10 << 10, 'x');
  size_t accepted = 0;
  while (channel.send(small)) ++accepted;
  ++accepted;
  EXPECT_LT(accepted * small.size(), size_t{4} << 20);
  const std::string large(1 << 20, 'x');
  std::optional<Error> refusal;
  size_t large_ones = 0;
  while (!refusal) {
    const auto sent = channel.send(large);
    if (sent.error() != nullptr) {
      refusal = *sent.error();
    } else {
      ++large_ones;
    }
  }
  EXPECT_EQ(refusal->code(), Errc::queue_full);
  EXPECT_GE(large_ones, 254U);
  EXPECT_LE(large_ones, 256U);
  bool drained = false;
  channel.on_drain([&] {
    drained = true;
    channel.disconnect();
  });
  peer.stdin_stream().end();
  loop.run();
  EXPECT_TRUE(drained);
  EXPECT_EQ(printed, std::to_string(accepted + large_ones) + " lines\n");
  EXPECT_EQ(errors, Texts{"send: the queue is full"});
}

// Row 24
TEST_F(Sender, LearnsThatThePeerIsGoneAndDiesOfNoSignal) {
  ::signal(SIGPIPE, SIG_DFL);
  start({"close"});
  std::string outcome;
  follow(channel.send(std::string(8 << 20, 'x')), outcome);
  loop.run();
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_TRUE(outcome.starts_with("send")) << outcome;
  EXPECT_EQ(disconnections, 1);
  EXPECT_EQ(closings, 1);
  EXPECT_FALSE(channel.connected());
  EXPECT_FALSE(channel.send("late"));
  loop.run();
  EXPECT_EQ(errors, Texts{"send: disconnected"});
}

// Row 24
TEST_F(Sender, NeverSaysOfAMessageThatItLeftWhenThePeerWasGoneBefore) {
  for (const size_t size : {size_t{1}, size_t{1} << 20}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ::close(ends[1]);
    channel = Channel::adopt(loop, Fd(ends[0])).value();
    std::string at_once, later;
    Channel::Sent kept = channel.send(2);
    EXPECT_EQ(kept.error(), nullptr);
    follow(channel.send(std::string(size, 'x')), at_once);
    loop.run();
    EXPECT_TRUE(at_once.starts_with("send: ")) << at_once;
    follow(std::move(kept), later);
    loop.run();
    EXPECT_EQ(later, "send: disconnected");
  }
}

// Row 25
TEST_F(Sender, LetsADescriptorRideOnceOnAMessageThatLeavesInPieces) {
  start({"measure", "line", ack, "read-all"});
  channel.send(std::string(3 << 20, 'x'), server());
  channel.send("after");
  channel.disconnect();
  loop.run();
  const size_t size =
      (3 << 20) + std::string_view(R"({"cmd":"NODE_HANDLE","type":"net.Server","msg":""})").size();
  EXPECT_EQ(printed, std::to_string(size) + " bytes, 1 descriptors\n\"after\"\nthe end\n");
}

// Row 25
TEST_F(Sender, IsNotDisturbedBySignals) {
  struct sigaction before{};
  struct sigaction quiet{};  // without SA_RESTART: calls end with EINTR
  quiet.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &quiet, &before);
  start({"signal-parent", "2000", "measure", "signal-parent", "2000", "line", ack, "measure-all"});
  channel.send(std::string(1 << 20, 'x'), server());
  for (int i = 0; i < 1000; ++i) channel.send(std::string(1000, 'x'));
  channel.disconnect();
  loop.run();
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_NE(printed.find(", 1 descriptors\n1000 lines\n"), std::string::npos) << printed;
  EXPECT_EQ(errors, Texts());
}

// Row 27
TEST_F(Sender, MayDisconnectTwiceAndIsRefusedAfterwards) {
  start({"read-all"});
  channel.send(1);
  channel.disconnect();
  channel.disconnect();
  EXPECT_FALSE(channel.connected());
  const auto refused = channel.send(2);
  ASSERT_NE(refused.error(), nullptr);
  EXPECT_EQ(refused.error()->code(), Errc::disconnected);
  loop.run();
  EXPECT_EQ(printed, "1\nthe end\n");
  EXPECT_EQ(disconnections, 1);
  EXPECT_EQ(closings, 1);
  channel.disconnect();
  EXPECT_FALSE(channel.send(3));
  std::string flushed;
  channel.flushed().then([&](Result<void> result) { flushed = result ? "flushed" : result.error().what(); });
  loop.run();
  EXPECT_EQ(flushed, "flush: disconnected");
  EXPECT_EQ(disconnections, 1);
  EXPECT_EQ(closings, 1);
}

// Row 27
TEST_F(Sender, GivesAConnectionBackThatIsSentAfterDisconnect) {
  start({"read-all"});
  channel.disconnect();
  EXPECT_FALSE(channel.send("late", connection()));
  loop.run();
  EXPECT_EQ(came_back.size(), 1U);
}

// Row 27
TEST_F(Sender, MayEndItsChannelInEachCallback) {
  for (const std::string in : {"message", "error", "disconnect", "close", "drain", "op"}) {
    SCOPED_TRACE(in);
    bool called = false;
    auto end = [&] {
      called = true;
      channel.disconnect();
      channel = Channel();
    };
    Texts steps = {"line", "1", "line", "bad", "read-all"};
    if (in == "disconnect" || in == "close") steps = {"line", "1"};
    start(steps);
    channel.on_message([&](const Message&) {
      if (in == "message") end();
    });
    if (in == "error") channel.on_error([&](const Error&) { end(); });
    if (in == "disconnect") channel.on_disconnect([&](bool) { end(); });
    if (in == "close") channel.on_close(end);
    if (in == "drain") {
      channel.on_drain(end);
      channel.send(std::string(1 << 20, 'x'));
    }
    if (in == "op") std::move(channel.send(1)).then([&](const Result<void>&) { end(); });
    loop.run();
    EXPECT_TRUE(called);
    EXPECT_EQ(exit, "exit code 0");
    channel = Channel();
    peer = Child();
  }
}

}  // namespace
}  // namespace baton::test
