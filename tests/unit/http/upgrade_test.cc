#include <chrono>
#include <stdexcept>

#include "baton/loop/timer.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

const std::string upgrade =
    "GET /up HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: tea\r\n\r\n";

class HttpUpgrade : public Http {
 public:
  // Speaks "tea" with whoever upgrades: answers 101, then each byte twice.
  void offer_tea() {
    server.on_upgrade([this](Request& request, net::Socket socket, std::string first) {
      asked_for = std::string(request.target()) + " " + std::string(request.header("upgrade").value());
      first_bytes = first;
      connections_then = server.connections();
      tea = std::move(socket);
      tea.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n");
      pour(first);
      tea.on_data([this](std::string_view bytes) { pour(bytes); });
      tea.on_end([this] { tea.end(); });
    });
  }
  void pour(std::string_view bytes) {
    for (const char& c : bytes) tea.write(std::string(2, c));
  }
  void TearDown() override {
    tea = net::Socket();
    Http::TearDown();
  }

  net::Socket tea;
  std::string asked_for, first_bytes;
  std::size_t connections_then = 99;
};

TEST_F(HttpUpgrade, HandsTheSocketOverWithWhatCameBehindTheHead) {
  serve_with(hello);
  offer_tea();
  RawClient& asker = client(upgrade + "abc", [sent = 0](RawClient& self) mutable {
    if (self.got.ends_with("aabbcc") && sent++ == 0) self.socket.write("de");
    if (self.got.ends_with("ddee")) self.socket.end();
  });
  loop->run();
  EXPECT_EQ(asked_for, "/up tea");
  EXPECT_EQ(first_bytes, "abc");
  EXPECT_TRUE(asker.got.starts_with("HTTP/1.1 101 ")) << asker.got;
  EXPECT_TRUE(asker.got.ends_with("\r\n\r\naabbccddee")) << asker.got;
  EXPECT_TRUE(asker.ended);
  EXPECT_FALSE(asker.broken);
  EXPECT_EQ(connections_then, 0U);
}

TEST_F(HttpUpgrade, AnswersEarlierRequestsBeforeItHandsTheSocketOver) {
  Timer later;
  serve_with(
      [&](Request&, Response& response) { later = Timer(*loop, 1ms, [&] { response.end("hello"); }); });
  offer_tea();
  RawClient& asker = client(get + upgrade + "x", [](RawClient& self) {
    if (self.got.ends_with("xx")) self.socket.end();
  });
  loop->run();
  EXPECT_LT(asker.got.find("hello"), asker.got.find("HTTP/1.1 101 "));
  EXPECT_TRUE(asker.got.ends_with("xx"));
}

TEST_F(HttpUpgrade, OfWhatNobodyOffersIsARequestAsAnyOther) {
  serve_with(hello);
  answer_to(upgrade + get_and_close);
  EXPECT_EQ(clients.front().count("hello"), 2U);
}

TEST_F(HttpUpgrade, IsOnlyAskedForInHttp11AndWithoutABody) {
  serve_with(hello);
  offer_tea();
  answer_to(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: tea\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade:\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: tea\r\nContent-Length: 1\r\n\r\nx"
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: tea\r\nTransfer-Encoding: "
      "chunked\r\n\r\n"
      "0\r\n\r\n"
      "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: tea\r\n\r\n");
  EXPECT_EQ(clients.front().count("hello"), 6U);
  EXPECT_EQ(asked_for, "");
}

TEST_F(HttpUpgrade, HandsATunnelOver) {
  std::string to;
  serve_with(hello);
  server.on_connect([&](Request& request, net::Socket socket, const std::string& first) {
    to = request.target();
    tea = std::move(socket);
    tea.end("HTTP/1.1 200 Connection established\r\n\r\n" + first);
    tea.on_data([](std::string_view) {});
  });
  EXPECT_EQ(body_of(answer_to("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\nfirst words")), "first words");
  EXPECT_EQ(to, "b:443");
}

TEST_F(HttpUpgrade, IsNoBusinessOfADrain) {
  bool drained = false;
  serve_with(hello);
  offer_tea();
  RawClient& asker = client(upgrade + "a", [&](RawClient& self) {
    if (!self.got.ends_with("aa")) return;
    server.drain(1h).then([&](Result<void> result) {
      drained = result.has_value();
      self.socket.write("b");
    });
    self.on_more = [](RawClient& again) {
      if (again.got.ends_with("bb")) again.socket.end();
    };
  });
  loop->run();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(asker.got.ends_with("aabb"));
}

TEST_F(HttpUpgrade, OutlivesItsServer) {
  serve_with(hello);
  offer_tea();
  RawClient& asker = client(upgrade + "a", [&](RawClient& self) {
    if (!self.got.ends_with("aa")) return;
    server = Server();
    self.socket.write("b");
    self.on_more = [](RawClient& again) {
      if (again.got.ends_with("bb")) again.socket.end();
    };
  });
  loop->run();
  EXPECT_TRUE(asker.got.ends_with("aabb"));
}

TEST_F(HttpUpgrade, ClosesASocketThatNobodyKeeps) {
  std::string uncaught;
  loop->on_uncaught([&](const std::exception_ptr& exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      uncaught = error.what();
    }
  });
  serve_with(hello);
  server.on_upgrade([](Request&, net::Socket, const std::string&) { throw std::runtime_error("no tea"); });
  RawClient& asker = client(upgrade);
  loop->run();
  EXPECT_EQ(asker.got, "");
  EXPECT_TRUE(asker.closed);
  EXPECT_EQ(uncaught, "no tea");
}

}  // namespace
}  // namespace baton::http
