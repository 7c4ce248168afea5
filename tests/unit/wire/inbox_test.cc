// What waits for delivery, in which order, and in how much memory.
#include "wire/inbox.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "baton/wire/advanced.h"
#include "unit/wire/channel_machine_end.h"
#include "wire/kept_frames.h"

namespace baton::wire {
namespace {

using namespace test;

constexpr std::string_view internal_line = "{\"cmd\":\"NODE_A\",\"n\":1}\n";

/// What is allocated now; nothing under a sanitizer, whose allocator does not say.
size_t allocated() {
  const auto all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

/// What `frame`, over and over, costs until it is delivered.
void costs_little(Serialization serialization, const std::string& frame, size_t bytes) {
  constexpr size_t little = size_t{16} << 20;
  std::string piece;
  while (piece.size() < 10'000) piece += frame;
  ChannelMachine machine(ChannelLimits(), serialization);
  const size_t before = allocated();
  size_t received = 0;
  for (; received < bytes; received += piece.size()) machine.received(piece, {});
  EXPECT_LT(allocated(), before + little);
  EXPECT_FALSE(machine.input_refused());
  size_t delivered = 0;
  const auto first = machine.next_delivery();
  ASSERT_TRUE(first);
  for (auto next = first; next; next = machine.next_delivery(), ++delivered) {
    ASSERT_EQ(next->message, first->message);
  }
  EXPECT_EQ(delivered, received / frame.size());
  EXPECT_LT(allocated(), before + (size_t{1} << 20));
}

TEST(Inbox, KeepsTheSmallestMessagesInLittleMemory) {
  costs_little(Serialization::json, "1\n", size_t{256} << 10);
}

TEST(Inbox, KeepsMessagesOfManySmallValuesInLittleMemory) {
  std::string line = "[";
  for (int i = 0; i < 300; ++i) line += "[],";
  costs_little(Serialization::json, line + "[]]\n", size_t{2} << 20);
}

TEST(Inbox, KeepsAdvancedMessagesInLittleMemory) {
  Value value = Value::array();
  for (int i = 0; i < 300; ++i) value.push_back(Value::object());
  std::string body;
  ASSERT_TRUE(write_advanced(value, body));
  std::string frame(4, '\0');
  frame[2] = static_cast<char>(body.size() >> 8);
  frame[3] = static_cast<char>(body.size());
  costs_little(Serialization::advanced, frame + body, size_t{2} << 20);
}

TEST(Inbox, KeepsMessagesThatComeWithHandlesInLittleMemory) {
  constexpr int messages = 200;
  std::string line = R"({"cmd":"NODE_HANDLE","type":"net.Server","msg":[)";
  while (line.size() < 10'000) line += "[],";
  line += "[]]}\n";
  End end;
  const size_t before = allocated();
  for (HandleId id = 1; id <= messages; ++id) {
    end.read(line, {{id, DescriptorKind::tcp_listener}});
    (void)end.output();
  }
  EXPECT_LT(allocated(), before + (size_t{16} << 20));
  for (HandleId id = 1; id <= messages; ++id) {
    const auto next = end.machine.next_delivery();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->handle, id);
    EXPECT_EQ(next->type, "net.Server");
    EXPECT_GT(next->message.size(), 3000U);
  }
}

/// With a limit that only the first message is within, or all are.
class InboxOrder : public testing::TestWithParam<size_t> {
 protected:
  End end{ChannelLimits{.values = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(AsFramesAndAsValues, InboxOrder, testing::Values(size_t{1}, size_t{64} << 10));

TEST_P(InboxOrder, IsThatOfTheArrival) {
  end.read("1\n2\n");
  end.read(internal_line);
  end.read("\x02" + std::string("{\"own\":1}\n"));
  end.read("3\n" + server_line + "4\n", {listener});
  end.read("5\n");
  end.machine.end_of_input(false);
  (void)end.output();
  EXPECT_EQ(end.deliveries(), "1 2 {\"cmd\":\"NODE_A\",\"n\":1} {\"own\":1} 3 1+1 4 5 END");
}

TEST_P(InboxOrder, IsThatOfTheirOwnForInternalMessages) {
  end.read("1\n" + std::string(internal_line) + "2\n\x02{\"own\":1}\n");
  EXPECT_EQ(end.machine.next_delivery({false, false, false})->message["n"], Value(1));
  const auto own = end.machine.next_delivery({false, false, false});
  ASSERT_TRUE(own);
  EXPECT_TRUE(own->internal);
  EXPECT_EQ(own->message["own"], Value(1));
  EXPECT_FALSE(end.machine.next_delivery({false, false, false}));
  end.read("3\n");
  EXPECT_EQ(end.deliveries(), "1 2 3");
}

TEST_P(InboxOrder, KeepsWhatIsSaidOfAHandle) {
  end.read(hello_line + "0\n");
  end.read(
      "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":{\"a\":1},\"key\":\"4:127.0.0.1:99\","
      "\"ahead\":\"\\u00ff\"}\n",
      {connection});
  (void)end.output();
  EXPECT_EQ(end.machine.next_delivery()->message, Value(0));
  const auto delivery = end.machine.next_delivery();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->handle, connection.id);
  EXPECT_EQ(delivery->type, "net.Socket");
  EXPECT_EQ(delivery->key, "4:127.0.0.1:99");
  EXPECT_EQ(delivery->ahead, "\xff");
  EXPECT_EQ(delivery->message["a"], Value(1));
}

TEST_P(InboxOrder, LosesOnlyTheHandlesThatCanNoLongerBeAcknowledged) {
  end.read("1\n2\n");
  end.read(socket_line + "3\n", {connection});
  end.machine.output_broken(Error(EPIPE, "send", "sendmsg"));
  EXPECT_EQ(end.notices().at(0).handle, connection.id);
  EXPECT_EQ(end.deliveries(), "1 2 3");
}

TEST(Inbox, IsFullOfWhatCostsMoreThanItsBytes) {
  End end(ChannelLimits{.values = 1, .entries = 10});
  int pairs = 0;
  for (; !end.machine.saturated() && pairs < 100; ++pairs) end.read("1\n" + std::string(internal_line));
  EXPECT_EQ(pairs, 6);
  EXPECT_TRUE(end.machine.next_delivery());
  EXPECT_TRUE(end.machine.next_delivery());
  EXPECT_FALSE(end.machine.saturated());
}

TEST(KeptFrames, ComeOutAsTheyWentIn) {
  const std::vector<size_t> sizes = {0, 1, 127, 128, 5000, 65533, 65536, 16384, 300'000, 2};
  KeptFrames frames;
  char letter = 'a';
  std::vector<std::string> in;
  for (int round = 0; round < 20; ++round) {
    for (const size_t size : sizes) {
      in.emplace_back(size, letter == 'z' ? letter = 'a' : ++letter);
      frames.push(in.back());
    }
    // Some are always left, until the last round.
    const size_t left = round < 19 ? static_cast<size_t>(round) : 0;
    while (in.size() > left) {
      ASSERT_EQ(frames.pop(), in.front());
      in.erase(in.begin());
    }
  }
}

}  // namespace
}  // namespace baton::wire
