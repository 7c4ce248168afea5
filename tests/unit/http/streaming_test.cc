#include <chrono>
#include <memory>
#include <stdexcept>

#include "baton/loop/task.h"
#include "baton/loop/timer.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

class HttpStreaming : public Http {
 public:
  // Calls `then` once `counter` has come to a stop.
  void when_still(const std::function<std::size_t()>& counter, const std::function<void()>& then) {
    auto watch = std::make_shared<Timer>();
    auto seen = std::make_shared<std::size_t>(counter());
    *watch = Timer::every(*loop, 10ms, [=] {
      if (const std::size_t now = counter(); now != *seen) return void(*seen = now);
      const auto self = watch;
      self->stop();
      then();
    });
  }
};

std::string post_and_close(std::string_view fields, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + std::string(fields) + "\r\n" +
         std::string(body);
}
std::string of_length(std::string_view body) {
  return post_and_close("Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

Task<> count_pieces(Request& request, Response& response, std::size_t& read) {
  std::size_t largest = 0;
  while (const auto piece = co_await request.next_data()) {
    read += piece->size();
    largest = std::max(largest, piece->size());
  }
  response.end(largest <= 65536 ? "read" : "a large piece");
}

TEST_F(HttpStreaming, ReadsABodyNoFasterThanItsPiecesAreAskedFor) {
  std::size_t read = 0;
  std::size_t waiting = 0;
  serve_with([&](Request& request, Response& response) {
    // Nobody asks yet: the client cannot get rid of its bytes.
    when_still([&] { return clients.front().socket.queued(); },
               [&] {
                 waiting = clients.front().socket.queued();
                 start(*loop, count_pieces(request, response, read));
               });
  });
  const std::size_t size = std::size_t{32} << 20;
  EXPECT_EQ(body_of(answer_to(of_length(std::string(size, 'x')))), "read");
  EXPECT_EQ(read, size);
  EXPECT_GT(waiting, size / 2);
}

TEST_F(HttpStreaming, PullsChunks) {
  std::size_t read = 0;
  serve_with(
      [&](Request& request, Response& response) { start(*loop, count_pieces(request, response, read)); });
  answer_to(post_and_close("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"));
  EXPECT_EQ(read, 5U);
}

TEST_F(HttpStreaming, PullsTheEndOfARequestWithoutABody) {
  std::size_t read = 0;
  serve_with(
      [&](Request& request, Response& response) { start(*loop, count_pieces(request, response, read)); });
  EXPECT_EQ(body_of(answer_to(get_and_close)), "read");
  EXPECT_EQ(read, 0U);
}

Task<> wait_twice(Request& request, Response& response, const std::function<void()>& in_between) {
  std::string body;
  try {
    co_await request.next_data().within(1ms);
  } catch (const Error& error) {
    body = error.code() == Errc::timed_out ? "timed out, " : "another error, ";
  }
  in_between();
  while (const auto piece = co_await request.next_data()) body += *piece;
  response.end(body);
}

TEST_F(HttpStreaming, LosesNoByteWhenAWaitForOneIsGivenUp) {
  const std::function<void()> send = [&] { clients.front().socket.write("hello"); };
  serve_with(
      [&](Request& request, Response& response) { start(*loop, wait_twice(request, response, send)); });
  EXPECT_EQ(body_of(answer_to(post_and_close("Content-Length: 5\r\n", ""))), "timed out, hello");
}

Task<> wait_for_a_piece(Request& request, std::string& outcome) {
  try {
    co_await request.next_data();
  } catch (const Error& error) {
    outcome = error.code().message();
  }
}

TEST_F(HttpStreaming, TellsWhoWaitsForAPieceThatTheClientIsGone) {
  std::string outcome;
  serve_with([&](Request& request, Response& response) {
    start(*loop, wait_for_a_piece(request, outcome));
    response.on_close([&] { response.end(); });
    clients.front().socket.end();
  });
  answer_to(post_and_close("Content-Length: 5\r\n", ""));
  EXPECT_EQ(outcome, make_error_code(Errc::disconnected).message());
}

TEST_F(HttpStreaming, CancelsWhoWaitsForAPieceWhenTheResponseEnds) {
  std::string outcome;
  serve_with([&](Request& request, Response& response) {
    start(*loop, wait_for_a_piece(request, outcome));
    response.end("enough");
  });
  answer_to(post_and_close("Content-Length: 5\r\n", "") + "hello");
  EXPECT_EQ(outcome, make_error_code(Errc::cancelled).message());
}

TEST_F(HttpStreaming, GivesABodyInOneWayOnly) {
  serve_with([&](Request& request, Response& response) {
    if (request.target() == "/pull") {
      const auto wait = request.next_data();
      EXPECT_THROW(std::ignore = request.next_data(), std::logic_error);
      return response.end("pull");
    }
    request.on_data([](std::string_view) {});
    EXPECT_THROW(std::ignore = request.next_data(), std::logic_error);
    response.end("push");
  });
  answer_to("POST /pull HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx" + of_length("x"));
  EXPECT_TRUE(clients.front().has("pull"));
  EXPECT_TRUE(clients.front().has("push"));
}

TEST_F(HttpStreaming, KeepsTheEndOfAPausedBodyThoughTheClientHasFinishedItsSide) {
  Timer later;
  std::string body;
  serve_with([&](Request& request, Response& response) {
    request.on_data([&](std::string_view bytes) {
      body += bytes;
      if (body.size() < 5) return;
      request.pause();
      clients.front().socket.end();
      later = Timer(*loop, 10ms, [&] { request.resume(); });
    });
    request.on_end([&] { response.end(body); });
  });
  EXPECT_EQ(body_of(answer_to(of_length("hello"))), "hello");
}

TEST_F(HttpStreaming, AnswersARequestThatSaysThatItsBodyIsTooLongByItself) {
  int handled = 0;
  serve_with(
      [&](Request&, Response& response) {
        ++handled;
        response.end("fits");
      },
      Options().max_body_size(5));
  answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + of_length("hello!"));
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(clients.front().count("HTTP/1.1 413 Payload Too Large\r\n"), 1U);
  EXPECT_TRUE(clients.front().got.ends_with("Connection: close\r\nContent-Length: 0\r\n\r\n"));
}

TEST_F(HttpStreaming, RefusesABodyThatTurnsOutToBeTooLong) {
  std::string outcome;
  bool told = false;
  serve_with(
      [&](Request& request, Response& response) {
        start(*loop, wait_for_a_piece(request, outcome));
        response.on_close([&] {
          told = true;
          response.end();
        });
      },
      Options().max_body_size(5));
  EXPECT_EQ(answer_to(post_and_close("Transfer-Encoding: chunked\r\n", "6\r\nhello!\r\n0\r\n\r\n")),
            "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(outcome, make_error_code(Errc::message_too_large).message());
  EXPECT_TRUE(told);
}

TEST_F(HttpStreaming, GivesTheTrailersOfARequestOnceItIsWhole) {
  std::string said;
  serve_with([&](Request& request, Response& response) {
    EXPECT_TRUE(request.trailers().empty());
    request.on_data([&](std::string_view) { EXPECT_TRUE(request.trailers().empty()); });
    request.on_end([&] {
      for (const auto& [name, value] : request.trailers())
        said += std::string(name) + "=" + std::string(value) + ";";
      EXPECT_EQ(request.header("checksum"), std::nullopt);
      EXPECT_EQ(request.trailers().find("CHECKSUM"), "1");
      response.end();
    });
  });
  answer_to(post_and_close("Transfer-Encoding: chunked\r\n",
                           "1\r\na\r\n0\r\nChecksum: 1\r\nempty:\r\nlast:  z \r\n\r\n"));
  EXPECT_EQ(said, "Checksum=1;empty=;last=z;");
}

TEST_F(HttpStreaming, SendsTrailersBehindTheChunks) {
  const auto answer = [](Request& request, Response& response) {
    response.header("trailer", "checksum");
    if (request.target() == "/pieces") response.write("hel");
    response.trailer("checksum", "1").trailer("more", "2");
    if (request.target() == "/none") response.status(204);
    response.end(request.target() == "/pieces" ? "lo" : "hello");
  };
  const auto body = [&](const std::string& line) {
    serve_with(answer);
    return body_of(answer_to(line + "\r\nHost: a\r\nConnection: close\r\n\r\n"));
  };
  EXPECT_EQ(body("GET / HTTP/1.1"), "5\r\nhello\r\n0\r\nchecksum: 1\r\nmore: 2\r\n\r\n");
  EXPECT_EQ(body("GET /pieces HTTP/1.1"), "3\r\nhel\r\n2\r\nlo\r\n0\r\nchecksum: 1\r\nmore: 2\r\n\r\n");
  EXPECT_EQ(body("GET / HTTP/1.0"), "hello");
  EXPECT_EQ(body("HEAD / HTTP/1.1"), "");
  EXPECT_EQ(body("GET /none HTTP/1.1"), "");
}

TEST_F(HttpStreaming, RefusesTrailersThatNobodyCouldUse) {
  serve_with([](Request& request, Response& response) {
    for (const char* name : {"Content-Length", "transfer-encoding", "Host", "set-cookie", "bad name"}) {
      EXPECT_THROW(response.trailer(name, "x"), std::invalid_argument) << name;
    }
    EXPECT_THROW(response.trailer("x", "a\r\nb"), std::invalid_argument);
    if (request.target() == "/") {
      response.header("content-length", "1");
      EXPECT_THROW(response.trailer("x", "y"), std::logic_error);
    }
    response.end("x");
    EXPECT_THROW(response.trailer("x", "y"), std::logic_error);
  });
  EXPECT_EQ(body_of(answer_to(get_and_close)), "x");
}

Task<> write_pieces(Response& response, std::size_t pieces, std::size_t& written, std::string& outcome) {
  const std::string piece(std::size_t{64} << 10, 'x');
  try {
    for (; written < pieces; ++written) {
      if (!response.write(piece)) co_await response.drained();
    }
  } catch (const Error& error) {
    outcome = error.code().message();
  }
  response.end();
}

TEST_F(HttpStreaming, WritesNoFasterThanIsRead) {
  constexpr std::size_t pieces = 400;
  std::size_t written = 0;
  std::optional<std::size_t> before_reading;
  std::string outcome;
  serve_with(
      [&](Request&, Response& response) { start(*loop, write_pieces(response, pieces, written, outcome)); });
  RawClient& slow = client(get_and_close, [&](RawClient& self) {
    if (before_reading) return;
    self.socket.pause();
    before_reading = 0;
    when_still([&] { return written; },
               [&] {
                 before_reading = written;
                 self.socket.resume();
               });
  });
  loop->run();
  EXPECT_LT(*before_reading, pieces);
  EXPECT_EQ(written, pieces);
  EXPECT_EQ(outcome, "");
  EXPECT_EQ(slow.count(std::string(std::size_t{64} << 10, 'x')), pieces);
}

TEST_F(HttpStreaming, TellsWhoWaitsForRoomThatTheClientIsGone) {
  std::size_t written = 0;
  std::string outcome;
  serve_with(
      [&](Request&, Response& response) { start(*loop, write_pieces(response, 100000, written, outcome)); });
  client(get, [&](RawClient& self) {
    self.socket.close();
    over(self);
  });
  loop->run();
  EXPECT_EQ(outcome, make_error_code(Errc::disconnected).message());
  EXPECT_LT(written, 100000U);
}

// --- Expect: 100-continue

std::string expecting(std::string_view more = {}) {
  return post_and_close("Expect: 100-continue\r\nContent-Length: 5\r\n", more);
}

TEST_F(HttpStreaming, LetsTheProgramRefuseABodyBeforeItIsSent) {
  serve_with(hello);
  server.on_check_continue([](Request&, Response& response) { response.status(401).end("who are you?"); });
  const std::string got =
      answer_to("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
  // Whether the body comes after all cannot be known.
  EXPECT_TRUE(clients.front().has("Connection: close\r\n"));
}

TEST_F(HttpStreaming, LetsTheProgramAskForABody) {
  serve_with(hello);
  server.on_check_continue([](Request& request, Response& response) {
    response.write_continue();
    response.write_continue();
    request.on_end([&] { response.end("thanks"); });
    EXPECT_THROW(std::ignore = request.next_data(), std::logic_error);
  });
  client(expecting(), [sent = false](RawClient& self) mutable {
    if (!std::exchange(sent, true)) self.socket.write("hello");
  });
  loop->run();
  EXPECT_TRUE(clients.front().got.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(clients.front().count("100 Continue"), 1U);
}

TEST_F(HttpStreaming, SaysContinueWhenABodyIsAskedFor) {
  std::size_t read = 0;
  Timer later;
  serve_with(hello);
  server.on_check_continue([&](Request& request, Response& response) {
    later = Timer(*loop, 1ms, [&] { start(*loop, count_pieces(request, response, read)); });
  });
  client(expecting(), [sent = false](RawClient& self) mutable {
    if (!std::exchange(sent, true)) self.socket.write("hello");
  });
  loop->run();
  EXPECT_TRUE(clients.front().got.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(read, 5U);
}

TEST_F(HttpStreaming, LetsTheProgramMeetOtherExpectations) {
  serve_with(hello);
  server.on_check_expectation(
      [](Request& request, Response& response) { response.end(request.header("expect").value()); });
  EXPECT_EQ(body_of(answer_to("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nConnection: close\r\n\r\n")),
            "tea");
}

TEST_F(HttpStreaming, GathersSmallChunksThatCameTogetherForWhoeverWaitsForAPiece) {
  int pieces = 0;
  std::size_t size = 0;
  serve_with([&](Request& request, Response& response) -> Task<> {
    while (const auto piece = co_await request.next_data()) {
      ++pieces;
      size += piece->size();
    }
    response.header("Connection", "close").end();
  });
  std::string chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 1000; ++i) chunks += "1\r\nx\r\n";
  EXPECT_TRUE(answer_to(chunks + "0\r\n\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(size, 1000U);
  EXPECT_LT(pieces, 10);
}

TEST_F(HttpStreaming, LosesNothingToAWaitForAPieceThatWasGivenUp) {
  std::string got;
  serve_with([&](Request& request, Response& response) -> Task<> {
    try {
      co_await request.next_data().within(std::chrono::milliseconds(2));
      ADD_FAILURE() << "something came";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::timed_out);
    }
    clients.front().socket.write("whole");
    got = co_await request.body();
    response.header("Connection", "close").end();
  });
  answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(got, "whole");
}

}  // namespace
}  // namespace baton::http
