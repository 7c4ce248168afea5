// The kinds of handles, and the bytes that were read ahead from a connection.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "baton/wire/json.h"
#include "unit/wire/channel_machine_end.h"
#include "wire/channel_machine.h"
#include "wire/latin1.h"

namespace baton::wire {
namespace {

using Kind = Notice::Kind;

const std::string every_byte = [] {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}();

class HandleKinds : public testing::Test {
 protected:
  std::string write() {
    const std::string bytes = machine.take_output().bytes;
    machine.written(total += bytes.size());
    return bytes;
  }
  void read(std::string_view bytes) { machine.received(bytes, {}); }
  /// The frame that says so comes with a descriptor of that kind.
  void receive(std::string_view frame, DescriptorKind kind) {
    const ReceivedHandle handle{++received, kind};
    machine.received(std::string(frame) + "\n", {&handle, 1});
    EXPECT_TRUE(write().ends_with(test::ack));
  }
  std::vector<std::string> reports() {
    std::vector<std::string> texts;
    while (const auto notice = machine.next_notice()) {
      if (notice->kind == Kind::report) texts.emplace_back(notice->error->what());
      if (notice->kind == Kind::close_handle) texts.push_back("close " + std::to_string(notice->handle));
    }
    return texts;
  }
  static std::string envelope(std::string_view type, std::string_view more = "") {
    return R"({"cmd":"NODE_HANDLE","type":")" + std::string(type) + R"(","msg":1)" + std::string(more) + "}";
  }

  ChannelMachine machine;
  uint64_t total = 0;
  HandleId received = 0;
};

TEST_F(HandleKinds, AreWrittenAsNodeWritesThem) {
  const std::vector<std::pair<ChannelMachine::Outgoing, std::string>> table = {
      {{1, "net.Server", ""}, envelope("net.Server")},
      {{2, "net.Socket", "4:127.0.0.1:0"}, envelope("net.Socket", R"(,"key":"4:127.0.0.1:0")")},
      {{3, "net.Native", ""}, envelope("net.Native")},
      {{4, "dgram.Socket", "", false, "udp4"}, envelope("dgram.Socket", R"(,"dgramType":"udp4")")},
      {{5, "dgram.Native", ""}, envelope("dgram.Native")},
      {{6, "net.BoundSocket", ""}, envelope("net.BoundSocket")},
  };
  for (const auto& [handle, frame] : table) {
    ASSERT_TRUE(machine.send(1, &handle));
    EXPECT_EQ(write(), frame + "\n");
    read(test::ack);
  }
}

TEST_F(HandleKinds, AreTakenWithADescriptorThatFitsThem) {
  using enum DescriptorKind;
  const std::vector<std::pair<std::string, std::vector<DescriptorKind>>> table = {
      {"net.Server", {tcp_listener, unix_listener, tcp, unix_stream}},
      {"net.Socket", {tcp, unix_stream, pipe}},
      {"net.Native", {tcp, tcp_listener, unix_stream, unix_listener, pipe}},
      {"net.BoundSocket", {tcp}},
      {"dgram.Socket", {udp}},
      {"dgram.Native", {udp}},
      {"net.Teapot", {}},
  };
  for (const auto& [type, fitting] : table) {
    for (const auto kind : {tcp_listener, tcp, unix_listener, unix_stream, pipe, udp, terminal, other}) {
      receive(envelope(type), kind);
      const auto delivery = machine.next_delivery();
      const bool fits = std::ranges::find(fitting, kind) != fitting.end();
      EXPECT_EQ(delivery.has_value(), fits) << type << ": " << describe(kind);
      const auto told = reports();
      if (fits) {
        EXPECT_EQ(delivery->type, type);
        EXPECT_TRUE(told.empty());
      } else {
        ASSERT_EQ(told.size(), 2U);
        EXPECT_EQ(told[0], "close " + std::to_string(received));
        EXPECT_TRUE(told[1].contains(std::string(describe(kind)) + " sent as " + type)) << told[1];
      }
    }
  }
}

TEST_F(HandleKinds, BytesAreATextOfAsManyCharacters) {
  EXPECT_EQ(text_of_bytes("GET / \xff"), "GET / \xc3\xbf");
  EXPECT_EQ(bytes_of_text(text_of_bytes(every_byte)), every_byte);
  for (const std::string_view bad : {"\xc4\x80", "\xe2\x82\xac", "\xc3", "\xc3y", "\x80", "\xed\xa0\x80"}) {
    EXPECT_EQ(bytes_of_text(bad), std::nullopt) << bad;
  }
}

TEST_F(HandleKinds, BytesReadAheadComeOutAsTheyWere) {
  machine.announce();
  read(test::hello_line);
  EXPECT_EQ(write(), test::hello_line);
  const ChannelMachine::Outgoing socket{1, "net.Socket", "", false, "", every_byte};
  ASSERT_TRUE(machine.send(1, &socket));
  const std::string frame = write();
  EXPECT_TRUE(frame.contains(R"(,"ahead":"\u0000\u0001)")) << frame;
  receive(frame.substr(0, frame.size() - 1), DescriptorKind::tcp);
  const auto delivery = machine.next_delivery();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->ahead, every_byte);
}

TEST_F(HandleKinds, MoreBytesReadAheadThanThePeerTakesAreRefusedHere) {
  machine.announce();
  read(test::hello_line);
  const std::string much(most_ahead + 1, 'x');
  const ChannelMachine::Outgoing socket{1, "net.Socket", "", false, "", much};
  const auto refused = machine.send(1, &socket);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::message_too_large);
}

TEST_F(HandleKinds, BytesReadAheadAreNotSentToWhomDoesNotKnowThem) {
  const ChannelMachine::Outgoing socket{1, "net.Socket", "", false, "", "bytes"};
  const auto refused = machine.send(1, &socket);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code().value(), ENOTSUP);
  EXPECT_EQ(write(), "");
  read(test::hello_line);
  EXPECT_TRUE(machine.send(1, &socket));
}

TEST_F(HandleKinds, BytesReadAheadMeanNothingFromAPeerThatIsNoBaton) {
  receive(envelope("net.Socket", R"(,"ahead":"x")"), DescriptorKind::tcp);
  receive(envelope("net.Socket", R"(,"ahead":"€")"), DescriptorKind::tcp);
  for (int i = 0; i < 2; ++i) {
    const auto delivery = machine.next_delivery();
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->ahead, "");
  }
  EXPECT_TRUE(reports().empty());
}

TEST_F(HandleKinds, AConnectionWhoseBytesAreUnreadableIsClosedAndReported) {
  read(test::hello_line);
  write();
  while (machine.next_notice()) {
  }
  const std::string too_much = R"(,"ahead":")" + std::string(most_ahead + 1, 'x') + "\"";
  for (const std::string& bad : {std::string(R"(,"ahead":"€")"), std::string(R"(,"ahead":5)"), too_much}) {
    receive(envelope("net.Socket", bad), DescriptorKind::tcp);
    EXPECT_FALSE(machine.next_delivery());
    const auto told = reports();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0], "close " + std::to_string(received));
    EXPECT_TRUE(told[1].ends_with("the bytes read ahead: not a message")) << told[1];
  }
  receive(envelope("net.Socket", R"(,"ahead":"good")"), DescriptorKind::tcp);
  ASSERT_TRUE(machine.next_delivery());
}

}  // namespace
}  // namespace baton::wire
