#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "baton/base/fd.h"
#include "baton/http/server.h"
#include "baton/loop/timer.h"
#include "loop/next_turn.h"
#include "support/turns.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

class HttpLimits : public Http {};
class HttpDrain : public Http {};
class HttpRefusal : public Http {};

TEST_F(HttpLimits, RefusesAHeadThatIsTooLarge) {
  serve_with(hello);
  const std::string large = "X: " + std::string(20000, 'x') + "\r\n";
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nHost: a\r\n" + large + "\r\n"),
            "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpLimits, TakesALargerHeadWhenAllowed) {
  serve_with(hello, Options().max_header_size(30000));
  const std::string large = "X: " + std::string(20000, 'x') + "\r\n";
  EXPECT_TRUE(answer_to("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + large + "\r\n")
                  .starts_with("HTTP/1.1 200 OK"));
}

TEST_F(HttpLimits, HandlesSoManyRequestsOfAConnectionInATurnOfTheLoop) {
  int handled = 0;
  int most_in_a_turn = 0;
  int others = 0;
  serve_with(
      [&](Request& request, Response& response) {
        if (request.target() == "/other") {
          ++others;
        } else {
          ++handled;
        }
        hello(request, response);
      },
      Options().max_requests_per_turn(1));
  NextTurn turns;
  int before = 0;
  turns = NextTurn(*loop, [&] {
    most_in_a_turn = std::max(most_in_a_turn, handled - before);
    before = handled;
    if (handled < 100 && open_clients > 0) turns.ask();
  });
  turns.ask();
  std::string many;
  for (int i = 0; i < 99; ++i) many += get;
  RawClient& first = client(many + get_and_close);
  client("GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  loop->run();
  EXPECT_EQ(first.count("hello"), 100U);
  EXPECT_TRUE(first.ended);
  EXPECT_EQ(others, 1);
  // Both may come between two looks of ours.
  EXPECT_LE(most_in_a_turn, 2);
}

// Calls back when the loop has looked so often what there is.
class After {
 public:
  After(Loop& loop, int turns, std::function<void()> then)
      : left_(turns), then_(std::move(then)), turn_(loop, [this] { --left_ == 0 ? then_() : turn_.ask(); }) {
    turn_.ask();
  }

 private:
  int left_;
  std::function<void()> then_;
  NextTurn turn_;
};

TEST_F(HttpLimits, TakesANewClientInPlaceOfTheOneThatHasBeenUnfinishedLongest) {
  serve_with(hello, Options().max_connections(4).replace_oldest());
  for (int i = 0; i < 20; ++i) client("GET / HT");
  RawClient* honest = nullptr;
  const After later(*loop, 100, [&] {
    EXPECT_EQ(server.connections(), 4U);
    honest = &client(get_and_close, [&](RawClient&) {
      for (RawClient& one : clients) one.socket.end();
    });
  });
  loop->run();
  ASSERT_NE(honest, nullptr);
  EXPECT_EQ(body_of(honest->got), "hello");
}

TEST_F(HttpLimits, LeavesTheRequestsAloneThatAreBeingHandledWhenItIsFull) {
  Response* kept = nullptr;
  serve_with(
      [&](Request& request, Response& response) {
        if (request.target() == "/slow") {
          kept = &response;
          return;
        }
        hello(request, response);
        kept->end("slow");
      },
      Options().max_connections(2).replace_oldest());
  RawClient& slow = client("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  RawClient* silent = nullptr;
  const After later(*loop, 50, [&] { silent = &client("GET"); });
  RawClient* third = nullptr;
  const After still_later(*loop, 100, [&] { third = &client(get_and_close); });
  loop->run();
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(body_of(third->got), "hello");
  EXPECT_EQ(body_of(slow.got), "slow");
  EXPECT_EQ(silent->got, "");
}

std::string with_headers(std::size_t count) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  for (std::size_t i = 2; i < count; ++i) text += "X: y\r\n";
  return text + "\r\n";
}

TEST_F(HttpLimits, TakesTwoThousandHeadersAndNotOneMore) {
  const auto status = [&](const std::string& request, const Options& options) {
    serve_with(hello, options);
    return answer_to(request).substr(9, 3);
  };
  EXPECT_EQ(status(with_headers(1500), Options()), "200");
  EXPECT_EQ(status(with_headers(2000), Options()), "200");
  EXPECT_EQ(status(with_headers(2001), Options()), "431");
  EXPECT_EQ(status(with_headers(11), Options().max_headers_count(10)), "431");
  EXPECT_EQ(status(with_headers(2600), Options().max_headers_count(0)), "200");
  serve_with(
      [](Request& request, Response& response) {
        request.body(9, [&](const Result<std::string>& body) {
          EXPECT_FALSE(body);
          response.end();
        });
      },
      Options().max_headers_count(2));
  EXPECT_EQ(
      answer_to("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na:\r\nb:\r\nc:\r\n\r\n")
          .substr(9, 3),
      "431");
}

TEST_F(HttpLimits, CountsTheTargetWithTheHead) {
  serve_with(hello);
  EXPECT_EQ(answer_to("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n").substr(9, 3),
            "431");
}

TEST_F(HttpLimits, WaitsNoLongerForAHeadThatDoesNotCome) {
  serve_with(hello, Options().headers_timeout(20ms));
  const std::string timed_out = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";
  RawClient& silent = client();
  RawClient& slow = client("GET / HTTP/1.1\r\nHos");
  RawClient& slow_later = client(get + "GET / HTTP/1.1\r\nHos");
  loop->run();
  EXPECT_EQ(silent.got, timed_out);
  EXPECT_EQ(slow.got, timed_out);
  EXPECT_TRUE(slow_later.got.ends_with("hello" + timed_out));
}

TEST_F(HttpLimits, WaitsNoLongerForABodyThatDoesNotCome) {
  bool told = false;
  serve_with(
      [&](Request& request, Response& response) {
        request.body(100, [&](Result<std::string> body) {
          EXPECT_EQ(body.error().code(), Errc::disconnected);
          response.end();
        });
        response.on_close([&] { told = true; });
      },
      Options().request_timeout(20ms));
  EXPECT_EQ(answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhal"),
            "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(told);
}

TEST_F(HttpLimits, ClosesAnIdleConnectionWithoutAWord) {
  serve_with(hello, Options().keep_alive_timeout(20ms));
  EXPECT_TRUE(answer_to(get).ends_with("\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"));
}

TEST_F(HttpLimits, GivesUpAClientThatTakesNothing) {
  bool told = false;
  const std::string body(16 << 20, 'x');
  serve_with(
      [&](Request&, Response& response) {
        response.write(body);
        response.on_close([&] {
          told = true;
          response.end();
          clients.front().socket.resume();
        });
      },
      Options().send_timeout(20ms));
  RawClient& stuck = client(get, [&](RawClient& self) {
    if (!told) self.socket.pause();
  });
  loop->run();
  EXPECT_TRUE(told);
  EXPECT_LT(stuck.got.size(), body.size());
}

TEST_F(HttpLimits, ClosesAfterSoManyRequests) {
  serve_with(hello, Options().max_requests_per_socket(2));
  answer_to(get + get + get);
  EXPECT_EQ(clients.front().count("200 OK"), 2U);
  EXPECT_EQ(clients.front().count("Connection: close"), 1U);
}

TEST_F(HttpLimits, AcceptsNoMoreConnectionsThanAllowed) {
  std::size_t most = 0;
  serve_with(
      [&](Request&, Response& response) {
        most = std::max(most, server.connections());
        response.end("hello");
      },
      Options().max_connections(2));
  for (int i = 0; i < 8; ++i) client(get_and_close);
  loop->run();
  EXPECT_EQ(most, 2U);
  for (const RawClient& one : clients) EXPECT_TRUE(one.has("hello"));
}

// A connection of another address of this machine.
Fd connected_from(const char* source, std::uint16_t port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, source, &address.sin_addr);
  EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  address.sin_port = htons(port);
  EXPECT_EQ(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

TEST_F(HttpLimits, RefusesMoreConnectionsOfOneAddressThanAllowed) {
  std::vector<Response*> waiting;
  RawClient* refused = nullptr;
  RawClient* later = nullptr;
  net::Socket elsewhere;
  // One step after the other, each begun by the one before.
  serve_with(
      [&](Request&, Response& response) {
        waiting.push_back(&response);
        if (waiting.size() == 2) {
          refused = &client(get_and_close, [&](RawClient&) {
            if (elsewhere) return;
            elsewhere = net::Socket::adopt(*loop, connected_from("127.0.0.2", address.port())).value();
            elsewhere.write(get_and_close);
          });
        } else if (waiting.size() == 3) {
          elsewhere.close();
          waiting.front()->end("hello");
          later = &client(get_and_close);
        } else if (waiting.size() == 4) {
          for (std::size_t i = 1; i < waiting.size(); ++i) waiting[i]->end("hello");
        }
      },
      Options().max_connections_per_address(2));
  for (int i = 0; i < 2; ++i) client(get_and_close);
  loop->run();
  ASSERT_EQ(waiting.size(), 4U);
  EXPECT_EQ(refused->got, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
  for (const RawClient& one : clients) EXPECT_EQ(one.has("hello"), &one != refused);
  EXPECT_TRUE(later->has("hello"));
}

TEST_F(HttpLimits, SleepsWhileOneMoreConnectionThanAllowedWaits) {
  std::optional<test::Turns> turns(std::in_place, *loop);
  std::uint64_t counted = 0;
  Timer later;
  serve_with(
      [&](Request&, Response& response) {
        later = Timer(*loop, 50ms, [&] {
          if (counted == 0) counted = turns->count();
          response.end("hello");
        });
      },
      Options().max_connections(1));
  for (int i = 0; i < 2; ++i) client(get_and_close);
  loop->run();
  turns.reset();
  for (const RawClient& one : clients) EXPECT_TRUE(one.has("hello"));
  EXPECT_LT(counted, 100U);
}

TEST_F(HttpDrain, SettlesAtOnceWithoutConnections) {
  serve_with(hello);
  bool drained = false;
  server.drain(1h).then([&](Result<void> result) { drained = result.has_value(); });
  EXPECT_FALSE(drained);
  loop->run();
  EXPECT_TRUE(drained);
  RawClient& late = client(get);
  loop->run();
  EXPECT_TRUE(late.broken);
}

TEST_F(HttpDrain, AnswersWhatIsInFlightAndClosesAfterIt) {
  bool drained = false;
  Timer later;
  serve_with([&](Request&, Response& response) {
    server.drain(1h).then([&](Result<void>) { drained = true; });
    later = Timer(*loop, 1ms, [&] { response.end("last words"); });
  });
  const std::string got = answer_to(get);
  EXPECT_TRUE(clients.front().has("Connection: close\r\n"));
  EXPECT_EQ(body_of(got), "last words");
  EXPECT_TRUE(drained);
}

TEST_F(HttpDrain, AnswersWhoWaitsInTheBacklogOfAFullServer) {
  net::Socket waiting;
  std::string got;
  bool drained = false;
  serve_with(
      [&](Request&, Response& response) {
        response.end("hello");
        if (waiting) return;
        waiting = net::Socket::adopt(*loop, connected_from("127.0.0.1", address.port())).value();
        waiting.on_data([&](std::string_view bytes) { got += bytes; });
        waiting.on_end([&] { waiting.end(); });
        waiting.write(get);
        server.drain(1h).then([&](Result<void>) { drained = true; });
      },
      Options().max_connections(1));
  client(get);
  loop->run();
  EXPECT_TRUE(clients.front().has("hello"));
  EXPECT_EQ(body_of(got), "hello");
  EXPECT_TRUE(drained);
}

TEST_F(HttpDrain, AnswersWhoSpeaksOnAnIdleConnectionAndClosesAfterIt) {
  bool drained = false;
  bool asked_again = false;
  Timer later;
  serve_with(hello);
  client(get, [&](RawClient& self) {
    if (!self.got.ends_with("hello") || std::exchange(asked_again, true)) return;
    EXPECT_TRUE(self.has("Connection: keep-alive"));
    server.drain(1h).then([&](Result<void>) { drained = true; });
    later = Timer(*loop, 1ms, [&] { self.socket.write(get); });
  });
  loop->run();
  EXPECT_EQ(clients.front().count("hello"), 2U);
  EXPECT_EQ(clients.front().count("Connection: close\r\n"), 1U);
  EXPECT_TRUE(drained);
}

TEST_F(HttpDrain, WaitsForAConnectionWhoseRequestHasNotCome) {
  bool drained = false;
  serve_with(hello);
  RawClient& silent = client();
  Timer watch = Timer::every(*loop, 1ms, [&] {
    if (server.connections() == 0) return;
    watch.stop();
    server.drain(1h).then([&](Result<void>) { drained = true; });
    silent.socket.write(get);
  });
  loop->run();
  EXPECT_TRUE(silent.has("Connection: close\r\n"));
  EXPECT_TRUE(silent.got.ends_with("hello"));
  EXPECT_TRUE(drained);
}

TEST_F(HttpDrain, AnswersAllOfWhatWasPipelined) {
  Timer later;
  serve_with([&](Request&, Response& response) {
    if (!later.active()) std::ignore = server.drain(1h);
    later = Timer(*loop, 1ms, [&] { response.end("hello"); });
  });
  answer_to(get + get + get);
  EXPECT_EQ(clients.front().count("hello"), 3U);
  EXPECT_EQ(clients.front().count("Connection: close\r\n"), 1U);
}

TEST_F(HttpDrain, ClosesWhatIsLeftWhenItsTimeIsOver) {
  bool drained = false;
  bool told = false;
  serve_with([&](Request& request, Response& response) {
    if (request.target() == "/") return response.end("hello");
    response.on_close([&] {
      told = true;
      response.end();
    });
    server.drain(5ms).then([&](Result<void>) { drained = true; });
  });
  RawClient& idle = client(get, [&](RawClient& self) {
    if (self.got.ends_with("hello")) client("GET /for/ever HTTP/1.1\r\nHost: a\r\n\r\n");
  });
  loop->run();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(told);
  EXPECT_TRUE(idle.ended);
  EXPECT_TRUE(clients.back().ended);
  EXPECT_EQ(clients.back().got, "");
}

TEST_F(HttpDrain, RetiresByClosingWhoWasQuietForTheGraceAndWaitingForWhoHasNotSpoken) {
  bool retired = false;
  Timer later;
  serve_with(hello);
  RawClient& fresh = client();
  RawClient& quiet = client(get, [&](RawClient& self) {
    if (!self.got.ends_with("hello")) return;
    server.retire(20ms).then([&](Result<void>) { retired = true; });
  });
  later = Timer::every(*loop, 1ms, [&] {
    if (!quiet.closed) return;
    later.stop();
    EXPECT_FALSE(retired);
    fresh.socket.write(get);
  });
  loop->run();
  EXPECT_TRUE(quiet.ended);
  EXPECT_FALSE(quiet.broken);
  EXPECT_EQ(quiet.count("hello"), 1U);
  EXPECT_TRUE(fresh.has("Connection: close\r\n"));
  EXPECT_TRUE(fresh.got.ends_with("hello"));
  EXPECT_TRUE(retired);
}

TEST_F(HttpDrain, RetiresWithoutHurryingARequestInFlight) {
  bool retired = false;
  Timer later;
  serve_with([&](Request&, Response& response) {
    server.retire(1ms).then([&](Result<void>) { retired = true; });
    later = Timer(*loop, 60ms, [&] { response.end("hello"); });
  });
  const std::string got = answer_to(get);
  EXPECT_EQ(body_of(got), "hello");
  EXPECT_TRUE(clients.front().has("Connection: close\r\n"));
  EXPECT_TRUE(retired);
}

struct Refused {
  const char* what;
  std::string request;
  int status;
};

std::string post(std::string_view fields, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

TEST_F(HttpRefusal, AnswersWhatCouldBeReadInTwoWaysAndCloses) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const Refused table[] = {
      {"both framings", post(chunked + "Content-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"a signed length", post("Content-Length: +5\r\n", "hello"), 400},
      {"identity", post("Transfer-Encoding: identity\r\n"), 400},
      {"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400},
      {"an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
      {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n", 400},
      {"a size in hexadecimal notation", post(chunked, "0x2\r\nab\r\n0\r\n\r\n"), 400},
      {"a size of 17 digits", post(chunked, "00000000000000002\r\nab\r\n0\r\n\r\n"), 400},
      {"a negative size", post(chunked, "-1\r\nab\r\n0\r\n\r\n"), 400},
      {"chunks with bare line feeds", post(chunked, "2\nab\n0\n\n"), 400},
      {"a chunk without its line end", post(chunked, "2\r\nab0\r\n\r\n"), 400},
      {"endless chunk extensions", post(chunked, "2;" + std::string(20000, 'x')), 413},
      {"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"a folded line", post("X: a\r\n b\r\n"), 400},
      {"a space before the colon", post("Content-Length : 0\r\n"), 400},
      {"a control character", post("X: a\x01\r\n"), 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"a version to come", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400},
      {"an unknown method", "FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a TLS client", "\x16\x03\x01\x02", 400},
  };
  for (const Refused& row : table) {
    serve_with([](Request& request, Response& response) {
      request.body(100, [&](Result<std::string>) { response.end("taken"); });
    });
    const std::string status = "HTTP/1.1 " + std::to_string(row.status) + " ";
    EXPECT_TRUE(answer_to(row.request).starts_with(status)) << row.what;
    EXPECT_EQ(clients.back().count("HTTP/1.1 "), 1U) << row.what;
    EXPECT_TRUE(clients.back().got.ends_with("\r\nConnection: close\r\n\r\n")) << row.what;
  }
}

}  // namespace
}  // namespace baton::http
