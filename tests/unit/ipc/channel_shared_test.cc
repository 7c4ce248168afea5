// A channel among others: whose messages take long, whose messages go to many.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "baton/loop/timer.h"
#include "unit/ipc/two_ends.h"
#include "wire/written_message.h"

namespace baton::test {
namespace {

using Texts = std::vector<std::string>;

class SharedChannel : public ChannelTest {
 protected:
  void SetUp() override { connect(false); }
};

TEST_F(SharedChannel, LooksAtTheClockAfterEachInternalMessage) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Channel far = Channel::adopt(loop, Fd(ends[0])).value();
  Channel near = Channel::adopt(loop, Fd(ends[1])).value();
  int before = 0;
  int all = 0;
  b.on_internal([&](const Message&) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
    while (std::chrono::steady_clock::now() < until) {
    }
    ++all;
  });
  near.on_message([&](const Message&) { before = all; });
  b.on_message([](const Message&) {});
  for (int i = 0; i < 32; ++i) a.send(Value::object().set("cmd", "NODE_X"));
  far.send(1);
  a.disconnect();
  far.disconnect();
  loop.run();
  EXPECT_EQ(all, 32);
  EXPECT_LT(before, 4);
}

TEST_F(SharedChannel, DeliversInOrderWhatCameWhileItWasHeld) {
  collect_at_b();
  b.on_disconnect([this](bool) { got.emplace_back("end"); });
  b.hold(true);
  a.send(1);
  a.send(Value::array(std::vector<Value>(3, 7)));
  a.disconnect();
  const Timer later(loop, std::chrono::milliseconds(20), [this] {
    EXPECT_EQ(got, Texts{});
    b.hold(false);
  });
  loop.run();
  EXPECT_EQ(got, (Texts{"1", "[7,7,7]", "end"}));
}

TEST_F(SharedChannel, SendsWhatIsWrittenAlreadyInItsPlace) {
  collect_at_b();
  const auto written = wire::WrittenMessage::of(Serialization::json, Value::object({{"a", 1}}));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->size(), 7U);
  a.send(1);
  a.send_written(*written);
  a.send_written(*written);
  a.send(2);
  a.disconnect();
  loop.run();
  EXPECT_EQ(got, (Texts{"1", R"({"a":1})", R"({"a":1})", "2"}));
  EXPECT_NE(a.send_written(*written).error(), nullptr) << "it is over";
  const auto other = wire::WrittenMessage::of(Serialization::advanced, 1);
  ASSERT_TRUE(other);
  EXPECT_THROW(a.send_written(*other), std::logic_error);
  EXPECT_FALSE(wire::WrittenMessage::of(Serialization::json, Value())) << "undefined is no message";
}

}  // namespace
}  // namespace baton::test
