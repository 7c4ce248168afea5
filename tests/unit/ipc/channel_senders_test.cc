// Who has written what comes over a channel.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/wire/json.h"
#include "support/send_descriptor.h"

namespace baton {
namespace {

using Senders = std::vector<Sender>;

class ChannelSenders : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const int on = 1;
    ASSERT_EQ(::setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    channel = Channel::adopt(loop, Fd(ends[0])).value();
    other.reset(ends[1]);
    channel.on_error([](const Error&) {});
    channel.on_message([this](const Message& message) {
      of[to_json(message.value())] = channel.senders();
      last[to_json(message.value())] = channel.sender();
    });
  }
  bool write(std::string_view bytes, int descriptor = -1) const {
    return test::send_with(other.get(), bytes, descriptor);
  }
  void say(std::string_view bytes) const { ASSERT_TRUE(write(bytes)); }
  // Another process does.
  Sender another_says(std::string_view bytes, int descriptor = -1) const {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(write(bytes, descriptor) ? 0 : 1);
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    return {child, ::getuid()};
  }
  void hear() {
    other.reset();
    loop.run();
  }

  const Sender this_one{::getpid(), ::getuid()};
  Loop loop;
  Channel channel;
  Fd other;
  std::map<std::string, Senders> of;
  std::map<std::string, pid_t> last;
};

TEST_F(ChannelSenders, AreOfEachMessageWhoWroteIt) {
  say("1\n");
  const Sender another = another_says("2\n");
  say("3\n");
  hear();
  EXPECT_EQ(of["1"], Senders{this_one});
  EXPECT_EQ(of["2"], Senders{another});
  EXPECT_EQ(of["3"], Senders{this_one});
  EXPECT_EQ(last["2"], another.process);
}

TEST_F(ChannelSenders, AreAllWhoWroteAPartOfIt) {
  const Sender another = another_says("[1,");
  say("2]\n3\n");
  const Sender third = another_says("4\n");
  hear();
  EXPECT_EQ(of["[1,2]"], (Senders{another, this_one}));
  EXPECT_EQ(of["3"], (Senders{another, this_one}));
  EXPECT_EQ(of["4"], Senders{third});
}

// What comes with descriptors is delivered only after more is read, or in the next turn if this one has
// lasted long: who wrote meanwhile counts too, and who wrote it in any case.
TEST_F(ChannelSenders, OfWhatWaitsWhileAnotherWritesMayBeBoth) {
  const Sender another = another_says("1\n", other.get());
  say("2\n");
  hear();
  const Senders alone{another}, both{another, this_one};
  EXPECT_TRUE(of["1"] == alone || of["1"] == both);
}

TEST_F(ChannelSenders, ThatAreTooManyAreNotKnown) {
  for (int i = 0; i < 20; ++i) another_says(" ");
  say("1\n");
  hear();
  EXPECT_LT(of["1"].size(), 20U);
  EXPECT_EQ(std::ranges::count(of["1"], Sender()), 1);
}

}  // namespace
}  // namespace baton
