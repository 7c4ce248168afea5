// Handles that stay with the driver whatever the peer answers.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "baton/wire/json.h"
#include "unit/wire/channel_machine_end.h"
#include "wire/channel_machine.h"

namespace baton::wire {
namespace {

using Kind = Notice::Kind;

class ChannelOffer : public testing::Test {
 protected:
  void offer(HandleId id, std::string_view text = "x") {
    const ChannelMachine::Outgoing handle{id, "net.Native", {}, true};
    const auto sent = machine.send(text, &handle);
    ASSERT_TRUE(sent);
    machine.watch(*sent);
  }
  std::string write(size_t at_most = ~size_t{0}) {
    pending += machine.take_output().bytes;
    std::string written = pending.substr(0, at_most);
    pending.erase(0, written.size());
    machine.written(total += written.size());
    return written;
  }
  void read(std::string_view bytes) { machine.received(bytes, {}); }
  /// What was told since: "refused 7", "sent 1", "failed 1", ...
  std::string told() {
    std::string all;
    while (const auto notice = machine.next_notice()) {
      std::string one;
      if (notice->kind == Kind::offer_refused) one = "refused " + std::to_string(notice->handle);
      if (notice->kind == Kind::close_handle) one = "close " + std::to_string(notice->handle);
      if (notice->kind == Kind::handle_ours) one = "ours " + std::to_string(notice->handle);
      if (notice->kind == Kind::settled) {
        one = (notice->error ? "failed " : "sent ") + std::to_string(notice->sequence);
      }
      if (notice->kind == Kind::retry_later) one = "retry";
      if (notice->kind == Kind::shut_down) one = "shut";
      if (one.empty()) continue;
      if (!all.empty()) all += ", ";
      all += one;
    }
    return all;
  }

  ChannelMachine machine{ChannelLimits{.offers = 3}};
  std::string pending;
  uint64_t total = 0;
};

TEST_F(ChannelOffer, IsNotClosedWhenItIsAcknowledged) {
  offer(7);
  EXPECT_EQ(write(), "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":\"x\"}\n");
  read(test::ack);
  EXPECT_EQ(told(), "sent 1");
  machine.take_back(7);
  EXPECT_TRUE(machine.idle());
  EXPECT_FALSE(machine.output_over());
}

TEST_F(ChannelOffer, IsRefusedOnceAndNotSentAgain) {
  offer(7);
  (void)write();
  read(test::nack);
  EXPECT_EQ(told(), "refused 7, failed 1");
  machine.retry_due();
  EXPECT_EQ(write(), "");
  EXPECT_TRUE(machine.idle());
}

TEST_F(ChannelOffer, LetsTheNextGoToNodeWhenItIsAnswered) {
  offer(7, "a");
  offer(8, "b");
  (void)write();
  EXPECT_EQ(write(), "");
  read(test::nack);
  EXPECT_NE(write().find("\"b\""), std::string::npos);
  read(test::ack);
  EXPECT_EQ(told(), "refused 7, failed 1, sent 2");
}

TEST_F(ChannelOffer, GoesBesideOthersToABaton) {
  read(test::hello_line);
  for (HandleId id = 1; id <= 5; ++id) offer(id);
  const std::string out = write();
  EXPECT_EQ(std::ranges::count(out, '\n'), 4);  // the greeting and three offers
  EXPECT_EQ(machine.ledger().size(), 3U);
  read(test::ack);
  read(test::nack);
  EXPECT_EQ(told(), "sent 1, refused 2, failed 2");
  EXPECT_NE(write(), "");
}

TEST_F(ChannelOffer, StaysHereWhenThePeerDiesWithIt) {
  offer(7);
  offer(8);  // not yet sent
  (void)write();
  machine.end_of_input(true);
  machine.peer_gone();
  EXPECT_EQ(told(), "failed 2, failed 1");
  machine.take_back(7);
  machine.take_back(8);
  EXPECT_TRUE(machine.idle());
}

TEST_F(ChannelOffer, StaysHereWhenTheOutputBreaks) {
  offer(7);
  offer(8);
  machine.output_broken(Error(32, "send"));
  EXPECT_EQ(told(), "failed 2");
  machine.end_of_input(false);
  machine.peer_gone();
  EXPECT_EQ(told(), "failed 1");
}

TEST_F(ChannelOffer, IsNotSentAnyMoreWhenItIsTakenOutOfTheQueue) {
  offer(7, "a");
  offer(8, "b");
  (void)machine.send("c");
  machine.take_back(8);
  EXPECT_EQ(told(), "failed 2");
  (void)write();
  read(test::ack);
  EXPECT_EQ(write(), "\"c\"\n");
}

TEST_F(ChannelOffer, EndsTheOutputWhenItIsTakenBackHalfSent) {
  offer(7);
  (void)write(10);
  machine.take_back(7);
  EXPECT_TRUE(machine.output_over());
  EXPECT_FALSE(machine.accepts());
  EXPECT_EQ(machine.take_output().bytes, "");
}

TEST_F(ChannelOffer, IsWaitedForByDisconnect) {
  offer(7);
  machine.disconnect();
  (void)write();
  EXPECT_EQ(told(), "");
  read(test::nack);
  EXPECT_EQ(told(), "refused 7, failed 1, shut");
}

TEST(ChannelOfReceivedHandles, TellsWhichInternalMessageCameWithoutItsHandle) {
  ChannelMachine machine;
  machine.received(
      "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"cmd\":\"NODE_CLUSTER\",\"act\":"
      "\"newconn\","
      "\"seq\":4}}\n{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"n\":1}}\n",
      {}, true);
  std::vector<std::string> refused;
  while (const auto notice = machine.next_notice()) {
    if (notice->kind == Kind::internal_refused) refused.push_back(to_json(notice->message));
  }
  EXPECT_EQ(refused, std::vector<std::string>{R"({"cmd":"NODE_CLUSTER","act":"newconn","seq":4})"});
  const std::string answers = machine.take_output().bytes;
  EXPECT_EQ(answers, test::nack + test::nack);
}

TEST(ChannelOfReceivedHandles, TellsOfOneWhoseHandleIsOfAnotherKind) {
  ChannelMachine machine;
  const ReceivedHandle odd{1, DescriptorKind::udp};
  machine.received(
      "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"cmd\":\"NODE_CLUSTER\",\"seq\":4}}\n",
      {&odd, 1});
  int refused = 0;
  while (const auto notice = machine.next_notice()) refused += notice->kind == Kind::internal_refused ? 1 : 0;
  EXPECT_EQ(refused, 1);
}

TEST(ChannelOfReceivedHandles, TakesAUdpSocketAsDgramNativeOnly) {
  ChannelMachine machine;
  const std::vector<ReceivedHandle> handles{{1, DescriptorKind::udp}};
  machine.received("{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Native\",\"msg\":1}\n", handles);
  machine.written(machine.take_output().bytes.size());
  const auto delivery = machine.next_delivery();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->type, "dgram.Native");
  const std::vector<ReceivedHandle> tcp{{2, DescriptorKind::tcp}};
  machine.received("{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Native\",\"msg\":1}\n", tcp);
  EXPECT_FALSE(machine.next_delivery());
}

}  // namespace
}  // namespace baton::wire
