#include "baton/http/forward.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "baton/http/client.h"
#include "baton/http/refusal.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

// A proxy in front of a server, which the raw clients of the world speak to.
class HttpForward : public Http {
 public:
  void TearDown() override {
    client_.reset();
    upstream_ = Server();
    Http::TearDown();
  }

  void serve_behind_proxy(Handler handler) {
    upstream_ = serve(net::listen(*loop, net::Endpoint("127.0.0.1", 0)), std::move(handler));
    when_over = [this] { upstream_.close(); };
    upstream_.on_error([](const Error&) {});
    start_proxy("http://127.0.0.1:" + std::to_string(upstream_.local().port()));
  }
  void start_proxy(std::string to) {
    client_.emplace(*loop);
    serve_with([this, to = std::move(to)](Request& request, Response& response) -> Task<> {
      std::optional<Reply> reply;
      try {
        reply.emplace(co_await client_->fetch(to, forward(request)).cancel_on(response.gone()));
      } catch (const Error&) {
        throw Refusal(502, "it is not there");
      }
      co_await forward(std::move(*reply), response);
    });
    server.on_error([this](const Error& error) { failed = error.what(); });
  }
  void stop_upstream() { upstream_.close(); }
  // Ends the test then: the client that left tells nobody.
  void when_noticed(const bool& noticed) {
    looking_ = Timer::every(*loop, std::chrono::milliseconds(1), [this, &noticed] {
      if (!noticed) return;
      looking_.stop();
      over(clients.front());
    });
  }

  std::string failed;

 private:
  std::optional<Client> client_;
  Server upstream_;
  Timer looking_;
};

Task<> echo(Request& request, Response& response) {
  std::string fields;
  for (const auto& [name, value] : request.headers())
    fields += std::string(name) + "=" + std::string(value) + ",";
  response.header("Seen", fields)
      .header("Target", request.target())
      .header("X-Mine", "no")
      .add_header("Set-Cookie", "a")
      .add_header("Set-Cookie", "b");
  if (request.header("content-length")) response.header("content-length", *request.header("content-length"));
  while (const auto piece = co_await request.next_data()) {
    if (!response.write(*piece)) co_await response.drained();
  }
  response.end();
}

TEST_F(HttpForward, PassesABodyOnByLengthAndInChunks) {
  serve_behind_proxy(echo);
  const std::string body(1'000'000, 'x');
  const std::string by_length =
      answer_to("POST /a HTTP/1.1\r\nHost: example\r\nConnection: close\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(by_length.starts_with("HTTP/1.1 200 OK\r\n")) << by_length.substr(0, 300);
  EXPECT_TRUE(by_length.contains("Content-Length: 1000000\r\n"));
  EXPECT_EQ(body_of(by_length), body);
}

TEST_F(HttpForward, PassesChunksOn) {
  serve_behind_proxy(echo);
  const std::string in_chunks = answer_to(
      "POST /a HTTP/1.1\r\nHost: example\r\nConnection: close\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_TRUE(in_chunks.contains("Transfer-Encoding: chunked\r\n")) << in_chunks;
  EXPECT_EQ(body_of(in_chunks), "3\r\nabc\r\n0\r\n\r\n");
}

TEST_F(HttpForward, LeavesOutWhatIsOfOneConnectionAlone) {
  serve_behind_proxy(echo);
  const std::string got = answer_to(
      "GET / HTTP/1.1\r\nHost: example\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: "
      "trailers\r\n"
      "X-Yours: 2\r\n\r\n");
  EXPECT_TRUE(got.contains("Seen: Host=example,X-Yours=2,Connection=keep-alive,\r\n")) << got;
  EXPECT_TRUE(got.contains("Set-Cookie: a\r\nSet-Cookie: b\r\n")) << got;
  EXPECT_TRUE(got.contains("Connection: close\r\n")) << got;
}

TEST_F(HttpForward, AsksItsServerForWhatTheClientSaidToTheLetterAndNobodyElse) {
  const std::vector<std::pair<std::string, std::string>> targets = {{"/a#b?c", "/a#b?c"},
                                                                    {"/a%20b?c=d", "/a%20b?c=d"},
                                                                    {"http://elsewhere/admin", "/admin"},
                                                                    {"t://x/admin", "/admin"},
                                                                    {"http://elsewhere?q", "/?q"},
                                                                    {"http://elsewhere", "/"},
                                                                    {"//elsewhere/x", "//elsewhere/x"}};
  serve_behind_proxy(echo);
  for (const auto& [said, asked] : targets) {
    client("GET " + said + " HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n");
  }
  loop->run();
  auto one = clients.begin();
  for (const auto& [said, asked] : targets) {
    EXPECT_TRUE((one++)->got.contains("Target: " + asked + "\r\n")) << said;
  }
}

TEST_F(HttpForward, LetsNoClientTakeAwayWhatIsForAllRecipients) {
  serve_behind_proxy(echo);
  const std::string got = answer_to(
      "GET / HTTP/1.1\r\nHost: example\r\nConnection: close, host, Authorization, x-forwarded-for\r\n"
      "Authorization: secret\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
  EXPECT_TRUE(got.contains("Seen: Host=example,Authorization=secret,X-Forwarded-For=10.0.0.1,")) << got;
}

TEST_F(HttpForward, PassesOnRepliesWithoutABody) {
  serve_behind_proxy([](Request& request, Response& response) {
    if (request.method() == "HEAD") return response.header("content-length", "9").end();
    response.status(304).header("etag", "\"x\"").end();
  });
  const std::string got = answer_to("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get_and_close);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
  EXPECT_TRUE(got.contains("Content-Length: 9\r\n")) << got;
  EXPECT_TRUE(got.contains("HTTP/1.1 304 Not Modified\r\n")) << got;
}

TEST_F(HttpForward, CutsAClientWhoseServerEndsAmidTheReply) {
  serve_behind_proxy([this](Request&, Response& response) {
    response.header("content-length", "10").write("begun");
    loop->defer([this] { stop_upstream(); });
    response.on_close([&response] { response.end(); });
  });
  RawClient& asked = client(get);
  loop->run();
  EXPECT_TRUE(asked.got.ends_with("begun")) << asked.got;
  EXPECT_TRUE(failed.contains("disconnected")) << failed;
}

TEST_F(HttpForward, BreaksOffAReplyThatWouldSeemWholeWhenItsServerEndsAmidIt) {
  serve_behind_proxy([this](Request&, Response& response) {
    response.write("begun");
    loop->defer([this] { stop_upstream(); });
    response.on_close([&response] { response.end(); });
  });
  RawClient& asked = client("GET / HTTP/1.0\r\n\r\n");
  loop->run();
  EXPECT_TRUE(asked.got.ends_with("begun")) << asked.got;
  EXPECT_TRUE(asked.broken);
  EXPECT_FALSE(asked.ended) << "that is how such a body ends";
}

TEST_F(HttpForward, ClosesTheConnectionToTheServerWhenTheClientLeavesASilentReply) {
  bool noticed = false;
  serve_behind_proxy([&](Request&, Response& response) {
    response.on_close([&] {
      noticed = true;
      response.end();
    });
    response.write("begun");
  });
  client(get, [](RawClient& self) {
    if (!self.has("begun")) return;
    self.reset();
  });
  when_noticed(noticed);
  loop->run();
  EXPECT_TRUE(noticed);
}

TEST_F(HttpForward, LeavesItToTheProgramToSayThatNobodyIsThere) {
  net::Server closed = net::listen(*loop, net::Endpoint("127.0.0.1", 0));
  const std::string to = "http://" + closed.local().to_string();
  closed.close();
  start_proxy(to);
  EXPECT_TRUE(answer_to(get_and_close).starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
}

}  // namespace
}  // namespace baton::http
