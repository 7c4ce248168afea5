#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/wire/json.h"

namespace baton::test {

/// Two ends of one channel on one loop.
class ChannelTest : public testing::Test {
 protected:
  void connect(bool batons) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a = Channel::adopt(loop, Fd(ends[0])).value();
    b = Channel::adopt(loop, Fd(ends[1]), ChannelOptions().announce(batons)).value();
  }
  void collect_at_b() {
    b.on_message([this](Message message) { got.push_back(to_json(message.value())); });
  }

  Loop loop;
  Channel a, b;
  std::vector<std::string> got;
};

class ChannelOfEitherKind : public ChannelTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override { connect(GetParam()); }
};

}  // namespace baton::test
