// Handlers that throw, errors that pass, and channels that are none.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/loop/timer.h"
#include "support/failing_calls.h"

namespace baton {
namespace {

class ChannelExceptions : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a = Channel::adopt(loop, Fd(ends[0])).value();
    b = Channel::adopt(loop, Fd(ends[1])).value();
  }
  void TearDown() override { test::failing_calls.clear(); }

  Loop loop;
  Channel a, b;
};

TEST_F(ChannelExceptions, OfTheHandlerForEachOfTenMessagesLoseNoneOfThemAndNotTheEnd) {
  int caught = 0;
  int got = 0;
  std::string ends;
  loop.on_uncaught([&](const std::exception_ptr&) { ++caught; });
  b.on_message([&](const Message&) {
    ++got;
    throw std::runtime_error("each");
  });
  b.on_disconnect([&](bool) {
    ends += "disconnect ";
    throw std::runtime_error("this too");
  });
  b.on_close([&] { ends += "close"; });
  for (int i = 0; i < 10; ++i) a.send(i);
  a.disconnect();
  loop.run();
  EXPECT_EQ(got, 10);
  EXPECT_EQ(caught, 11);
  EXPECT_EQ(ends, "disconnect close");
}

TEST_F(ChannelExceptions, ThatNobodyTakesLeaveTheRestToTheNextRun) {
  int got = 0;
  bool closed = false;
  b.on_message([&](const Message&) {
    if (++got == 1) throw std::runtime_error("the first");
  });
  b.on_close([&] { closed = true; });
  for (int i = 0; i < 10; ++i) a.send(i);
  a.disconnect();
  EXPECT_THROW(loop.run(), std::runtime_error);
  EXPECT_EQ(got, 1);
  loop.run();
  EXPECT_EQ(got, 10);
  EXPECT_TRUE(closed);
}

TEST_F(ChannelExceptions, NoMessageComesAfterTheOneThatStoppedTheLoop) {
  // More than one read brings.
  const Value text = std::string(200, 'x');
  int got = 0;
  b.on_message([&](const Message&) {
    if (++got == 1) loop.stop();
  });
  for (int i = 0; i < 5000; ++i) a.send(text);
  a.disconnect();
  loop.run();
  EXPECT_EQ(got, 1);
  loop.run();
  EXPECT_EQ(got, 5000);
}

TEST_F(ChannelExceptions, OfWhoIsToldOfAnErrorLoseNothing) {
  int got = 0;
  int told = 0;
  loop.on_uncaught([](const std::exception_ptr&) {});
  a.on_error([&](const Error&) {
    ++told;
    throw std::runtime_error("the callback");
  });
  b.on_message([&](const Message&) { ++got; });
  a.send(Value());  // undefined, which is refused
  a.send(1);
  a.disconnect();
  loop.run();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(got, 1);
}

TEST_F(ChannelExceptions, AnErrorOfReceivingThatPassesCostsNoMessage) {
  std::vector<std::error_code> told;
  int got = 0;
  b.on_error([&](const Error& error) { told.push_back(error.code()); });
  b.on_message([&](const Message&) { ++got; });
  a.send(1);
  a.send(2);
  a.disconnect();
  loop.defer([] { test::failing_calls.recvmsg = {ENOMEM, EACCES}; });
  loop.run();
  EXPECT_EQ(got, 2);
  EXPECT_EQ(told, std::vector{std::make_error_code(std::errc::not_enough_memory)});
}

TEST_F(ChannelExceptions, SayThatThereIsNoChannel) {
  Channel none;
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.connected());
  EXPECT_THROW(none.send(1), std::logic_error);
  EXPECT_THROW(none.send(1, net::Native()), std::logic_error);
  EXPECT_THROW(none.on_message([](const Message&) {}), std::logic_error);
  EXPECT_THROW(std::ignore = none.next_message(), std::logic_error);
  EXPECT_THROW(none.disconnect(), std::logic_error);
  EXPECT_THROW(std::ignore = none.flushed(), std::logic_error);
  EXPECT_THROW(std::ignore = none.disconnected(), std::logic_error);
  EXPECT_THROW(std::ignore = none.loop(), std::logic_error);
  EXPECT_THROW(std::ignore = none.serialization(), std::logic_error);
  EXPECT_THROW(none.ref(), std::logic_error);
}

TEST_F(ChannelExceptions, SayThatAMessageWasWaitedForBefore) {
  auto sent = a.send(1);
  std::move(sent).then([](const Result<void>&) {});
  EXPECT_THROW(std::ignore = std::move(sent).op(), std::logic_error);  // NOLINT(bugprone-use-after-move)
}

TEST_F(ChannelExceptions, AForgottenChannelSaysThatItHasEnded) {
  b.disconnect();
  loop.run();
  a.forget();
  EXPECT_FALSE(a.connected());
  EXPECT_EQ(a.send(1).error()->code(), Errc::disconnected);
  std::string told;
  a.next_message().then(
      [&](const Result<std::optional<Message>>& got) { told += got && !*got ? ", no message" : "?"; });
  a.disconnected().then([&](const Result<void>& ended) { told += ended ? ", ended" : "?"; });
  a.flushed().then([&](const Result<void>& flushed) { told += flushed ? "?" : ", lost"; });
  a.disconnect();
  loop.run();
  EXPECT_EQ(told, ", ended, lost, no message");
}

}  // namespace
}  // namespace baton
