// Connections of an HTTP client that are kept, used again, and end while nobody looks.

#include "unit/http/client_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

TEST_F(HttpClient, UsesAConnectionAgain) {
  std::vector<std::uint16_t> ports;
  const std::string url = serve_with([&ports](Request& request, Response& response) -> Task<> {
    ports.push_back(request.remote().port());
    co_await tell_request(request, response);
  });
  run([&]() -> Task<> {
    Client client(loop());
    for (int i = 0; i < 3; ++i) {
      Reply reply = co_await client.fetch(url, FetchOptions().method("POST").body("x"));
      EXPECT_TRUE((co_await reply.body()).ends_with("|x"));
      EXPECT_EQ(client.connections(), 1U);
    }
    // A short answer that nobody reads is there already.
    {
      const Reply unread = co_await client.fetch(url);
    }
    const Reply last = co_await client.fetch(url, FetchOptions().method("HEAD"));
    EXPECT_EQ(client.connections(), 1U);
  });
  ASSERT_EQ(ports.size(), 5U);
  for (const std::uint16_t port : ports) EXPECT_EQ(port, ports[0]);
}

TEST_F(HttpClient, DoesNotKeepTheLoopRunningForConnectionsThatWait) {
  std::optional<Client> client(std::in_place, loop());
  const std::string url = serve_with(hello);
  run([&]() -> Task<> {
    Reply reply = co_await client->fetch(url);
    EXPECT_EQ(co_await reply.body(), "hello");
  });
  EXPECT_EQ(client->connections(), 1U);
  client.reset();
}

TEST_F(HttpClient, ClosesAConnectionThatWaitedLongEnough) {
  const std::string url = serve_with(hello);
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().keep_alive_timeout(30ms));
    Reply reply = co_await client.fetch(url);
    EXPECT_EQ(co_await reply.body(), "hello");
    EXPECT_EQ(client.connections(), 1U);
    while (client.connections() > 0) co_await sleep(loop(), 5ms);
  });
}

TEST_F(HttpClient, LeavesAServerThatSaysASecondBeforeItsTime) {
  const std::string url = serve_with(hello, Options().keep_alive_timeout(1s));
  run([&]() -> Task<> {
    Client client(loop());
    Reply reply = co_await client.fetch(url);
    EXPECT_EQ(co_await reply.body(), "hello");
    EXPECT_EQ(client.connections(), 0U);
  });
}

TEST_F(HttpClient, NoticesThatAConnectionThatWaitsIsClosed) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true);
  run([&]() -> Task<> {
    Client client(loop());
    for (int i = 0; i < 3; ++i) {
      Reply reply = co_await client.fetch(url);
      EXPECT_EQ(co_await reply.body(), "ok");
      while (client.connections() > 0) co_await sleep(loop(), 1ms);
    }
  });
  EXPECT_EQ(peers().size(), 3U);
}

// The second request of each connection meets its end.
std::function<void(net::Socket&, int)> closes_at_the_second() {
  return [](net::Socket& peer, int) {
    peer.on_data([&peer, first = true](std::string_view) mutable {
      if (!std::exchange(first, false)) return peer.close();
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  };
}

TEST_F(HttpClient, SendsOnceMoreWhatMayBeRepeatedWhenAKeptConnectionEnds) {
  const std::string url = listen_raw(closes_at_the_second());
  run([&]() -> Task<> {
    Client client(loop());
    for (int i = 0; i < 3; ++i) {
      Reply reply = co_await client.fetch(url, FetchOptions().method("PUT").body("x"));
      EXPECT_EQ(co_await reply.body(), "ok");
    }
    EXPECT_EQ(peers().size(), 3U);
    EXPECT_EQ(co_await failure_of(client.fetch(url, FetchOptions().method("POST")), url),
              "read the answer: the connection ended without an answer: disconnected");
    EXPECT_EQ(peers().size(), 3U);
    EXPECT_EQ(client.connections(), 0U);
  });
}

TEST_F(HttpClient, OpensNoMoreConnectionsThanAllowed) {
  std::size_t most = 0;
  Client client(loop(), ClientOptions().max_connections(3));
  const std::string url = serve_with([&](Request&, Response& response) -> Task<> {
    most = std::max(most, client.connections());
    co_await sleep(loop(), 2ms);
    response.end("hello");
  });
  run([&]() -> Task<> {
    std::vector<Task<std::string>> fetches;
    for (int i = 0; i < 20; ++i) {
      fetches.push_back(fetch_body(client, url));
    }
    // One of those that wait is given up.
    EXPECT_EQ(co_await failure_of(client.fetch(url + "/none").within(1ms), url + "/none"), "timed out");
    for (const std::string& body : co_await all(loop(), std::move(fetches))) EXPECT_EQ(body, "hello");
  });
  EXPECT_EQ(most, 3U);
}

TEST_F(HttpClient, MakesRoomForAnotherPlaceOnlyWithinItsOwn) {
  const std::string url = serve_with(hello);
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().max_connections(1));
    Reply first = co_await client.fetch(url);
    const std::string by_name = "http://localhost:" + url.substr(url.rfind(':') + 1);
    Reply second = co_await client.fetch(by_name);
    EXPECT_EQ(co_await first.body(), "hello");
    EXPECT_EQ(co_await second.body(), "hello");
    EXPECT_EQ(client.connections(), 2U);
  });
}

TEST_F(HttpClient, SendsARequestAtMostTwiceWhateverWaitsBesideIt) {
  std::vector<int> seen(8);
  const std::string url = listen_raw([&seen](net::Socket& peer, int) {
    peer.on_data([&seen, &peer, first = true](std::string_view request) mutable {
      ++seen.at(static_cast<std::size_t>(request.at(5) - '0'));
      if (!std::exchange(first, false)) return peer.close();
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().max_connections(1));
    std::vector<Task<std::string>> fetches;
    for (int i = 0; i < 8; ++i) fetches.push_back(fetch_body(client, url + "/" + std::to_string(i)));
    for (const std::string& body : co_await all(loop(), std::move(fetches))) EXPECT_EQ(body, "ok");
  });
  for (const int times : seen) EXPECT_TRUE(times == 1 || times == 2) << times;
}

TEST_F(HttpClient, DoesNotUseAConnectionAgainOnWhichMoreCameThanTheAnswer) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
  run([&]() -> Task<> {
    Client client(loop());
    EXPECT_EQ(co_await fetch_body(client, url), "ok");
    EXPECT_EQ(client.connections(), 0U);
    const auto next_of = [](Reply reply) { return reply.next_data(); };
    Reply reply = co_await client.fetch(url);
    auto next = next_of(std::move(reply));
    EXPECT_EQ(co_await std::move(next), "ok");
    EXPECT_EQ(client.connections(), 0U);
  });
}

TEST_F(HttpClient, KeepsAConnectionThatAnsweredHeadWithoutALength) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\n\r\n");
  run([&]() -> Task<> {
    Client client(loop());
    {
      const Reply reply = co_await client.fetch(url, FetchOptions().method("HEAD"));
    }
    EXPECT_EQ(client.connections(), 1U);
  });
}

TEST_F(HttpClient, GivesUpWhicheverOfThoseThatWaitAndKeepsTheOrderOfTheOthers) {
  std::vector<std::string> order;
  const std::string url = serve_with([&](Request& request, Response& response) {
    order.emplace_back(request.target());
    response.end("hello");
  });
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().max_connections(1));
    std::vector<Task<std::string>> fetches;
    std::stop_source stop;
    std::vector<Op<Reply>> given_up;
    for (int i = 0; i < 5; ++i) {
      fetches.push_back(fetch_body(client, url + "/" + std::to_string(i)));
      given_up.push_back(client.fetch(url + "/none").cancel_on(stop.get_token()));
    }
    auto bodies = all(loop(), std::move(fetches));
    stop.request_stop();
    for (const std::string& body : co_await std::move(bodies)) EXPECT_EQ(body, "hello");
  });
  EXPECT_EQ(order, (std::vector<std::string>{"/0", "/1", "/2", "/3", "/4"}));
}

TEST_F(HttpClient, WaitsForAConnectionNoLongerThanForAHead) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().max_connections(1).headers_timeout(20ms));
    const Reply first = co_await client.fetch(url);
    EXPECT_EQ(co_await failure_of(client.fetch(url), url), "wait for a connection: timed out");
    EXPECT_EQ(client.connections(), 1U);
  });
}

TEST_F(HttpClient, MayBeGivenUpWhileItWaitsJustAsTheLastConnectionEnds) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().max_connections(1));
    std::optional<Reply> first(co_await client.fetch(url));
    std::stop_source stop;
    auto second = client.fetch(url).cancel_on(stop.get_token());
    stop.request_stop();
    first.reset();
    EXPECT_EQ(client.connections(), 0U);
    EXPECT_NE(co_await failure_of(std::move(second), url), "no failure");
  });
}

}  // namespace
}  // namespace baton::http
