// The channel's machine with advanced serialization: what differs from json is only what the bytes are.

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "baton/wire/json.h"
#include "wire/channel_machine.h"

namespace baton::wire {
namespace {

using namespace std::string_literals;
using Kind = Notice::Kind;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
    text += two;
  }
  return text;
}

std::string bytes(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    result += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return result;
}

/// Drives one machine by hand: what it writes is collected as if the kernel took everything at once.
class AdvancedEnd {
 public:
  explicit AdvancedEnd(const ChannelLimits& limits = {}) : machine(limits, Serialization::advanced) {}

  std::string output() {
    Output out = machine.take_output();
    total_ += out.bytes.size();
    machine.written(total_);
    return hex(out.bytes);
  }
  std::vector<std::string> reports() {
    std::vector<std::string> texts;
    while (const auto notice = machine.next_notice()) {
      if (notice->kind == Kind::report) texts.emplace_back(notice->error->what());
    }
    return texts;
  }
  std::string deliveries() {
    std::string text;
    while (auto delivery = machine.next_delivery()) {
      if (!text.empty()) text += ' ';
      text += delivery->ended ? "END" : to_json(delivery->message);
      if (delivery->handle) text += "+" + std::to_string(*delivery->handle);
    }
    return text;
  }
  void read(std::string_view frame, const std::vector<ReceivedHandle>& handles = {}) {
    machine.received(bytes(frame), handles);
  }

  ChannelMachine machine;

 private:
  uint64_t total_ = 0;
};

// As Node writes and reads them.
constexpr std::string_view server_frame =
    "00000036ff0f6f2203636d64220b4e4f44455f48414e444c45220474797065220a6e65742e53657276657222036d73676f22016b"
    "49027b"
    "017b03";
constexpr std::string_view advanced_ack = "0000001bff0f6f2203636d64220f4e4f44455f48414e444c455f41434b7b01";
constexpr std::string_view advanced_nack = "0000001cff0f6f2203636d6422104e4f44455f48414e444c455f4e41434b7b01";
constexpr std::string_view one_as_bytes = "00000004ff0f4902";
const ChannelMachine::Outgoing server{7, "net.Server", ""};
const ChannelMachine::Outgoing accepted_socket{8, "net.Socket", "4:127.0.0.1:0"};
constexpr ReceivedHandle listener{1, DescriptorKind::tcp_listener};

TEST(AdvancedChannel, WritesNodesTranscripts) {
  AdvancedEnd end;
  const Value hello = Value::object().set(
      "echo", Value::object().set("hello", "wörld").set("n", 1).set("a", Value::array({1, 2.5, nullptr})));
  ASSERT_TRUE(end.machine.send(hello["echo"]));
  ASSERT_TRUE(end.machine.send("str"));
  ASSERT_TRUE(end.machine.send(42));
  ASSERT_TRUE(end.machine.send(true));
  EXPECT_EQ(end.output(),
            "0000002cff0f6f220568656c6c6f220577f6726c6422016e4902220161410349024e0000000000000440302400037b03"
            "00000007ff0f220373747200000004ff0f495400000003ff0f54");
}

TEST(AdvancedChannel, WrapsAHandleAsNodeDoesAndWaitsForItsAnswer) {
  AdvancedEnd end;
  ASSERT_TRUE(end.machine.send(Value::object().set("k", 1), &server));
  ASSERT_TRUE(end.machine.send("q"));
  EXPECT_EQ(end.output(), server_frame);
  end.read(advanced_ack);
  EXPECT_EQ(end.output(), "00000005ff0f220171");
  ASSERT_TRUE(end.machine.send("SOCK", &accepted_socket));
  EXPECT_EQ(end.output(),
            hex("\0\0\0\x48"s) +
                hex("\xff\x0fo\"\3cmd\"\x0bNODE_HANDLE\"\4type\"\x0anet.Socket\"\3msg\"\4SOCK\"\3key\"\x0d"
                    "4:127.0.0.1:0{\4"));
}

TEST(AdvancedChannel, AnswersHandles) {
  AdvancedEnd end;
  end.read(server_frame, {listener});
  EXPECT_EQ(end.output(), advanced_ack);
  EXPECT_EQ(end.deliveries(), R"({"k":1}+1)");
  end.read(server_frame);
  EXPECT_EQ(end.output(), advanced_nack);
}

TEST(AdvancedChannel, CountsReferencesFromTheMessageWithinItsEnvelope) {
  AdvancedEnd sender;
  AdvancedEnd receiver;
  const Value twice = Value::array({Value::object(), Value::reference(1), Value::reference(0)});
  ASSERT_TRUE(sender.machine.send(twice, &server));
  const std::string frame = sender.output();
  EXPECT_TRUE(frame.contains(hex("^\2^\1"))) << frame;
  receiver.read(frame, {listener});
  (void)receiver.output();
  EXPECT_EQ(receiver.machine.next_delivery()->message, twice);
}

TEST(AdvancedChannel, RefusesUndefinedAndReferencesToNothing) {
  AdvancedEnd end;
  for (const Value& value : {Value(), Value::hole(), Value::reference(0)}) {
    const auto sent = end.machine.send(value);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code(), Errc::bad_message);
    EXPECT_FALSE(end.machine.send(value, &server));
  }
  EXPECT_EQ(end.output(), "");
  EXPECT_TRUE(end.machine.idle());
}

// A bad frame costs itself: the next one is read.
TEST(AdvancedChannel, ReportsABadFrameAndGoesOn) {
  for (const auto* bad : {"00000000", "0000000130", "00000003ff1130", "00000003ff0f51", "00000004ff0f5e05",
                          "0000000bff0f41ffffffff0f240000"}) {
    AdvancedEnd end;
    end.read(bad);
    end.read(one_as_bytes);
    EXPECT_EQ(end.deliveries(), "1") << bad;
    EXPECT_EQ(end.reports().size(), 1U) << bad;
    EXPECT_FALSE(end.machine.input_refused());
  }
}

TEST(AdvancedChannel, ShowsHowABadFrameBegins) {
  AdvancedEnd end;
  end.read(one_as_bytes);
  end.read("00000003ff0f51");
  EXPECT_EQ(end.reports(),
            std::vector<std::string>{
                "receive: frame at byte 8: ff0f51: byte 2: a tag that is not known: not a message"});
}

TEST(AdvancedChannel, EndsAfterSixteenBadFramesInARow) {
  AdvancedEnd end;
  for (int i = 0; i < 15; ++i) end.read("00000000");
  end.read(one_as_bytes);
  for (int i = 0; i < 15; ++i) end.read("00000000");
  EXPECT_FALSE(end.machine.input_refused());
  end.read("00000000");
  EXPECT_TRUE(end.machine.input_refused());
  EXPECT_EQ(end.deliveries(), "1 END");
}

TEST(AdvancedChannel, EndsOnALengthBeyondTheLimit) {
  for (const auto* length : {"04000001", "80000000", "ffffffff"}) {
    AdvancedEnd end;
    end.read(one_as_bytes);
    end.read(length);
    EXPECT_TRUE(end.machine.input_refused()) << length;
    EXPECT_EQ(end.deliveries(), "1 END");
    EXPECT_EQ(end.reports().size(), 1U);
  }
}

TEST(AdvancedChannel, RefusesToSendWhatIsTooLargeOrTooDeep) {
  ChannelLimits limits;
  limits.message = 100;
  limits.depth = 3;
  AdvancedEnd end(limits);
  EXPECT_TRUE(end.machine.send(std::string(96, 'x')));
  EXPECT_EQ(end.machine.send(std::string(97, 'x')).error().code(), Errc::message_too_large);
  const Value deep = Value::array({Value::array({Value::array()})});
  EXPECT_TRUE(end.machine.send(deep));
  EXPECT_EQ(end.machine.send(deep, &server).error().code(), Errc::message_too_deep);
}

TEST(AdvancedChannel, RecognisesAnotherBaton) {
  AdvancedEnd end;
  end.machine.announce();
  const std::string hello = end.output();
  AdvancedEnd other;
  other.read(hello);
  EXPECT_TRUE(other.machine.peer_is_baton());
  EXPECT_EQ(other.output(), hello);
  // Nothing waits then.
  ASSERT_TRUE(other.machine.send(Value::object().set("k", 1), &server));
  ASSERT_TRUE(other.machine.send(1));
  EXPECT_EQ(other.output(), std::string(server_frame) + std::string(one_as_bytes));
}

TEST(AdvancedChannel, AnswersWhatIsAskedAboutSockets) {
  AdvancedEnd asker;
  AdvancedEnd holder;
  ASSERT_TRUE(asker.machine.send("SOCK", &accepted_socket));
  holder.read(asker.output(), {{2, DescriptorKind::tcp}});
  asker.read(holder.output());
  ASSERT_TRUE(asker.machine.ask_socket_count("4:127.0.0.1:0"));
  holder.read(asker.output());
  asker.read(holder.output());
  std::optional<uint64_t> count;
  while (const auto notice = asker.machine.next_notice()) {
    if (notice->kind == Kind::socket_count) count = notice->count;
  }
  EXPECT_EQ(count, 1U);
}

TEST(AdvancedChannel, TakesMembersThatAreUndefinedForAbsent) {
  AdvancedEnd end;
  // {cmd: 'NODE_HANDLE', type: 'net.Server', msg: undefined, key: undefined}
  const std::string body = "\xff\x0fo\"\3cmd\"\x0bNODE_HANDLE\"\4type\"\x0anet.Server\"\3msg_\"\3key_{\4";
  end.read(hex(std::string("\0\0\0", 3) + static_cast<char>(body.size()) + body), {listener});
  EXPECT_EQ(end.output(), advanced_ack);
  const auto delivery = end.machine.next_delivery();
  ASSERT_TRUE(delivery);
  EXPECT_TRUE(delivery->message.is_undefined());
  EXPECT_EQ(delivery->key, "");
}

}  // namespace
}  // namespace baton::wire
