// What would take the loop too long is read beside it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "baton/loop/timer.h"
#include "baton/net/server.h"
#include "unit/ipc/two_ends.h"

namespace baton::test {
namespace {

using LargeMessage = ChannelOfEitherKind;
INSTANTIATE_TEST_SUITE_P(NodeRulesAndBaton, LargeMessage, testing::Bool());

Value large_message() {
  std::vector<Value> elements(300'000, 7);
  return Value::array(std::move(elements));
}

TEST_P(LargeMessage, DeliversLargeMessagesInTheirPlace) {
  std::vector<size_t> sizes;
  b.on_message([&](const Message& message) { sizes.push_back(message.value().size()); });
  b.on_disconnect([&](bool) { sizes.push_back(99); });
  for (int i = 0; i < 2; ++i) {
    a.send(Value::array({1}));
    a.send(large_message());
  }
  a.send(Value::array({1, 2}));
  a.disconnect();
  loop.run();
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 300'000, 1, 300'000, 2, 99}));
}

TEST_P(LargeMessage, ComesAsAValueThatAThreadDestroysWhoeverHasIt) {
  const auto leaves_the_loop_alone = [](const Value& value) { return value.large(); };
  std::vector<bool> large;
  b.on_message([&](Message message) {
    large.push_back(leaves_the_loop_alone(message.value()));
    const Value taken = message.take_value();
    large.push_back(leaves_the_loop_alone(taken));
  });
  b.on_request([&](Value request) {
    large.push_back(leaves_the_loop_alone(request));
    return large_message();
  });
  a.send(large_message());
  a.send(1);
  a.request(large_message()).then([&](const Result<Value>& reply) {
    large.push_back(reply && leaves_the_loop_alone(*reply));
    a.disconnect();
  });
  b.on_disconnect([](bool) {});
  loop.run();
  EXPECT_EQ(large, (std::vector<bool>{true, true, false, false, true, true}));
}

TEST_P(LargeMessage, HasDeliveredALargeMessageWhenADeadPeerWasHeard) {
  std::vector<size_t> sizes;
  b.on_message([&](const Message& message) { sizes.push_back(message.value().size()); });
  a.send(Value::array(std::vector<Value>(60'000, 7)));
  a.send(Value::array({1}));
  loop.defer([&] {
    (void)a.write_now();
    b.peer_gone([&] { sizes.push_back(99); });
    EXPECT_EQ(sizes, std::vector<size_t>()) << "it is read beside the loop";
  });
  b.on_disconnect([](bool) {});
  a.on_disconnect([](bool) {});
  loop.run();
  EXPECT_EQ(sizes, (std::vector<size_t>{60'000, 1, 99}));
}

TEST_P(LargeMessage, MayBeDestroyedWhileALargeMessageIsRead) {
  b.on_message([&](const Message&) { b = Channel(); });
  a.on_disconnect([](bool) {});
  for (int i = 0; i < 3; ++i) a.send(Value::array(std::vector<Value>(60'000, 7)));
  a.send(1);
  Timer later(loop, std::chrono::milliseconds(1), [&] { b = Channel(); });
  loop.run();
}

TEST_P(LargeMessage, ThatHasWaitedIsReadBesideTheLoopToo) {
  std::vector<size_t> sizes;
  a.send(Value::array({1}));
  a.send(large_message());
  a.send(Value::array({1, 2}));
  a.disconnect();
  // By now it has come, and been read once.
  b.on_disconnect([&](bool) {
    b.on_message([&](const Message& message) { sizes.push_back(message.value().size()); });
    loop.defer([&] { EXPECT_EQ(sizes, std::vector<size_t>{1}); });
  });
  loop.run();
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 300'000, 2}));
}

TEST_P(LargeMessage, ThatHasWaitedComesToWhoPullsBeforeTheEnd) {
  std::vector<size_t> sizes;
  a.send(Value::array({1}));
  a.send(large_message());
  a.disconnect();
  std::function<void()> pull = [&] {
    b.next_message().then([&](Result<std::optional<Message>> message) {
      sizes.push_back(*message ? (*message)->value().size() : 99);
      if (*message) pull();
    });
  };
  b.on_disconnect([&](bool) { pull(); });
  loop.run();
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 300'000, 99}));
}

TEST(LargeFrame, ThatIsOneBadTooManyGivesBackWhatItsDeadSenderWasOffered) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Channel channel = Channel::adopt(loop, Fd(ends[0])).value();
  const Fd enemy(ends[1]);
  channel.on_error([](const Error&) {});
  int returned = 0;
  channel.on_unsent([&](const net::Native&, const Error&) { ++returned; });
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
  const Fd other(pair[1]);
  channel.send("take this", net::Native(Fd(pair[0]))).then([](const Result<void>&) {});
  loop.defer([&] {
    (void)channel.write_now();
    std::string bad;
    for (int i = 0; i < 15; ++i) bad += "x\n";
    bad += '[';
    for (int i = 0; i < 25'000; ++i) bad += "[],";
    bad += "x]\n";
    ASSERT_EQ(::write(enemy.get(), bad.data(), bad.size()), static_cast<ssize_t>(bad.size()));
    channel.peer_gone();
  });
  loop.run();
  EXPECT_EQ(returned, 1);
}

}  // namespace
}  // namespace baton::test
