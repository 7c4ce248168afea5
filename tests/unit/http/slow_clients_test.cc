#include <malloc.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "baton/base/fd.h"
#include "baton/loop/timer.h"
#include "net/sockaddr.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

// What this process has allocated. The sanitizers keep accounts of their own: then 0.
std::size_t allocated() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A client that begins a request, goes on with it for ever, and never ends it: slowloris. It holds no memory.
class SlowClient {
 public:
  explicit SlowClient(const net::Endpoint& server) : connection_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const net::SocketAddress address(server);
    EXPECT_EQ(::connect(connection_.get(), address.get(), address.length()), 0);
    send("GET / HTTP/1.1\r\nHost: a\r\n");
  }
  void send(std::string_view bytes) {
    ::send(connection_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  [[nodiscard]] bool open() const { return static_cast<bool>(connection_); }
  [[nodiscard]] bool told() const { return told_; }
  // Whether the server has ended the connection; then it is closed here too.
  bool cut() {
    char answer[256];
    const ssize_t got = ::recv(connection_.get(), answer, sizeof answer, MSG_DONTWAIT);
    if (got > 0) told_ = std::string_view(answer, static_cast<std::size_t>(got)).starts_with("HTTP/1.1 408 ");
    if (got != 0) return false;
    connection_.reset();
    return true;
  }

 private:
  Fd connection_;
  bool told_ = false;
};

// Opens a crowd of them and lets each send a piece every few milliseconds.
class HttpSlowClients : public Http {
 public:
  static constexpr std::size_t size = 500;

  // Until the server has no connection left. Whoever asks in the ordinary way meanwhile is `clients.front()`.
  void storm(const std::string& piece, std::size_t pieces) {
    serve_with(hello, Options().headers_timeout(1s));
    ++open_clients;  // the crowd is one more, for whom the server stays
    crowd_.reserve(size);
    const std::size_t before = allocated();
    Timer beat = Timer::every(*loop, 20ms, [&, sent = std::size_t{0}]() mutable {
      while (crowd_.size() < size) crowd_.emplace_back(address);
      const std::size_t now = server.connections();
      if (now == size && clients.empty()) client(get_and_close);
      if (now > size / 2) most_memory = std::max(most_memory, (allocated() - before) / now);
      const bool more = sent++ < pieces;
      for (SlowClient& one : crowd_) {
        if (!one.open()) continue;
        if (more) one.send(piece);
        if (one.cut()) ++cut;
      }
      if (cut < size || server.connections() > 0) return;
      beat.stop();
      if (--open_clients == 0) server.close();
    });
    loop->run();
  }

  // The bounds that a crowd of any size has to keep to.
  void expect_it_was_borne() {
    EXPECT_EQ(std::ranges::count(crowd_, true, &SlowClient::told), std::ptrdiff_t{size});
    EXPECT_EQ(cut, size);
    EXPECT_LT(most_memory, 20'000U);
    ASSERT_FALSE(clients.empty());
    EXPECT_TRUE(clients.front().has("hello"));
  }

  std::size_t cut = 0;
  std::size_t most_memory = 0;  // a connection

 private:
  std::vector<SlowClient> crowd_;
};

TEST_F(HttpSlowClients, AreAllToldThatTheirTimeIsOverAndCostLittleUntilThen) {
  storm("X: y\r\n", 1'000);
  expect_it_was_borne();
}

TEST_F(HttpSlowClients, CostLittleWithHeadsThatAreAlmostTooLarge) {
  storm("X: " + std::string(1985, 'y') + "\r\n", 8);
  expect_it_was_borne();
}

}  // namespace
}  // namespace baton::http
