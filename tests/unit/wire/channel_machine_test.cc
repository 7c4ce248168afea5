// What a channel's machine sends; what comes in is in channel_machine_input_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unit/wire/channel_machine_end.h"

namespace baton::wire {
namespace {

using namespace test;
using Kind = Notice::Kind;

TEST(ChannelMachine, WritesALineForEachMessage) {
  End end;
  (void)end.machine.send(Value::object({{"a", 1}}));
  (void)end.machine.send("str");
  EXPECT_EQ(end.output(), "{\"a\":1}\n\"str\"\n");
}

TEST(ChannelMachine, WrapsAHandleAsNodeDoes) {
  End end;
  (void)end.machine.send("SRV", &server);
  EXPECT_EQ(end.output(), "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":\"SRV\"}\n");
  ASSERT_EQ(end.marks.size(), 1U);
  EXPECT_EQ(end.marks[0].handle, 7U);
  EXPECT_EQ(end.marks[0].offset, 0U);
}

TEST(ChannelMachine, LetsEverythingWaitForTheAcknowledgementOfNode) {
  End end;
  (void)end.machine.send("SRV", &server);
  (void)end.machine.send("queued");
  (void)end.machine.send("SOCK", &accepted_socket);
  (void)end.machine.send("last");
  (void)end.output();
  EXPECT_EQ(end.output(), "");
  end.read(ack);
  EXPECT_EQ(end.output(),
            "\"queued\"\n{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"SOCK\","
            "\"key\":\"4:127.0.0.1:0\"}\n");
  end.read(ack);
  EXPECT_EQ(end.output(), "\"last\"\n");
}

TEST(ChannelMachine, AcknowledgesAtOnceWhileItWaitsItself) {
  End end;
  (void)end.machine.send("SRV", &server);
  (void)end.output();
  end.read(server_line, {listener});
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "1+1");
}

TEST(ChannelMachine, DoesNotWaitForAnotherBaton) {
  End end;
  end.read("{\"cmd\":\"NODE_BATON\",\"v\":1}\n");
  EXPECT_EQ(end.output(), "{\"cmd\":\"NODE_BATON\",\"v\":1}\n");
  (void)end.machine.send("a", &server);
  (void)end.machine.send("b", &server);
  (void)end.machine.send("c");
  const std::string out = end.output();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_EQ(end.machine.ledger().size(), 2U);
}

TEST(ChannelMachine, ClosesItsCopyOfAHandleWhenItIsAcknowledged) {
  End end;
  (void)end.machine.send("SOCK", &accepted_socket);
  (void)end.output();
  EXPECT_TRUE(end.notices().empty());
  end.read(ack);
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_EQ(notices[0].handle, 8U);
}

TEST(ChannelMachine, OffersARefusedHandleThreeTimesMoreThenGivesItBack) {
  End end;
  (void)end.machine.send("SOCK", &accepted_socket);
  const std::string first = end.output();
  unsigned expected = 10;
  for (int i = 0; i < 3; ++i, expected *= 10) {
    end.read(nack);
    const auto notices = end.notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0].kind, Kind::retry_later);
    EXPECT_EQ(notices[0].milliseconds, expected);
    EXPECT_EQ(end.output(), "");
    end.machine.retry_due();
    EXPECT_EQ(end.output(), first);
  }
  end.read(nack);
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::handle_ours);
  EXPECT_EQ(notices[0].error->code(), Errc::handle_lost);
  EXPECT_TRUE(end.machine.ledger().empty());
}

TEST(ChannelMachine, NeverTakesAHandleBackWhileItsHolderMayLive) {
  End end;
  (void)end.machine.send("SOCK", &accepted_socket);
  (void)end.output();
  end.machine.peer_gone();
  end.machine.end_of_input(false);
  EXPECT_TRUE(end.notices().empty());
  end.machine.peer_gone();
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::handle_ours);
}

TEST(ChannelMachine, RefusesToSendWhatThePeerWouldRefuse) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  EXPECT_EQ(end.machine.send(std::string(200, 'x')).error().code(), Errc::message_too_large);
  Value deep = Value::array();
  for (int i = 0; i < 512; ++i) {
    Value outer = Value::array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_EQ(end.machine.send(deep).error().code(), Errc::message_too_deep);
  EXPECT_EQ(end.machine.send(Value()).error().code(), Errc::bad_message);
  EXPECT_TRUE(end.machine.send(std::string(90, 'x')));
  EXPECT_EQ(end.machine.send(std::string(90, 'x')).error().code(), Errc::queue_full);
  EXPECT_EQ(end.output().size(), 93U);
}

TEST(ChannelMachine, FinishesItsDirectionOnlyWhenEverythingIsAcknowledgedAndWritten) {
  End end;
  (void)end.machine.send("SRV", &server);
  (void)end.machine.send("last");
  end.machine.disconnect();
  EXPECT_EQ(end.machine.send("more").error().code(), Errc::disconnected);
  (void)end.output();
  EXPECT_TRUE(end.notices().empty());
  end.read(ack);
  EXPECT_EQ(end.notices().size(), 1U);
  EXPECT_EQ(end.output(), "\"last\"\n");
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::shut_down);
}

TEST(ChannelMachine, TellsTheFateOfAWatchedMessage) {
  End end;
  end.machine.watch(end.machine.send("a").value());
  EXPECT_TRUE(end.notices().empty());
  (void)end.output();
  EXPECT_EQ(end.notices().at(0).kind, Kind::settled);
  end.machine.watch(end.machine.send("b").value());
  end.machine.output_broken(Error(EPIPE, "send", "sendmsg"));
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_STREQ(notices[0].error->what(), "send: sendmsg: broken pipe");
}

TEST(ChannelMachine, AcceptsNoHandleAfterTheEndOfInput) {
  End end;
  end.machine.end_of_input(false);
  EXPECT_EQ(end.machine.send("SOCK", &accepted_socket).error().code(), Errc::disconnected);
  EXPECT_EQ(end.output(), "");
  EXPECT_TRUE(end.machine.ledger().empty());
}

TEST(ChannelMachine, FinishesItsDirectionWhenNoAcknowledgementCanComeAnyMore) {
  End end;
  (void)end.machine.send("SOCK", &accepted_socket);
  end.machine.disconnect();
  (void)end.output();
  EXPECT_TRUE(end.notices().empty());
  end.machine.end_of_input(false);
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::shut_down);
}

TEST(ChannelMachine, BelievesNoAnswerToAnOfferThatIsNotInTheKernel) {
  End end;
  (void)end.machine.send("SOCK", &accepted_socket);
  end.read(ack + nack);
  EXPECT_EQ(end.reports().size(), 2U);
  EXPECT_EQ(end.machine.ledger().size(), 1U);
  (void)end.output();
  end.read(ack);
  EXPECT_EQ(end.notices().at(0).kind, Kind::close_handle);
}

TEST(ChannelMachine, WritesNothingMoreOnceHandlesCameBackFromTheDead) {
  End end;
  (void)end.machine.send("SOCK", &accepted_socket);
  end.machine.end_of_input(true);
  EXPECT_FALSE(end.machine.output_over());
  end.machine.peer_gone();
  EXPECT_EQ(end.notices().at(0).kind, Kind::handle_ours);
  EXPECT_TRUE(end.machine.output_over());
  EXPECT_EQ(end.output(), "");
  EXPECT_TRUE(end.marks.empty());
}

TEST(ChannelMachine, AsksNothingWhenTheQueueIsFull) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  int asked = 0;
  while (end.machine.ask_socket_count("4:127.0.0.1:0")) ++asked;
  EXPECT_EQ(asked, 2);
}

TEST(ChannelMachine, LetsAHandleWaitForAnotherBatonThatHasTheFramesOfAWholeQueueToAnswer) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  end.read(hello_line);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(end.machine.send(i, &server));
    (void)end.output();
  }
  EXPECT_EQ(end.machine.ledger().size(), 3U);
  EXPECT_TRUE(end.machine.send("behind them"));
  EXPECT_EQ(end.output(), "");
  end.read(ack);
  EXPECT_TRUE(end.output().ends_with("\"msg\":3}\n"));
  end.read(ack);
  end.read(ack);
  EXPECT_TRUE(end.output().ends_with("\"msg\":4}\n\"behind them\"\n"));
}

}  // namespace
}  // namespace baton::wire
