#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "baton/http/server.h"
#include "baton/net/socket.h"

namespace baton::http {

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

// A client of raw bytes, which ends its side when the server has ended its own.
struct RawClient {
  net::Socket socket;
  std::string got;
  bool ended = false;   // the server's side, in order
  bool broken = false;  // a reset
  bool closed = false;
  std::function<void(RawClient&)> on_more;

  [[nodiscard]] bool has(std::string_view text) const { return got.find(text) != std::string::npos; }
  [[nodiscard]] std::size_t count(std::string_view text) const {
    std::size_t times = 0;
    for (auto at = got.find(text); at != std::string::npos; at = got.find(text, at + text.size())) ++times;
    return times;
  }
  // Leaves as one that was killed on another machine does: with a reset, not in order.
  void reset() {
    const linger at_once{1, 0};
    ASSERT_EQ(::setsockopt(socket.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    socket.close();
  }
};

// A server and its clients on one loop; afterwards, no descriptor may be left.
class Http : public testing::Test {
 public:
  void TearDown() override {
    clients.clear();
    server = Server();
    loop.reset();
    EXPECT_EQ(open_descriptors(), descriptors_);
  }

  void serve_with(Handler handler, const Options& options = Options()) {
    server = serve(net::listen(*loop, net::Endpoint("127.0.0.1", 0)), std::move(handler), options);
    address = server.local();
  }

  // Connects and sends. When the last of the clients is through, so is the server.
  RawClient& client(std::string_view bytes = {}, std::function<void(RawClient&)> on_more = nullptr) {
    RawClient& made = clients.emplace_back();
    made.on_more = std::move(on_more);
    ++open_clients;
    net::connect(*loop, address).then([this, &made, text = std::string(bytes)](Result<net::Socket> result) {
      if (!result) {
        made.broken = true;
        return over(made);
      }
      made.socket = std::move(*result);
      made.socket.on_data([&made](std::string_view data) {
        made.got += data;
        if (made.on_more) made.on_more(made);
      });
      made.socket.on_end([&made] {
        made.ended = true;
        made.socket.end();
      });
      made.socket.on_error([&made](const Error&) { made.broken = true; });
      made.socket.on_close([this, &made] { over(made); });
      if (!text.empty()) made.socket.write(text);
    });
    return made;
  }

  // What one client gets that sends `bytes` and waits for the server to close.
  std::string answer_to(std::string_view bytes) {
    RawClient& asked = client(bytes);
    loop->run();
    EXPECT_TRUE(asked.ended);
    EXPECT_FALSE(asked.broken);
    return asked.got;
  }

  void over(RawClient& one) {
    if (std::exchange(one.closed, true)) return;
    if (--open_clients > 0) return;
    server.close();
    if (when_over) when_over();
  }

 private:
  static std::size_t descriptors_before() {
    // libuv keeps two descriptors of its first loop for those to come.
    {
      const Loop first;
    }
    return open_descriptors();
  }
  std::size_t descriptors_ = descriptors_before();

 public:
  std::optional<Loop> loop{std::in_place};
  Server server;
  net::Endpoint address;
  std::deque<RawClient> clients;
  std::size_t open_clients = 0;
  std::function<void()> when_over;
};

// The answer without its head.
inline std::string body_of(const std::string& answer) {
  const auto at = answer.find("\r\n\r\n");
  return at == std::string::npos ? "no head" : answer.substr(at + 4);
}

inline void hello(Request&, Response& response) {
  response.header("content-type", "text/plain").end("hello");
}

inline const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
inline const std::string get_and_close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

}  // namespace baton::http
