#include "baton/http/client.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/refusal.h"
#include "baton/loop/task.h"
#include "baton/loop/wait.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

// A server and what asks it, on one loop; afterwards, no descriptor may be left.
class HttpClient : public testing::Test {
 public:
  void TearDown() override {
    server_ = Server();
    raw_ = net::Server();
    peers_.clear();
    loop_.reset();
    EXPECT_EQ(open_descriptors(), descriptors_);
  }

  // A server that answers with `handler`. Returns its URL, without a path.
  std::string serve_with(Handler handler, const Options& options = Options()) {
    server_ = serve(net::listen(*loop_, net::Endpoint("127.0.0.1", 0)), std::move(handler), options);
    return "http://127.0.0.1:" + std::to_string(server_.local().port());
  }

  // A peer that is no server of ours: what is called for each connection, by its number.
  std::string listen_raw(std::function<void(net::Socket&, int)> on_connection) {
    raw_ = net::listen(*loop_, net::Endpoint("127.0.0.1", 0));
    raw_.on_connection([this, on_connection = std::move(on_connection)](net::Socket socket) {
      peers_.push_back(std::make_unique<net::Socket>(std::move(socket)));
      net::Socket& peer = *peers_.back();
      peer.on_end([&peer] { peer.end(); });
      on_connection(peer, static_cast<int>(peers_.size()));
    });
    return "http://127.0.0.1:" + std::to_string(raw_.local().port());
  }
  // One that says `answer` to whatever comes first on each connection, and then ends it if so wished.
  std::string answer_raw(std::string answer, bool ends = false) {
    return listen_raw([answer = std::move(answer), ends](net::Socket& peer, int) {
      peer.on_data([&peer, answer, ends, done = false](std::string_view) mutable {
        if (std::exchange(done, true)) return;
        peer.write(answer);
        if (ends) peer.end();
      });
    });
  }

  // `body` is a coroutine; then everything is closed.
  template <class F>
  void run(F body) {
    const auto run_and_close = [this, &body]() -> Task<> {
      try {
        co_await body();
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
      server_.close();
      raw_.close();
      for (auto& peer : peers_) peer->close();
    };
    start(*loop_, run_and_close());
    loop_->run();
  }

  Loop& loop() { return *loop_; }
  Server& server() { return server_; }
  std::vector<std::unique_ptr<net::Socket>>& peers() { return peers_; }

  // What a fetch fails with: "fetch URL" is left out.
  Task<std::string> failure_of(Op<Reply> op, std::string url) {
    try {
      co_await std::move(op);
    } catch (const Error& error) {
      EXPECT_EQ(error.operation(), "fetch " + url);
      co_return std::string(error.what()).substr(error.operation().size() + 2);
    }
    co_return "no failure";
  }

 private:
  static std::size_t descriptors_before() {
    {
      const Loop first;
    }
    return open_descriptors();
  }
  std::size_t descriptors_ = descriptors_before();
  std::optional<Loop> loop_{std::in_place};
  Server server_;
  net::Server raw_;
  std::vector<std::unique_ptr<net::Socket>> peers_;
};

Task<std::string> fetch_body(Client& client, std::string url) {
  Reply reply = co_await client.fetch(url);
  co_return co_await reply.body();
}

Task<> tell_request(Request& request, Response& response) {
  const std::string body = co_await request.body();
  std::string told = std::string(request.method()) + " " + std::string(request.target());
  for (const auto& [name, value] : request.headers())
    told += "|" + std::string(name) + "=" + std::string(value);
  response.header("X-Seen", "yes").end(told + "|" + body);
}

TEST_F(HttpClient, FetchesAPage) {
  const std::string url = serve_with(tell_request);
  run([&]() -> Task<> {
    Reply reply = co_await fetch(loop(), url + "/a%20b?c=d#e");
    EXPECT_EQ(reply.status(), 200);
    EXPECT_TRUE(reply.ok());
    EXPECT_EQ(reply.reason(), "OK");
    EXPECT_EQ(reply.header("x-seen"), "yes");
    EXPECT_EQ(co_await reply.body(), "GET /a%20b?c=d|Host=" + url.substr(7) + "|Connection=close|");
    EXPECT_EQ(co_await reply.next_data(), std::nullopt);
  });
}

TEST_F(HttpClient, SendsMethodHeadersAndABody) {
  const std::string url = serve_with([](Request& request, Response& response) -> Task<> {
    if (request.header("content-length") != "4") throw Refusal(413, "too much");
    co_await tell_request(request, response);
  });
  run([&]() -> Task<> {
    FetchOptions options;
    options.method("PUT")
        .header("A", "1")
        .header("a", "2")
        .add_header("A", "3")
        .header("Host", "example")
        .body("text");
    Reply reply = co_await fetch(loop(), url, options);
    EXPECT_EQ(co_await reply.body(), "PUT /|a=2|A=3|Host=example|Connection=close|Content-Length=4|text");
    const std::string large(3'000'000, 'x');
    options.body(large);
    Reply second = co_await fetch(loop(), url, options);
    EXPECT_EQ(second.status(), 413);
  });
}

TEST_F(HttpClient, AsksOverAUnixDomainSocket) {
  const std::string path = testing::TempDir() + "http_client_test." + std::to_string(::getpid());
  auto over_unix = serve(net::listen(loop(), net::Endpoint::unix_path(path)), tell_request);
  run([&]() -> Task<> {
    Reply reply = co_await fetch(loop(), "http://service/x", FetchOptions().socket_path(path));
    EXPECT_EQ(co_await reply.body(), "GET /x|Host=service|Connection=close|");
    over_unix.close();
  });
}

TEST_F(HttpClient, StreamsBothWaysAtOnce) {
  const std::string url = serve_with([](Request& request, Response& response) -> Task<> {
    while (auto piece = co_await request.next_data()) {
      if (!response.write(*piece)) co_await response.drained();
    }
    response.trailer("sum", "12").end();
  });
  run([&]() -> Task<> {
    for (const bool says_length : {false, true}) {
      int left = 200;
      FetchOptions options;
      options.method("POST").body(
          [&left]() -> Task<std::optional<std::string>> {
            if (left-- == 0) co_return std::nullopt;
            co_return std::string(50'000, static_cast<char>('a' + left % 26));
          },
          says_length ? std::optional<std::uint64_t>(200 * 50'000) : std::nullopt);
      Reply reply = co_await fetch(loop(), url, options);
      std::size_t got = 0;
      while (const auto piece = co_await reply.next_data()) got += piece->size();
      EXPECT_EQ(got, 200 * 50'000U);
      EXPECT_EQ(reply.trailers().find("sum"), "12");
    }
  });
}

TEST_F(HttpClient, ReadsNoFasterThanItIsAskedFor) {
  std::size_t written = 0;
  const std::string url = serve_with([&written](Request&, Response& response) -> Task<> {
    for (int i = 0; i < 400; ++i) {
      written += 64'000;
      if (!response.write(std::string(64'000, 'x'))) co_await response.drained();
    }
    response.end();
  });
  run([&]() -> Task<> {
    Reply reply = co_await fetch(loop(), url);
    // Until the server has been still for a while.
    for (std::size_t before = 1; before != written;) {
      before = written;
      co_await sleep(loop(), 50ms);
    }
    EXPECT_LT(written, 400 * 64'000U);
    EXPECT_EQ((co_await reply.body(64'000'000)).size(), 400 * 64'000U);
  });
}

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

constexpr std::pair<std::string_view, std::string_view> no_urls[] = {
    {"https://a/", "https is not spoken here; put a proxy in front"},
    {"a/b", "a URL begins with http://"},
    {"http://", "its host is none"},
    {"http://a b/", "its host is none"},
    {"http://:80/", "its host is none"},
    {"http://a:0/", "its port is none"},
    {"http://a:65536/", "its port is none"},
    {"http://a/b c", "its path has a character that must be percent-encoded"},
};

TEST_F(HttpClient, SaysWhatIsWrongWithAUrl) {
  run([&]() -> Task<> {
    for (const auto& [url, why] : no_urls) {
      const std::string said = co_await failure_of(fetch(loop(), url), std::string(url));
      EXPECT_EQ(said, std::string(why) + ": invalid argument") << url;
    }
  });
}

TEST_F(HttpClient, RefusesOptionsThatWouldSplitTheRequest) {
  FetchOptions options;
  EXPECT_THROW(options.method("GET /"), std::invalid_argument);
  EXPECT_THROW(options.method("CONNECT"), std::invalid_argument);
  EXPECT_THROW(options.header("A", "b\r\nC: d"), std::invalid_argument);
  EXPECT_THROW(options.add_header("A b", "c"), std::invalid_argument);
  EXPECT_THROW(options.header("Host", "a b"), std::invalid_argument);
  EXPECT_THROW(options.socket_path(std::string(200, 'x')), std::invalid_argument);
  for (const char* name : {"content-length", "Transfer-Encoding", "connection", "TE", "Expect"}) {
    EXPECT_THROW(options.header(name, "x"), std::invalid_argument);
  }
}

TEST_F(HttpClient, SaysWhyItCouldNotConnect) {
  net::Server closed = net::listen(loop(), net::Endpoint("127.0.0.1", 0));
  const std::string place = "127.0.0.1:" + std::to_string(closed.local().port());
  closed.close();
  run([&]() -> Task<> {
    const std::string url = "http://" + place + "/";
    EXPECT_EQ(co_await failure_of(fetch(loop(), url), url),
              "connect to " + place + ": " + place + ": connection refused");
  });
}

TEST_F(HttpClient, SaysWhatIsWrongWithAnAnswer) {
  const std::string url = answer_raw("SSH-2.0-OpenSSH_9.2\r\n");
  run([&]() -> Task<> {
    EXPECT_EQ(co_await failure_of(fetch(loop(), url), url),
              "read the answer: it is not HTTP/1: not a message");
  });
}

TEST_F(HttpClient, DoesNotTakeAReplyForWholeThatWasCut) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true);
  run([&]() -> Task<> {
    Reply reply = co_await fetch(loop(), url);
    EXPECT_EQ(co_await reply.next_data(), "hell");
    for (int i = 0; i < 2; ++i) {
      try {
        co_await reply.body();
        ADD_FAILURE() << "it was whole";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::disconnected);
      }
    }
  });
}

TEST_F(HttpClient, ReadsABodyThatEndsWithTheConnection) {
  const std::string url = answer_raw("HTTP/1.0 200 OK\r\n\r\nto the end", true);
  run([&]() -> Task<> {
    Reply reply = co_await fetch(loop(), url);
    co_await sleep(loop(), 5ms);
    EXPECT_EQ(co_await reply.body(), "to the end");
  });
}

TEST_F(HttpClient, KeepsItsTimes) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().body_timeout(20ms));
    Reply reply = co_await client.fetch(url);
    EXPECT_EQ(co_await reply.next_data(), "hell");
    // Nobody waits for it now.
    co_await sleep(loop(), 40ms);
    try {
      co_await reply.next_data();
      ADD_FAILURE() << "it came";
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()), "fetch " + url + ": wait for the body of the answer: timed out");
    }
  });
}

Task<> drip(Loop& loop, net::Socket& peer) {
  while (peer) {
    peer.write("A: b\r\n");
    co_await sleep(loop, 3ms);
  }
}

TEST_F(HttpClient, WaitsForAHeadNoLongerThanAllowedHoweverItDrips) {
  const std::string url = listen_raw([this](net::Socket& peer, int) {
    peer.on_data([](std::string_view) {});
    peer.write("HTTP/1.1 200 OK\r\n");
    start(loop(), drip(loop(), peer));
  });
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().headers_timeout(30ms));
    EXPECT_EQ(co_await failure_of(client.fetch(url), url), "wait for the head of the answer: timed out");
    EXPECT_EQ(client.connections(), 0U);
  });
}

TEST_F(HttpClient, ThatIsNotWaitedForAnyLongerClosesItsConnection) {
  int ended = 0;
  const std::string url = listen_raw([&ended](net::Socket& peer, int) {
    peer.on_data([](std::string_view) {});
    peer.on_close([&ended] { ++ended; });
  });
  run([&]() -> Task<> {
    EXPECT_EQ(co_await failure_of(fetch(loop(), url).within(10ms), url), "timed out");
    while (ended < 1) co_await sleep(loop(), 1ms);
    {
      const auto dropped = fetch(loop(), url);
    }
    {
      const auto dropped = fetch(loop(), url);
      while (peers().size() < 2) co_await sleep(loop(), 1ms);
    }
    while (ended < 2) co_await sleep(loop(), 1ms);
  });
}

TEST_F(HttpClient, TakesNoMoreOfABodyThanItsLimit) {
  const std::string url =
      serve_with([](Request&, Response& response) { response.end(std::string(1000, 'x')); });
  run([&]() -> Task<> {
    Client client(loop());
    Reply reply = co_await client.fetch(url);
    EXPECT_EQ((co_await reply.body(1000)).size(), 1000U);
    Reply again = co_await client.fetch(url);
    try {
      co_await again.body(999);
      ADD_FAILURE() << "it was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::message_too_large);
    }
    EXPECT_EQ(client.connections(), 0U);
  });
}

TEST_F(HttpClient, GoesOnWithABodyThatIsWaitedForWhenItsReplyIsGone) {
  const std::string url = serve_with([this](Request&, Response& response) -> Task<> {
    response.write("first ");
    co_await sleep(loop(), 5ms);
    response.end("last");
  });
  run([&]() -> Task<> {
    const auto body_of = [](Reply reply) { return reply.body(); };
    Reply reply = co_await fetch(loop(), url);
    auto body = body_of(std::move(reply));
    EXPECT_EQ(co_await std::move(body), "first last");
  });
}

TEST_F(HttpClient, GivesUpABodyThatNobodyWants) {
  std::string said;
  const std::string url = serve_with([&said](Request&, Response& response) -> Task<> {
    try {
      for (;;) {
        if (!response.write(std::string(64'000, 'x'))) co_await response.drained();
      }
    } catch (const Error& error) {
      said = error.what();
    }
    response.end();
  });
  run([&]() -> Task<> {
    Client client(loop());
    {
      const Reply unread = co_await client.fetch(url);
    }
    EXPECT_EQ(client.connections(), 0U);
    while (said.empty()) co_await sleep(loop(), 1ms);
  });
  EXPECT_EQ(said, "write the body of a response: disconnected");
}

TEST_F(HttpClient, EndsAnUploadWhenTheServerHasAnsweredBefore) {
  int pieces = 0;
  const std::string url = serve_with(
      [](Request&, Response& response) { response.status(413).header("Connection", "close").end("no"); });
  run([&]() -> Task<> {
    Client client(loop());
    FetchOptions options;
    options.method("POST").body([&]() -> Task<std::optional<std::string>> {
      ++pieces;
      co_await sleep(loop(), 1ms);
      co_return std::string(1000, 'x');
    });
    Reply reply = co_await client.fetch(url, options);
    EXPECT_EQ(reply.status(), 413);
    EXPECT_EQ(co_await reply.body(), "no");
    EXPECT_EQ(client.connections(), 0U);
    const int before = pieces;
    co_await sleep(loop(), 10ms);
    EXPECT_LE(pieces, before + 1);
  });
}

TEST_F(HttpClient, FailsWithWhatTheSourceOfABodyThrows) {
  const std::string url = serve_with(tell_request);
  run([&]() -> Task<> {
    FetchOptions options;
    options.method("POST").body([]() -> Task<std::optional<std::string>> {
      throw std::runtime_error("the disk is gone");
      co_return std::nullopt;
    });
    EXPECT_EQ(co_await failure_of(fetch(loop(), url, options), url),
              "the disk is gone: an exception that nobody caught");
    for (const std::uint64_t length : {3U, 5U}) {
      int left = 2;
      options.body(
          [&left]() -> Task<std::optional<std::string>> {
            if (--left == 1) co_return "four";
            co_return std::nullopt;
          },
          length);
      EXPECT_EQ(co_await failure_of(fetch(loop(), url, options), url),
                std::string(length == 3 ? "the body is longer than its length"
                                        : "the body is shorter than its length") +
                    ": an exception that nobody caught");
    }
  });
}

TEST_F(HttpClient, ThatIsGoneClosesItsConnectionWhenTheWaitForItsBodyIsGivenUp) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  run([&]() -> Task<> {
    Client client(loop());
    const auto next_of = [](Reply reply) { return reply.next_data(); };
    Reply reply = co_await client.fetch(url);
    auto next = next_of(std::move(reply));
    try {
      co_await std::move(next).within(5ms);
      ADD_FAILURE() << "something came";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::timed_out);
    }
    while (client.connections() > 0) co_await sleep(loop(), 1ms);
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

TEST_F(HttpClient, SaysThatAHeadIsTooLarge) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'x') + "\r\n\r\n");
  run([&]() -> Task<> {
    const std::string said = co_await failure_of(fetch(loop(), url), url);
    EXPECT_TRUE(said.starts_with("read the answer: its head is too large: ")) << said;
  });
}

TEST_F(HttpClient, SendsAWholeBodyHoweverLargeWithinItsTimes) {
  std::size_t got = 0;
  const std::string url = serve_with([&](Request& request, Response& response) -> Task<> {
    while (const auto piece = co_await request.next_data()) got += piece->size();
    response.end();
  });
  run([&]() -> Task<> {
    FetchOptions options;
    options.method("PUT").body(std::string(std::size_t{260} << 20, 'x'));
    const Reply reply = co_await fetch(loop(), url, options);
    EXPECT_TRUE(reply.ok());
  });
  EXPECT_EQ(got, std::size_t{260} << 20);
}

TEST_F(HttpClient, GathersSmallChunksThatCameTogether) {
  std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 1000; ++i) chunks += "1\r\nx\r\n";
  const std::string url = answer_raw(chunks + "0\r\n\r\n");
  run([&]() -> Task<> {
    Reply reply = co_await fetch(loop(), url);
    int pieces = 0;
    std::size_t size = 0;
    while (const auto piece = co_await reply.next_data()) {
      ++pieces;
      size += piece->size();
    }
    EXPECT_EQ(size, 1000U);
    EXPECT_LT(pieces, 10);
  });
}

TEST_F(HttpClient, HidesTheUserOfAUrlInItsErrors) {
  run([&]() -> Task<> {
    EXPECT_EQ(co_await failure_of(fetch(loop(), "http://me:secret@host/a@b"), "http://...@host/a@b"),
              "a user in a URL; use the header Authorization: invalid argument");
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

TEST_F(HttpClient, LeavesNothingBehindWhenTheLoopEndsAmidAFetch) {
  const std::string url = listen_raw([this](net::Socket& peer, int) {
    peer.on_data([](std::string_view) {});
    loop().stop();
  });
  Client client(loop());
  client.fetch(url).then([](Result<Reply>) { ADD_FAILURE() << "it was answered"; });
  loop().run();
}

}  // namespace
}  // namespace baton::http
