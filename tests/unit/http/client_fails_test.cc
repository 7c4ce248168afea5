// What an HTTP client does not take, and how it says so.

#include <netinet/in.h>
#include <sys/socket.h>

#include "baton/base/fd.h"
#include "unit/http/client_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

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

TEST_F(HttpClient, SaysThatAHeadIsTooLarge) {
  const std::string url = answer_raw("HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'x') + "\r\n\r\n");
  run([&]() -> Task<> {
    const std::string said = co_await failure_of(fetch(loop(), url), url);
    EXPECT_TRUE(said.starts_with("read the answer: its head is too large: ")) << said;
  });
}

TEST_F(HttpClient, HidesTheUserOfAUrlInItsErrors) {
  run([&]() -> Task<> {
    EXPECT_EQ(co_await failure_of(fetch(loop(), "http://me:secret@host/a@b"), "http://...@host/a@b"),
              "a user in a URL; use the header Authorization: invalid argument");
  });
}

// Two fill the queue of a listener that nobody accepts from; the third SYN is dropped.
TEST_F(HttpClient, WaitsForAConnectionNoLongerThanAllowed) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  auto* address = reinterpret_cast<sockaddr*>(&place);
  ASSERT_EQ(::bind(listener.get(), address, size), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  ASSERT_EQ(::getsockname(listener.get(), address, &size), 0);
  std::vector<Fd> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)::connect(waiting.back().get(), address, size);
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(place.sin_port));
  run([&]() -> Task<> {
    Client client(loop(), ClientOptions().connect_timeout(30ms));
    EXPECT_EQ(co_await failure_of(client.fetch(url), url),
              "connect to 127.0.0.1:" + url.substr(url.rfind(':') + 1) + ": timed out");
    EXPECT_EQ(client.connections(), 0U);
  });
}

}  // namespace
}  // namespace baton::http
