#include <gtest/gtest.h>

#include <string>

#include "baton/net/bound_socket.h"
#include "baton/net/server.h"
#include "baton/net/socket.h"
#include "support/leak_check.h"

namespace baton::net {
namespace {

class Ipv6Only : public testing::Test {
 protected:
  void SetUp() override {
    try {
      (void)bind(Endpoint("::1", 0));
    } catch (const Error& error) {
      GTEST_SKIP() << "there is no IPv6 here: " << error.what();
    }
  }
  /// What a client that connects to `host` is told by a server of all addresses.
  std::string answer_to(const std::string& host, const ListenOptions& options) {
    Server server = listen(loop, Endpoint("::", 0), options);
    return answer_to(host, std::move(server));
  }
  std::string answer_to(const std::string& host, Server server) {
    server.on_connection([](Socket socket) { socket.end("served"); });
    std::string answer;
    Socket client;
    connect(loop, Endpoint(host, server.local().port())).then([&](Result<Socket> result) {
      if (!result) {
        answer = result.error().code().message();
        server.close();
        return;
      }
      client = std::move(*result);
      client.on_data([&](std::string_view bytes) { answer += bytes; });
      client.on_close([&] { server.close(); });
    });
    loop.run();
    return answer;
  }

  test::LeakCheck leaks;
  Loop loop;
};

TEST_F(Ipv6Only, LeavesIpv4Unserved) {
  const auto only = ListenOptions().ipv6_only();
  EXPECT_EQ(answer_to("::1", only), "served");
  EXPECT_EQ(answer_to("127.0.0.1", only), "Connection refused");
}

TEST_F(Ipv6Only, IsOffUnlessAskedForSoThatOneServerServesBoth) {
  for (const auto& options : {ListenOptions(), ListenOptions().ipv6_only(false)}) {
    EXPECT_EQ(answer_to("::1", options), "served");
    EXPECT_EQ(answer_to("127.0.0.1", options), "served");
  }
}

TEST_F(Ipv6Only, LetsAServerOfIpv4HaveTheSamePort) {
  bool shared = false;
  // The port that is free for IPv6 may be taken for IPv4.
  for (int i = 0; i < 10 && !shared; ++i) {
    const Server six = listen(loop, Endpoint("::", 0), ListenOptions().ipv6_only());
    try {
      const Server four = listen(loop, Endpoint("0.0.0.0", six.local().port()));
      shared = true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), std::errc::address_in_use);
    }
  }
  EXPECT_TRUE(shared);
  const Server both = listen(loop, Endpoint("::", 0));
  EXPECT_THROW((void)listen(loop, Endpoint("0.0.0.0", both.local().port())), Error);
}

TEST_F(Ipv6Only, HoldsForABoundSocketThatListensLater) {
  for (const std::string host : {"::1", "127.0.0.1"}) {
    Server server = listen(loop, bind(Endpoint("::", 0), ListenOptions().ipv6_only()));
    EXPECT_EQ(answer_to(host, std::move(server)), host == "::1" ? "served" : "Connection refused");
  }
}

TEST(Listen, OnAPortAloneTakesEveryAddress) {
  Loop loop;
  Server server = listen(loop, 0);
  int accepted = 0;
  server.on_connection([&](const Socket&) {
    if (++accepted == 2) server.close();
  });
  const uint16_t port = server.local().port();
  connect(loop, Endpoint("127.0.0.1", port)).then([&](const Result<Socket>& socket) {
    EXPECT_TRUE(socket);
    connect(loop, Endpoint(server.local().family() == 6 ? "::1" : "127.0.0.1", port))
        .then([](const Result<Socket>& second) { EXPECT_TRUE(second); });
  });
  loop.run();
  EXPECT_EQ(accepted, 2);
}

}  // namespace
}  // namespace baton::net
