// examples/websocket_echo against a client of raw bytes and against Node's own.

#include <signal.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "interop/world.h"

namespace baton::test {
namespace {

class WebSocketEcho : public World {
 protected:
  int start_echo() {
    echo_ = &run({built("websocket_echo"), "--port", "0"});
    return echo_->number("listening on ");
  }
  // All that comes until the server ends.
  static std::string answer(int port, const std::string& bytes) {
    const Client client(port);
    client.send(bytes);
    std::string got = client.read_all();
    return got;
  }
  Program* echo_ = nullptr;
};

// The key is the one of RFC 6455, and so is the answer to it.
const std::string handshake =
    "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const std::string accepted =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

// A client's frame; `first` is its first byte.
std::string frame(unsigned first, const std::string& payload) {
  constexpr std::string_view mask = "\x12\x34\x56\x78";
  std::string bytes(1, static_cast<char>(first));
  if (payload.size() < 126) {
    bytes += static_cast<char>(0x80U | payload.size());
  } else {
    bytes += static_cast<char>(0x80U | 127U);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(payload.size() >> shift & 0xff);
  }
  bytes += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    bytes +=
        static_cast<char>(static_cast<unsigned char>(payload[i]) ^ static_cast<unsigned char>(mask[i % 4]));
  }
  return bytes;
}
std::string close_with(unsigned code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
}

TEST_F(WebSocketEcho, SendsMessagesBackAsTheyCame) {
  const int port = start_echo();
  const std::string got =
      answer(port, handshake + frame(0x81, "hello") + frame(0x89, "ping") + frame(0x01, "in ") +
                       frame(0x89, "") + frame(0x00, "three ") + frame(0x80, "pieces") +
                       frame(0x82, "\x01\xff") + frame(0x88, close_with(1000) + "bye"));
  EXPECT_EQ(got, accepted + "\x81\x05hello" + "\x8a\x04ping" + std::string("\x8a\0", 2) +
                     "\x81\x0fin three pieces" + "\x82\x02\x01\xff" + "\x88\x05" + close_with(1000) + "bye");
}

TEST_F(WebSocketEcho, SaysWhyItClosesOnWhoBreaksTheRules) {
  const int port = start_echo();
  const struct {
    const char* what;
    std::string bytes;
    unsigned code;
  } table[] = {
      {"no mask", std::string("\x81\x01x", 3), 1002},
      {"a reserved bit", frame(0xc1, "x"), 1002},
      {"an unknown opcode", frame(0x83, "x"), 1002},
      {"a ping in pieces", frame(0x09, "x"), 1002},
      {"a long ping", frame(0x89, std::string(126, 'x')), 1002},
      {"a continuation of nothing", frame(0x80, "x"), 1002},
      {"a message within a message", frame(0x01, "x") + frame(0x81, "y"), 1002},
      {"a close of one byte", frame(0x88, "x"), 1002},
      {"a code that nobody may send", frame(0x88, close_with(1005)), 1002},
      {"a length that could be shorter", std::string("\x81\xfe\0\x05", 4) + "\x12\x34\x56\x78hello", 1002},
      {"text that is not UTF-8", frame(0x81, "\xed\xa0\x80"), 1007},
      {"a message of more than 1 MiB", frame(0x82, std::string((1 << 20) + 1, 'x')), 1009},
      {"pieces of more than 1 MiB", frame(0x02, std::string(1 << 20, 'x')) + frame(0x80, "x"), 1009},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    const Client client(port);
    client.send(handshake + row.bytes);
    client.finish();
    EXPECT_EQ(client.read_all(), accepted + "\x88\x02" + close_with(row.code));
  }
}

// The handshake with something else in one place.
std::string handshake_with(const std::string& other, const std::string& in_place_of) {
  std::string bytes = handshake;
  return bytes.replace(bytes.find(in_place_of), in_place_of.size(), other);
}

TEST_F(WebSocketEcho, RefusesWhatIsNoHandshake) {
  const int port = start_echo();
  EXPECT_TRUE(http_get(port, "/").starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const struct {
    const char* what;
    std::string bytes;
    int status;
  } table[] = {
      {"another protocol", handshake_with("Upgrade: h2c", "Upgrade: websocket"), 426},
      {"a longer name", handshake_with("Upgrade: websockets", "Upgrade: websocket"), 426},
      {"its name in another header", handshake_with("Upgrade: h2c\r\nX: websocket", "Upgrade: websocket"),
       426},
      {"an old version", handshake_with("12", "13"), 426},
      {"no version", handshake_with("", version), 426},
      {"another method", handshake_with("DELETE", "GET"), 400},
      {"no key", handshake_with("X", "Sec-WebSocket-Key"), 400},
      {"an empty key", handshake_with("", key), 400},
      {"a key of 15 bytes", handshake_with("dGhlIHNhbXBsZSBub25j", key), 400},
      {"a key of 17 bytes", handshake_with("dGhlIHNhbXBsZSBub25jZTE=", key), 400},
      {"a key of 18 bytes", handshake_with("dGhlIHNhbXBsZSBub25jZTEy", key), 400},
      {"a key that is no base64", handshake_with("dGhlIHNhbXBsZSBub25j-Q==", key), 400},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    const std::string got = answer(port, row.bytes);
    EXPECT_TRUE(got.starts_with("HTTP/1.1 " + std::to_string(row.status))) << got;
    EXPECT_EQ(got.contains(version), row.status == 426) << got;
  }
  // Not an upgrade at all: a request as any other, on a connection that stays.
  const Client client(port);
  client.send(handshake_with("X", "Connection"));
  EXPECT_TRUE(client.read_until("Speak WebSocket\n").starts_with("HTTP/1.1 426"));
}

TEST_F(WebSocketEcho, UnderstandsAHandshakeInWhateverCaseAndAmongOtherProtocols) {
  const int port = start_echo();
  for (const std::string upgrade :
       {"Upgrade: WebSocket", "upgrade: h2c,\tWEBSOCKET , tea", "Upgrade: h2c\r\nUpgrade: websocket"}) {
    const std::string bytes = handshake_with(upgrade, "Upgrade: websocket");
    EXPECT_EQ(answer(port, bytes + frame(0x88, "")), accepted + std::string("\x88\0", 2)) << upgrade;
  }
}

TEST_F(WebSocketEcho, IgnoresWhatComesAfterAGoodbye) {
  const int port = start_echo();
  const std::string goodbye = close_with(1000);
  EXPECT_EQ(
      answer(port, handshake + frame(0x88, goodbye) + frame(0x81, "late") + frame(0x88, goodbye) + "xyz"),
      accepted + "\x88\x02" + goodbye);
  // And when it comes in a piece of its own.
  const Client client(port);
  client.send(handshake + frame(0x88, goodbye));
  EXPECT_EQ(client.read_until("\x88\x02" + goodbye), accepted + "\x88\x02" + goodbye);
  client.send(frame(0x81, "late") + std::string(1 << 16, 'x'));
  client.finish();
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(WebSocketEcho, AnswersNothingAfterItsOwnGoodbye) {
  const Client client(start_echo());
  client.send(handshake);
  EXPECT_EQ(client.read_until("\r\n\r\n"), accepted);
  signal_one(echo_->pid(), SIGTERM);
  const std::string goodbye = close_with(1001);
  EXPECT_EQ(client.read_until("\x88\x02" + goodbye), "\x88\x02" + goodbye);
  client.send(frame(0x81, "late") + frame(0x89, "ping") + frame(0x88, goodbye) + frame(0x81, "later"));
  client.finish();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(echo_->wait(), 0);
}

TEST_F(WebSocketEcho, TalksWithNodesClientAndSaysGoodbye) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  const int port = start_echo();
  // Behind a flag in Node 20, on by default from 22 on.
  const std::string flag = "--experimental-websocket";
  Program& probe = run({node_program(), flag, "-p", "typeof WebSocket"});
  if (probe.wait() != 0 || probe.rest() != std::vector<std::string>{"function"}) {
    GTEST_SKIP() << "this Node has no WebSocket";
  }
  Program& node =
      run({node_program(), flag, source("tests/interop/http/websocket_client.js"), std::to_string(port)});
  node.line("ok");
  echo_->end(SIGTERM);
  node.line("closed 1001");
  EXPECT_EQ(node.wait(), 0);
  EXPECT_EQ(echo_->wait(), 0);
}

}  // namespace
}  // namespace baton::test
