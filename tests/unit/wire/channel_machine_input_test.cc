// What a channel's machine makes of what comes in.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unit/wire/channel_machine_end.h"

namespace baton::wire {
namespace {

using namespace test;
using Kind = Notice::Kind;

TEST(ChannelMachineInput, GivesADescriptorToTheMessageThatBeganInTheSameRead) {
  End end;
  end.read("\"before\"\n" + server_line, {listener});
  end.read("\"after\"\n");
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "\"before\" 1+1 \"after\"");
}

TEST(ChannelMachineInput, PairsDescriptorsWithLinesThatComeByteByByte) {
  End end;
  const std::string stream = "\"x\"\n" + server_line + "\"y\"\n" + server_line;
  uint32_t id = 0;
  for (size_t i = 0; i < stream.size(); ++i) {
    const bool carries = stream.substr(i).starts_with(server_line);
    end.read(stream.substr(i, 1), carries ? std::vector<ReceivedHandle>{{++id, DescriptorKind::tcp_listener}}
                                          : std::vector<ReceivedHandle>{});
    (void)end.output();
  }
  EXPECT_EQ(end.deliveries(), "\"x\" 1+1 \"y\" 1+2");
}

TEST(ChannelMachineInput, KeepsLittleOfWhatADyingPeerSaysAndNothingThatSteersATerminal) {
  End end;
  end.read(R"({"cmd":"NODE_BATON","died":"\u001b[2J)" + std::string(100'000, 'x') + "\"}\n");
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::peer_died);
  EXPECT_TRUE(notices[0].text.starts_with("\\x1b[2Jxxx")) << notices[0].text.substr(0, 40);
  EXPECT_LT(notices[0].text.size(), 1100U);
}

// A peer can send millions.
TEST(ChannelMachineInput, LooksForWhatItUnderstandsAmongTheFirst64Members) {
  const auto behind = [](int others, const std::string& text) {
    std::string line = "{";
    for (int i = 0; i < others; ++i) line += "\"m" + std::to_string(i) + "\":0,";
    return line + text + "}\n";
  };
  End end;
  end.read(behind(63, R"("cmd":"NODE_A")"));
  EXPECT_TRUE(end.machine.next_delivery()->internal);
  end.read(behind(64, R"("cmd":"NODE_A")"));
  EXPECT_FALSE(end.machine.next_delivery()->internal);
  const std::string request = R"("cmd":"BATON_REQUEST","id":1)";
  end.read(behind(62, request));
  EXPECT_EQ(end.machine.next_delivery()->call, CallKind::request);
  end.read(behind(63, request));
  EXPECT_EQ(end.machine.next_delivery()->call, CallKind::none);
  end.read(behind(64, R"("cmd":"NODE_HANDLE","type":"net.Server","msg":1)"), {listener});
  EXPECT_EQ(end.output(), "") << "it claims nothing";
}

TEST(ChannelMachineInput, ClosesAndReportsADescriptorThatNoMessageClaims) {
  End end;
  end.read("\"plain\"\n", {listener});
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_EQ(notices[1].error->code(), Errc::handle_unclaimed);
  end.read(server_line);
  EXPECT_EQ(end.output(), nack);
}

TEST(ChannelMachineInput, UsesTheFirstOfSeveralDescriptorsAndClosesTheRest) {
  End end;
  end.read(server_line, {listener, connection});
  (void)end.output();
  EXPECT_EQ(end.deliveries(), "1+1");
  const auto notices = end.notices();
  ASSERT_FALSE(notices.empty());
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_EQ(notices[0].handle, 2U);
}

TEST(ChannelMachineInput, ClosesAtOnceWhatNoMessageCanClaimOfTheDescriptorsOnAnUnfinishedLine) {
  End end;
  std::vector<ReceivedHandle> all;
  for (uint32_t i = 1; i <= 253; ++i) all.push_back({i, DescriptorKind::tcp_listener});
  end.read(server_line.substr(0, 10), all);
  const auto notices = end.notices();
  EXPECT_EQ(std::ranges::count(notices, Kind::close_handle, &Notice::kind), 252);
  EXPECT_TRUE(std::ranges::all_of(notices, [](const Notice& one) { return one.handle != 1; }));
  end.read(server_line.substr(10));
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "1+1");
}

TEST(ChannelMachineInput, RefusesHandlesOfWhoDoesNotReadItsAcknowledgements) {
  End end(ChannelLimits{.offers = 3});
  for (uint32_t i = 1; i <= 4; ++i) end.read(server_line, {{i, DescriptorKind::tcp_listener}});
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_EQ(notices[0].handle, 4U);
  EXPECT_EQ(notices[1].error->code(), Errc::queue_full);
  EXPECT_EQ(end.output(), ack + ack + ack + nack);
  EXPECT_EQ(end.deliveries(), "1+1 1+2 1+3");
  end.read(server_line, {{5, DescriptorKind::tcp_listener}});
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "1+5");
}

TEST(ChannelMachineInput, ReadsNoMoreWhileAsManyHandlesWaitAsMay) {
  End end(ChannelLimits{.handles = 3});
  uint32_t id = 0;
  for (; !end.machine.saturated() && id < 10; (void)end.output()) {
    end.read(server_line, {{++id, DescriptorKind::tcp_listener}});
  }
  EXPECT_EQ(id, 4U);
  (void)end.machine.next_delivery();
  EXPECT_FALSE(end.machine.saturated());
  EXPECT_EQ(end.deliveries(), "1+2 1+3 1+4");
}

TEST(ChannelMachineInput, RemembersNoKeyThatNoServerCanHave) {
  End end;
  const std::string key(longest_key + 1, 'k');
  const std::string line = R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":1,"key":")" + key + "\"}\n";
  end.read(line, {connection});
  EXPECT_EQ(end.output(), ack);
  const auto delivery = end.machine.next_delivery();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->key, "");
  end.read(R"({"cmd":"NODE_SOCKET_GET_COUNT","key":")" + key + "\"}\n");
  EXPECT_EQ(end.output(), "");
}

TEST(ChannelMachineInput, AcknowledgesAndClosesADescriptorThatIsNotWhatItsMessageSays) {
  End end;
  end.read(socket_line, {listener});
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "");
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_STREQ(
      notices[1].error->what(),
      "receive: frame at byte 0: a listening TCP socket sent as net.Socket: not a descriptor of that kind");
}

TEST(ChannelMachineInput, UnwrapsWhatNodeHasWrappedTwiceAndAnswersOnce) {
  End end;
  end.read("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":" +
               socket_line.substr(0, socket_line.size() - 1) + "}\n",
           {connection});
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "\"SOCK\"+2");
}

TEST(ChannelMachineInput, DeliversAHandleOnlyWhenItsAcknowledgementIsInTheKernel) {
  End end;
  end.read(server_line, {listener});
  EXPECT_EQ(end.deliveries(), "");
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "1+1");
}

TEST(ChannelMachineInput, DropsAHandleThatItCanNoLongerAcknowledge) {
  End end;
  end.read("\"a\"\n" + server_line + "\"b\"\n", {listener});
  end.machine.output_broken(Error(EPIPE, "send", "sendmsg"));
  EXPECT_EQ(end.deliveries(), "\"a\" \"b\"");
  EXPECT_EQ(end.notices().at(0).kind, Kind::close_handle);
}

TEST(ChannelMachineInput, AnswersQuestionsAboutTheSocketsOfAServer) {
  End end;
  const std::string key = "\"4:127.0.0.1:99\"";
  end.read("{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":" + key + "}\n");
  EXPECT_EQ(end.output(), "");
  end.read(socket_line, {connection});
  EXPECT_EQ(end.output(), ack);
  end.read("{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":" + key + "}\n");
  EXPECT_EQ(end.output(), "{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":" + key + ",\"count\":1}\n");
  end.read("{\"cmd\":\"NODE_SOCKET_NOTIFY_CLOSE\",\"key\":" + key + "}\n");
  EXPECT_EQ(end.output(), "");
  end.machine.socket_closed("4:127.0.0.1:99");
  EXPECT_EQ(end.output(), "{\"cmd\":\"NODE_SOCKET_ALL_CLOSED\",\"key\":" + key + "}\n");
}

TEST(ChannelMachineInput, ReportsABadLineWithItsBeginningAndGoesOn) {
  End end;
  end.read("1\n{bad\n2\n");
  EXPECT_EQ(end.deliveries(), "1 2");
  const auto reports = end.reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].starts_with("receive: frame at byte 2: \"{bad\"")) << reports[0];
}

TEST(ChannelMachineInput, EndsTheChannelAfterSixteenBadLinesInARow) {
  End end;
  for (int i = 0; i < 15; ++i) end.read("?\n");
  end.read("1\n");
  for (int i = 0; i < 15; ++i) end.read("\n");
  EXPECT_FALSE(end.machine.input_refused());
  end.read("?\n2\n");
  EXPECT_TRUE(end.machine.input_refused());
  EXPECT_EQ(end.deliveries(), "1 END");
  EXPECT_EQ(end.reports().size(), 32U);
  end.machine.end_of_input(false);
  EXPECT_EQ(end.deliveries(), "");
}

TEST(ChannelMachineInput, EndsTheChannelForAFrameOverTheLimitWithOneReport) {
  End end(ChannelLimits{.message = 100});
  end.read("\"" + std::string(60, 'x'));
  EXPECT_FALSE(end.machine.input_refused());
  end.read(std::string(60, 'x'));
  end.read(std::string(60, 'x'));
  EXPECT_TRUE(end.machine.input_refused());
  EXPECT_EQ(end.reports().size(), 1U);
  EXPECT_EQ(end.deliveries(), "END");
}

TEST(ChannelMachineInput, DropsAMessageThatIsNestedTooDeeply) {
  End end;
  end.read(std::string(200000, '[') + std::string(200000, ']') + "\n1\n");
  EXPECT_EQ(end.deliveries(), "1");
  EXPECT_EQ(end.reports().size(), 1U);
}

TEST(ChannelMachineInput, StillAnswersAfterThePeerHasFinishedItsDirection) {
  End end;
  end.read("\"question\"\n\"half a li");
  end.machine.end_of_input(false);
  EXPECT_EQ(end.deliveries(), "\"question\" END");
  EXPECT_TRUE(end.machine.send("answer"));
  EXPECT_EQ(end.output(), "\"answer\"\n");
}

TEST(ChannelMachineInput, ReportsAnAnswerThatNothingWaitsFor) {
  End end;
  end.read(ack + nack + "1\n");
  EXPECT_EQ(end.reports().size(), 2U);
  EXPECT_EQ(end.deliveries(), "1");
}

TEST(ChannelMachineInput, ClosesADescriptorThatComesWithTheMiddleOfAnother) {
  End end;
  end.read(server_line.substr(0, 10), {listener});
  end.read(server_line.substr(10, 10), {connection});
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_EQ(notices[0].handle, connection.id);
  end.read(server_line.substr(20));
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "1+1");
}

TEST(ChannelMachineInput, ReadsOnUntilAFullQueueOfThePeersCouldHoldAnAcknowledgement) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  end.read(server_line, {listener});
  while (!end.machine.saturated()) end.read("\"" + std::string(40, 'x') + "\"\n");
  EXPECT_EQ(end.output(), ack);
  size_t held = 0;
  while (end.machine.next_delivery()) ++held;
  EXPECT_EQ(held, 6U);
}

TEST(ChannelMachineInput, RefusesAPeerThatAsksAndNeverReadsTheAnswers) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  for (int i = 0; i < 100 && !end.machine.input_refused(); ++i) end.read(server_line);
  EXPECT_TRUE(end.machine.input_refused());
  EXPECT_LT(end.machine.unsent(), 300U);
}

TEST(ChannelMachineInput, KeepsMessagesOfTheInternalKindFromTheProgram) {
  End end;
  end.read("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n{\"cmd\":\"NODE_\"}\n");
  const auto first = end.machine.next_delivery();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->internal);
  const auto second = end.machine.next_delivery();
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->internal);
}

TEST(ChannelMachineInput, TakesWhatBunMarksAsInternalForThat) {
  End end;
  end.read("\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n\x02{\"own\":1}\n{\"own\":2}\n");
  for (const bool internal : {true, true, false}) {
    const auto delivery = end.machine.next_delivery();
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->internal, internal);
  }
  EXPECT_TRUE(end.reports().empty());
}

TEST(ChannelMachineInput, ReadsMarkedAnswersToo) {
  End end;
  (void)end.machine.send("SRV", &server);
  (void)end.output();
  end.read("\x02" + ack);
  EXPECT_TRUE(end.machine.ledger().empty());
  EXPECT_TRUE(end.reports().empty());
}

TEST(ChannelMachineInput, GivesInternalMessagesPastMessagesThatNobodyTakes) {
  End end;
  end.read("1\n{\"cmd\":\"NODE_A\"}\n2\n{\"cmd\":\"NODE_B\"}\n");
  const auto first = end.machine.next_delivery({false, false, false});
  ASSERT_TRUE(first);
  EXPECT_EQ(to_json(first->message), "{\"cmd\":\"NODE_A\"}");
  EXPECT_EQ(end.deliveries(), "1 2 {\"cmd\":\"NODE_B\"}");
}

TEST(ChannelMachineInput, GivesMessagesOfBothKindsInTheOrderOfTheirArrival) {
  End end;
  end.read("1\n{\"cmd\":\"NODE_A\"}\n2\n{\"cmd\":\"NODE_B\"}\n");
  end.machine.end_of_input(false);
  EXPECT_EQ(end.deliveries(), "1 {\"cmd\":\"NODE_A\"} 2 {\"cmd\":\"NODE_B\"} END");
}

TEST(ChannelMachineInput, TellsWhenThePeerSaysThatItIsBaton) {
  End end;
  end.read("{\"cmd\":\"NODE_BATON\",\"v\":1}\n{\"cmd\":\"NODE_BATON\",\"v\":1}\n");
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::peer_is_baton);
}

}  // namespace
}  // namespace baton::wire
