// What an HTTP client asks and gets.

#include "unit/http/client_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

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

TEST_F(HttpClient, AsksForATargetInPlaceOfThatOfTheUrl) {
  const std::string url = serve_with(tell_request);
  run([&]() -> Task<> {
    Client client(loop());
    FetchOptions options;
    options.target("/other?x#y");
    Reply reply = co_await client.fetch(url + "/path", options);
    EXPECT_TRUE((co_await reply.body()).starts_with("GET /other?x#y|"));
  });
  for (const char* target : {"", "other", "http://elsewhere/", "/a b", "/a\r\nX: y"}) {
    EXPECT_THROW(FetchOptions().target(target), std::invalid_argument) << target;
  }
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

TEST_F(HttpClient, ReadsABodyThatEndsWithTheConnection) {
  const std::string url = answer_raw("HTTP/1.0 200 OK\r\n\r\nto the end", true);
  run([&]() -> Task<> {
    Reply reply = co_await fetch(loop(), url);
    co_await sleep(loop(), 5ms);
    EXPECT_EQ(co_await reply.body(), "to the end");
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
