#include "baton/http/server.h"

#include <sys/socket.h>

#include <chrono>
#include <stdexcept>

#include "baton/loop/task.h"
#include "baton/loop/timer.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

class HttpServer : public Http {};

TEST_F(HttpServer, KeepsTheConnectionAsNodeDoes) {
  serve_with(hello);
  const std::string got = answer_to(get + get_and_close);
  const std::size_t date = got.find("Date: ");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nDate: "));
  EXPECT_TRUE(
      std::string_view(got).substr(date).starts_with(got.substr(date, 35) +
                                                     "\r\nConnection: keep-alive\r\n"
                                                     "Keep-Alive: timeout=5\r\n"
                                                     "Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(got.ends_with("Connection: close\r\nContent-Length: 5\r\n\r\nhello"));
}

TEST_F(HttpServer, KeepsTheConnectionOfAnOldClientOnlyWhenAsked) {
  serve_with(hello);
  const std::string got = answer_to("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(clients.front().count("HTTP/1.1 200 OK"), 2U);
  EXPECT_EQ(clients.front().count("Connection: keep-alive\r\nKeep-Alive: timeout=5"), 1U);
  EXPECT_TRUE(got.ends_with("Connection: close\r\nContent-Length: 5\r\n\r\nhello"));
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrderAlsoWhenTheFirstTakesLonger) {
  Timer later;
  serve_with([&](Request& request, Response& response) {
    if (request.target() != "/late") return response.end(request.target());
    later = Timer(*loop, 1ms, [&] { response.end("/late"); });
  });
  const std::string got = answer_to(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /late HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_LT(got.find("\r\n\r\n/1"), got.find("\r\n\r\n/late"));
  EXPECT_LT(got.find("\r\n\r\n/late"), got.find("\r\n\r\n/3"));
  EXPECT_TRUE(got.ends_with("/3"));
}

TEST_F(HttpServer, DoesNotWaitForAClientThatHasSaidItsLastWord) {
  serve_with(hello);
  std::size_t left = 1;
  // Its own side stays open until it has heard the end of ours.
  RawClient& asked = client(get_and_close);
  asked.on_more = [&](RawClient&) { loop->defer([&] { left = server.connections(); }); };
  loop->run();
  EXPECT_TRUE(asked.got.ends_with("hello"));
  EXPECT_FALSE(asked.broken);
  EXPECT_EQ(left, 0U);
}

TEST_F(HttpServer, FinishesEarlierResponsesBeforeItRefusesWhatFollows) {
  Timer later;
  serve_with([&](Request&, Response& response) { later = Timer(*loop, 1ms, [&] { response.end("good"); }); });
  const std::string got = answer_to(get + get + "BAD\r\n\r\n");
  EXPECT_EQ(clients.front().count("good"), 2U);
  EXPECT_TRUE(got.ends_with("goodHTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
}

TEST_F(HttpServer, SendsNoBodyWhereThereIsNone) {
  serve_with([](Request& request, Response& response) {
    if (request.target() == "/204") response.status(204);
    if (request.target() == "/304") response.status(304);
    if (request.target() == "/pieces") response.write("body");
    response.end("body");
  });
  answer_to(
      "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /204 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /304 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(clients.front().count("HTTP/1.1 "), 4U);
  EXPECT_EQ(clients.front().count("Content-Length: 4\r\n"), 1U);
  EXPECT_EQ(clients.front().count("Content-Length"), 1U);
  EXPECT_EQ(clients.front().count("Transfer-Encoding"), 0U);
  EXPECT_FALSE(clients.front().has("body"));
}

TEST_F(HttpServer, SendsPiecesAsChunks) {
  serve_with([](Request&, Response& response) {
    EXPECT_TRUE(response.write("one "));
    EXPECT_TRUE(response.head_sent());
    EXPECT_THROW(response.header("x", "y"), std::logic_error);
    response.write("");
    response.end("two");
    EXPECT_TRUE(response.ended());
    response.end("ignored");
    EXPECT_THROW(response.write("three"), std::logic_error);
  });
  EXPECT_EQ(body_of(answer_to(get_and_close)), "4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n");
}

TEST_F(HttpServer, SendsPiecesToAnOldClientUntilTheEndOfTheConnection) {
  serve_with([](Request&, Response& response) {
    response.write("one ");
    response.end("two");
  });
  const std::string got = answer_to("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(clients.front().has("Connection: close\r\n\r\n"));
  EXPECT_EQ(body_of(got), "one two");
}

TEST_F(HttpServer, HoldsTheHandlerToTheContentLengthItPromised) {
  int refused = 0;
  serve_with([&](Request& request, Response& response) {
    response.header("content-length", "4");
    if (request.target() == "/long") {
      response.write("123");
      EXPECT_THROW(response.write("45"), std::logic_error);
      EXPECT_THROW(response.end("45"), std::logic_error);
      response.end("4");
    } else {
      EXPECT_THROW(response.end("12345"), std::logic_error);
      response.write("123");
      EXPECT_THROW(response.end(), std::logic_error);
      ++refused;
    }
  });
  RawClient& short_one = client("GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(body_of(answer_to("GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), "1234");
  EXPECT_EQ(refused, 1);
  EXPECT_TRUE(short_one.closed);
  EXPECT_FALSE(short_one.has("123"));
}

TEST_F(HttpServer, GivesBodiesOfEitherFraming) {
  serve_with([](Request& request, Response& response) {
    request.body(100, [&](Result<std::string> body) { response.end("<" + body.value() + ">"); });
  });
  const std::string got = answer_to(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: t\r\n\r\n" +
      get_and_close);
  EXPECT_TRUE(clients.front().has("<hello>"));
  EXPECT_TRUE(clients.front().has("<abcde>"));
  EXPECT_TRUE(got.ends_with("<>"));
}

Task<> reply(Request& request, Response& response) {
  std::string body = co_await request.body();
  response.end(body);
}

TEST_F(HttpServer, ServesACoroutine) {
  serve_with([&](Request& request, Response& response) { start(*loop, reply(request, response)); });
  EXPECT_EQ(
      body_of(answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")),
      "hello");
}

TEST_F(HttpServer, KeepsTheBodyUntilSomebodyAsksForIt) {
  Timer later;
  std::string body;
  serve_with([&](Request& request, Response& response) {
    later = Timer(*loop, 1ms, [&] {
      request.on_data([&](std::string_view bytes) { body += bytes; });
      request.on_end([&] { response.end("thanks"); });
    });
  });
  const std::string large(1 << 20, 'x');
  answer_to("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n" + large);
  EXPECT_EQ(body, large);
}

TEST_F(HttpServer, TellsTheEndOfARequestWithoutABodyAlsoWhenAskedLater) {
  Timer later;
  serve_with([&](Request& request, Response& response) {
    later = Timer(*loop, 1ms, [&] { request.on_end([&] { response.end("ended"); }); });
  });
  EXPECT_EQ(body_of(answer_to(get_and_close)), "ended");
}

TEST_F(HttpServer, PausesABodyForAHandlerThatIsSlower) {
  Timer later;
  std::string body;
  int pauses = 0;
  serve_with([&](Request& request, Response& response) {
    request.on_data([&](std::string_view bytes) {
      body += bytes;
      if (++pauses > 3) return;
      request.pause();
      later = Timer(*loop, 1ms, [&] { request.resume(); });
    });
    request.on_end([&] { response.end("thanks"); });
  });
  answer_to("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n" +
            std::string(300000, 'x'));
  EXPECT_EQ(body.size(), 300000U);
  EXPECT_GT(pauses, 3);
}

TEST_F(HttpServer, DropsABodyThatNobodyWantsAndKeepsTheConnection) {
  serve_with(hello);
  const std::string large(200000, 'x');
  answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + large + get_and_close);
  EXPECT_EQ(clients.front().count("200 OK"), 2U);
}

TEST_F(HttpServer, GivesUpABodyThatIsTooLongAndStillAnswers) {
  serve_with([](Request& request, Response& response) {
    request.body(10, [&](Result<std::string> body) {
      ASSERT_FALSE(body);
      EXPECT_EQ(body.error().code(), Errc::message_too_large);
      response.status(413).end("too much");
    });
  });
  // The client goes on sending for long after the answer, and must not be reset for it.
  const std::string large(4 << 20, 'x');
  const std::string got = answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n" + large);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413 ")) << got.substr(0, 200);
  EXPECT_TRUE(clients.front().has("Connection: close\r\n"));
}

TEST_F(HttpServer, SaysContinueToAClientThatWaitsForIt) {
  serve_with([](Request& request, Response& response) {
    request.body(100, [&](Result<std::string> body) { response.end(body.value()); });
  });
  bool sent = false;
  RawClient& asker = client(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
      [&](RawClient& self) {
        EXPECT_TRUE(self.got.starts_with("HTTP/1.1 100 Continue\r\n\r\n"));
        if (!std::exchange(sent, true)) self.socket.write("hello");
      });
  loop->run();
  EXPECT_TRUE(asker.got.ends_with("\r\n\r\nhello"));
}

TEST_F(HttpServer, RefusesOtherExpectationsBeforeTheHandler) {
  int handled = 0;
  serve_with([&](Request&, Response& response) {
    ++handled;
    response.end();
  });
  answer_to(
      "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(clients.front().count("HTTP/1.1 417 Expectation Failed\r\n"), 2U);
  EXPECT_EQ(clients.front().count("Connection: keep-alive\r\n"), 1U);
  EXPECT_EQ(handled, 0);
}

TEST_F(HttpServer, AnswersAClientThatHasFinishedItsSide) {
  Timer later;
  serve_with(
      [&](Request&, Response& response) { later = Timer(*loop, 1ms, [&] { response.end("still here"); }); });
  RawClient& asker = client();
  loop->defer([&] {
    net::connect(*loop, address).then([&](Result<net::Socket> result) {
      // A second one beside it, since the first is only there to keep the server.
      clients.emplace_back();
      clients.back().socket = std::move(*result);
      net::Socket& socket = clients.back().socket;
      socket.on_data([&](std::string_view bytes) { clients.back().got += bytes; });
      socket.on_close([&] { asker.socket.end(); });
      socket.end(get + get);
    });
  });
  loop->run();
  EXPECT_EQ(clients.back().count("still here"), 2U);
}

TEST_F(HttpServer, RefusesARequestThatEndsInTheMiddle) {
  serve_with([](Request& request, Response&) { request.on_data([](std::string_view) {}); });
  for (const std::string text : {"GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"}) {
    RawClient& asker = client(text, nullptr);
    RawClient& nudge = client();  // sends its end once the other's bytes are on their way
    Timer half_close(*loop, 1ms, [&] {
      asker.socket.end();
      nudge.socket.end();
    });
    loop->run();
    EXPECT_EQ(asker.got, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    serve_with([](Request& request, Response&) { request.on_data([](std::string_view) {}); });
  }
}

TEST_F(HttpServer, SendsAHugeResponseNoFasterThanItIsRead) {
  constexpr std::size_t pieces = 400;
  const std::string piece(64 << 10, 'x');
  std::size_t written = 0;
  std::size_t drains = 0;
  std::optional<std::size_t> written_before_reading;
  serve_with([&](Request&, Response& response) {
    const auto pump = [&] {
      while (written < pieces) {
        ++written;
        if (!response.write(piece)) return;
      }
      response.end();
    };
    response.on_drain([&, pump] {
      ++drains;
      pump();
    });
    pump();
  });
  RawClient& slow = client(get_and_close, [&](RawClient& self) {
    if (written_before_reading) return;
    self.socket.pause();
    // Reads on when the server has come to a stop.
    auto watch = std::make_shared<Timer>();
    auto seen = std::make_shared<std::size_t>(0);
    *watch = Timer::every(*loop, 5ms, [&, watch, seen] {
      if (std::exchange(*seen, written) != written) return;
      written_before_reading = written;
      watch->stop();
      self.socket.resume();
    });
  });
  loop->run();
  EXPECT_LT(*written_before_reading, pieces);
  EXPECT_GT(drains, 0U);
  EXPECT_EQ(written, pieces);
  EXPECT_EQ(slow.count(piece), pieces);
  EXPECT_TRUE(slow.got.ends_with("0\r\n\r\n"));
}

TEST_F(HttpServer, StopsReadingRequestsWhenTheirAnswersAreNotRead) {
  const std::string body(100000, 'x');
  std::size_t handled = 0;
  serve_with([&](Request&, Response& response) {
    ++handled;
    response.end(body);
  });
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += get;
  std::optional<std::size_t> handled_before_reading;
  RawClient& slow = client(flood + get_and_close, [&](RawClient& self) {
    if (handled_before_reading) return;
    self.socket.pause();
    auto watch = std::make_shared<Timer>();
    auto seen = std::make_shared<std::size_t>(0);
    *watch = Timer::every(*loop, 5ms, [&, watch, seen] {
      if (std::exchange(*seen, handled) != handled) return;
      handled_before_reading = handled;
      watch->stop();
      self.socket.resume();
    });
  });
  loop->run();
  EXPECT_LT(*handled_before_reading, 400U);
  EXPECT_EQ(handled, 501U);
  EXPECT_EQ(slow.count("200 OK"), 501U);
}

TEST_F(HttpServer, TellsTheHandlerThatItsClientIsGoneAndDropsWhatItWrites) {
  Response* kept = nullptr;
  Request* asked = nullptr;
  bool told = false;
  serve_with([&](Request& request, Response& response) {
    kept = &response;
    asked = &request;
    response.write("the beginning");
    response.on_close([&] { told = true; });
  });
  RawClient& leaver = client("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n", [](RawClient& self) { self.reset(); });
  Timer watch = Timer::every(*loop, 1ms, [&] {
    if (!told) return;
    watch.stop();
    EXPECT_EQ(server.connections(), 0U);
    over(leaver);
    EXPECT_FALSE(kept->write("to nobody"));
    kept->header("x", "y");
    EXPECT_EQ(asked->target(), "/gone");
    kept->end("nor this");
  });
  loop->run();
  EXPECT_TRUE(told);
}

// What it has sent behind its request is not read before its turn.
TEST_F(HttpServer, TellsTheHandlerThatAClientIsGoneThatHadSentMore) {
  bool told = false;
  serve_with([&](Request&, Response& response) {
    response.write("the beginning");
    response.on_close([&] { told = true; });
  });
  RawClient& leaver = client("GET / HTTP/1.1\r\nHost: a\r\n\r\nG", [](RawClient& self) {
    EXPECT_EQ(::send(self.socket.descriptor(), "!", 1, MSG_OOB), 1) << "which nobody waits for";
    self.reset();
  });
  Timer watch = Timer::every(*loop, 1ms, [&] {
    if (!told) return;
    watch.stop();
    EXPECT_EQ(server.connections(), 0U);
    over(leaver);
  });
  loop->run();
  EXPECT_TRUE(told);
}

TEST_F(HttpServer, MayBeDestroyedWhileAResponseIsOpen) {
  Response* kept = nullptr;
  serve_with([&](Request& request, Response& response) {
    kept = &response;
    server = Server();
    EXPECT_EQ(request.method(), "GET");
    response.write("to nobody");
  });
  RawClient& asker = client(get);
  loop->run();
  EXPECT_EQ(asker.got, "");
  EXPECT_TRUE(asker.closed);
  kept->end();
  loop->run();
}

TEST_F(HttpServer, FinishesInTheBackgroundWhatWasEndedBeforeItIsDestroyed) {
  const std::string body(1 << 20, 'x');
  serve_with([&](Request&, Response& response) {
    response.end(body);
    server = Server();
  });
  EXPECT_EQ(body_of(answer_to(get)), body);
}

TEST_F(HttpServer, AnswersForAHandlerThatThrowsAndPassesTheExceptionOn) {
  std::string uncaught;
  loop->on_uncaught([&](const std::exception_ptr& exception) {
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      uncaught += error.what();
    }
  });
  serve_with([&](Request& request, Response& response) {
    if (request.target() == "/after") response.end("done");
    if (request.target() != "/fine") throw std::runtime_error("oh");
    response.end("fine");
  });
  const std::string got =
      answer_to("GET /after HTTP/1.1\r\nHost: a\r\n\r\nGET /fine HTTP/1.1\r\nHost: a\r\n\r\n" + get);
  EXPECT_EQ(uncaught, "ohoh");
  EXPECT_TRUE(clients.front().has("done"));
  EXPECT_TRUE(got.ends_with("fineHTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n"));
}

TEST_F(HttpServer, ServesManyClientsAtOnce) {
  serve_with([](Request& request, Response& response) { response.end(request.target()); });
  for (int i = 0; i < 20; ++i) {
    const std::string path = "/client/" + std::to_string(i);
    client("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n", [path, left = 50](RawClient& self) mutable {
      if (!self.got.ends_with("\r\n\r\n" + path)) return;
      const bool last = --left == 0;
      self.socket.write("GET " + path + " HTTP/1.1\r\nHost: a\r\n" +
                        (last ? "Connection: close\r\n\r\n" : "\r\n"));
    });
  }
  loop->run();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(clients[static_cast<std::size_t>(i)].count("\r\n\r\n/client/" + std::to_string(i)), 51U);
  }
}

TEST_F(HttpServer, ServesASocketThatWasHandedOver) {
  server = serve(*loop, hello);
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  server.adopt(net::Socket::adopt(*loop, Fd(ends[0])).value());
  EXPECT_EQ(server.connections(), 1U);
  net::Socket mine = net::Socket::adopt(*loop, Fd(ends[1])).value();
  std::string got;
  mine.on_data([&](std::string_view bytes) { got += bytes; });
  mine.write(get_and_close);
  loop->run();
  EXPECT_TRUE(got.ends_with("\r\n\r\nhello"));
  EXPECT_EQ(server.connections(), 0U);
}

}  // namespace
}  // namespace baton::http
