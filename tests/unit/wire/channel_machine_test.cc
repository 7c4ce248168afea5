#include "wire/channel_machine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <string>
#include <vector>

#include "baton/wire/json.h"

namespace baton::wire {
namespace {

using Kind = Notice::Kind;

/// Drives one machine by hand: what it writes is collected as if the kernel took everything at once.
class End {
 public:
  explicit End(ChannelLimits limits = {}) : machine(limits) {}

  std::string output() {
    Output out = machine.take_output();
    total_ += out.bytes.size();
    machine.written(total_);
    marks.insert(marks.end(), out.marks.begin(), out.marks.end());
    return out.bytes;
  }
  std::vector<Notice> notices() {
    std::vector<Notice> all;
    while (auto notice = machine.next_notice()) all.push_back(std::move(*notice));
    return all;
  }
  std::vector<std::string> reports() {
    std::vector<std::string> texts;
    for (const Notice& notice : notices()) {
      if (notice.kind == Kind::report) texts.emplace_back(notice.error->what());
    }
    return texts;
  }
  std::string deliveries() {
    std::string text;
    while (auto delivery = machine.next_delivery()) {
      if (!text.empty()) text += ' ';
      if (delivery->ended) {
        text += "END";
        continue;
      }
      text += to_json(delivery->message);
      if (delivery->handle) text += "+" + std::to_string(*delivery->handle);
    }
    return text;
  }
  void read(std::string_view bytes, std::vector<ReceivedHandle> handles = {}) {
    machine.received(bytes, handles);
  }

  ChannelMachine machine;
  std::vector<Output::Mark> marks;

 private:
  uint64_t total_ = 0;
};

const ChannelMachine::Outgoing server{7, "net.Server", ""};
const ChannelMachine::Outgoing accepted_socket{8, "net.Socket", "4:127.0.0.1:0"};
constexpr ReceivedHandle listener{1, DescriptorKind::tcp_listener};
constexpr ReceivedHandle connection{2, DescriptorKind::tcp};
const std::string server_line = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":1}\n";
const std::string socket_line =
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"SOCK\",\"key\":\"4:127.0.0.1:99\"}\n";
const std::string ack = "{\"cmd\":\"NODE_HANDLE_ACK\"}\n";
const std::string nack = "{\"cmd\":\"NODE_HANDLE_NACK\"}\n";

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

TEST(ChannelMachine, GivesADescriptorToTheMessageThatBeganInTheSameRead) {
  End end;
  end.read("\"before\"\n" + server_line, {listener});
  end.read("\"after\"\n");
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "\"before\" 1+1 \"after\"");
}

TEST(ChannelMachine, PairsDescriptorsWithLinesThatComeByteByByte) {
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

TEST(ChannelMachine, ClosesAndReportsADescriptorThatNoMessageClaims) {
  End end;
  end.read("\"plain\"\n", {listener});
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_EQ(notices[1].error->code(), Errc::handle_unclaimed);
  end.read(server_line);
  EXPECT_EQ(end.output(), nack);
}

TEST(ChannelMachine, UsesTheFirstOfSeveralDescriptorsAndClosesTheRest) {
  End end;
  end.read(server_line, {listener, connection});
  (void)end.output();
  EXPECT_EQ(end.deliveries(), "1+1");
  const auto notices = end.notices();
  ASSERT_FALSE(notices.empty());
  EXPECT_EQ(notices[0].kind, Kind::close_handle);
  EXPECT_EQ(notices[0].handle, 2U);
}

TEST(ChannelMachine, AcknowledgesAndClosesADescriptorThatIsNotWhatItsMessageSays) {
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

TEST(ChannelMachine, UnwrapsWhatNodeHasWrappedTwiceAndAnswersOnce) {
  End end;
  end.read("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":" +
               socket_line.substr(0, socket_line.size() - 1) + "}\n",
           {connection});
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "\"SOCK\"+2");
}

TEST(ChannelMachine, DeliversAHandleOnlyWhenItsAcknowledgementIsInTheKernel) {
  End end;
  end.read(server_line, {listener});
  EXPECT_EQ(end.deliveries(), "");
  EXPECT_EQ(end.output(), ack);
  EXPECT_EQ(end.deliveries(), "1+1");
}

TEST(ChannelMachine, DropsAHandleThatItCanNoLongerAcknowledge) {
  End end;
  end.read("\"a\"\n" + server_line + "\"b\"\n", {listener});
  end.machine.output_broken(Error(EPIPE, "send", "sendmsg"));
  EXPECT_EQ(end.deliveries(), "\"a\" \"b\"");
  EXPECT_EQ(end.notices().at(0).kind, Kind::close_handle);
}

TEST(ChannelMachine, AnswersQuestionsAboutTheSocketsOfAServer) {
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

TEST(ChannelMachine, ReportsABadLineWithItsBeginningAndGoesOn) {
  End end;
  end.read("1\n{bad\n2\n");
  EXPECT_EQ(end.deliveries(), "1 2");
  const auto reports = end.reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].starts_with("receive: frame at byte 2: \"{bad\"")) << reports[0];
}

TEST(ChannelMachine, EndsTheChannelAfterSixteenBadLinesInARow) {
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

TEST(ChannelMachine, EndsTheChannelForAFrameOverTheLimitWithOneReport) {
  End end(ChannelLimits{.message = 100});
  end.read("\"" + std::string(60, 'x'));
  EXPECT_FALSE(end.machine.input_refused());
  end.read(std::string(60, 'x'));
  end.read(std::string(60, 'x'));
  EXPECT_TRUE(end.machine.input_refused());
  EXPECT_EQ(end.reports().size(), 1U);
  EXPECT_EQ(end.deliveries(), "END");
}

TEST(ChannelMachine, DropsAMessageThatIsNestedTooDeeply) {
  End end;
  end.read(std::string(200000, '[') + std::string(200000, ']') + "\n1\n");
  EXPECT_EQ(end.deliveries(), "1");
  EXPECT_EQ(end.reports().size(), 1U);
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

TEST(ChannelMachine, StillAnswersAfterThePeerHasFinishedItsDirection) {
  End end;
  end.read("\"question\"\n\"half a li");
  end.machine.end_of_input(false);
  EXPECT_EQ(end.deliveries(), "\"question\" END");
  EXPECT_TRUE(end.machine.send("answer"));
  EXPECT_EQ(end.output(), "\"answer\"\n");
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

TEST(ChannelMachine, ReportsAnAnswerThatNothingWaitsFor) {
  End end;
  end.read(ack + nack + "1\n");
  EXPECT_EQ(end.reports().size(), 2U);
  EXPECT_EQ(end.deliveries(), "1");
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

TEST(ChannelMachine, ClosesADescriptorThatComesWithTheMiddleOfAnother) {
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

TEST(ChannelMachine, ReadsOnUntilAFullQueueOfThePeersCouldHoldAnAcknowledgement) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  end.read(server_line, {listener});
  while (!end.machine.saturated()) end.read("\"" + std::string(40, 'x') + "\"\n");
  EXPECT_EQ(end.output(), ack);
  size_t held = 0;
  while (end.machine.next_delivery()) ++held;
  EXPECT_EQ(held, 6U);
}

TEST(ChannelMachine, RefusesAPeerThatAsksAndNeverReadsTheAnswers) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  for (int i = 0; i < 100 && !end.machine.input_refused(); ++i) end.read(server_line);
  EXPECT_TRUE(end.machine.input_refused());
  EXPECT_LT(end.machine.unsent(), 300U);
}

TEST(ChannelMachine, AsksNothingWhenTheQueueIsFull) {
  End end(ChannelLimits{.message = 100, .queue = 150});
  int asked = 0;
  while (end.machine.ask_socket_count("4:127.0.0.1:0")) ++asked;
  EXPECT_EQ(asked, 2);
}

TEST(ChannelMachine, KeepsMessagesOfTheInternalKindFromTheProgram) {
  End end;
  end.read("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n{\"cmd\":\"NODE_\"}\n");
  const auto first = end.machine.next_delivery();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->internal);
  const auto second = end.machine.next_delivery();
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->internal);
}

TEST(ChannelMachine, TakesWhatBunMarksAsInternalForThat) {
  End end;
  end.read("\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n\x02{\"own\":1}\n{\"own\":2}\n");
  for (const bool internal : {true, true, false}) {
    const auto delivery = end.machine.next_delivery();
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->internal, internal);
  }
  EXPECT_TRUE(end.reports().empty());
}

TEST(ChannelMachine, ReadsMarkedAnswersToo) {
  End end;
  (void)end.machine.send("SRV", &server);
  (void)end.output();
  end.read("\x02" + ack);
  EXPECT_TRUE(end.machine.ledger().empty());
  EXPECT_TRUE(end.reports().empty());
}

TEST(ChannelMachine, GivesInternalMessagesPastMessagesThatNobodyTakes) {
  End end;
  end.read("1\n{\"cmd\":\"NODE_A\"}\n2\n{\"cmd\":\"NODE_B\"}\n");
  const auto first = end.machine.next_delivery(true);
  ASSERT_TRUE(first);
  EXPECT_EQ(to_json(first->message), "{\"cmd\":\"NODE_A\"}");
  EXPECT_EQ(end.deliveries(), "1 2 {\"cmd\":\"NODE_B\"}");
}

TEST(ChannelMachine, GivesMessagesOfBothKindsInTheOrderOfTheirArrival) {
  End end;
  end.read("1\n{\"cmd\":\"NODE_A\"}\n2\n{\"cmd\":\"NODE_B\"}\n");
  end.machine.end_of_input(false);
  EXPECT_EQ(end.deliveries(), "1 {\"cmd\":\"NODE_A\"} 2 {\"cmd\":\"NODE_B\"} END");
}

TEST(ChannelMachine, TellsWhenThePeerSaysThatItIsBaton) {
  End end;
  end.read("{\"cmd\":\"NODE_BATON\",\"v\":1}\n{\"cmd\":\"NODE_BATON\",\"v\":1}\n");
  const auto notices = end.notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].kind, Kind::peer_is_baton);
}

}  // namespace
}  // namespace baton::wire
