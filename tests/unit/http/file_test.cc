#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

#include "baton/loop/timer.h"
#include "unit/http/http_world.h"

namespace baton::http {
namespace {

using namespace std::chrono_literals;

class HttpFile : public Http {
 public:
  HttpFile() {
    char name[] = "/tmp/baton-http-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~HttpFile() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  // A file whose every part differs from the others.
  std::string file(const std::string& name, std::size_t size) const {
    std::string text;
    text.reserve(size + 8);
    for (std::uint32_t i = 0; text.size() < size; i += 2654435761U) {
      text.append(reinterpret_cast<const char*>(&i), sizeof i);
    }
    text.resize(size);
    std::ofstream(path(name), std::ios::binary) << text;
    return text;
  }
  void serve_file(const std::string& name, const Options& options = Options()) {
    serve_with(
        [this, name](Request&, Response& response) {
          ASSERT_TRUE(response.end_file(path(name)));
          EXPECT_TRUE(response.ended());
          EXPECT_THROW(response.write("more"), std::logic_error);
        },
        options);
  }

 private:
  std::string folder_;
};

TEST_F(HttpFile, IsSentWholeWithItsLength) {
  const std::string text = file("large", std::size_t{9} << 20);
  serve_file("large");
  const std::string got = answer_to(get + get_and_close);
  const std::string length = "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n";
  EXPECT_EQ(clients.front().count(length + text.substr(0, 100)), 2U);
  EXPECT_TRUE(got.ends_with("Connection: close\r\n" + length + text));
  EXPECT_TRUE(body_of(got).starts_with(text + "HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpFile, IsSentBetweenOtherAnswersInOrder) {
  const std::string text = file("large", std::size_t{3} << 20);
  serve_with([&](Request& request, Response& response) {
    if (request.target() == "/") return response.end("hello");
    EXPECT_TRUE(response.end_file(path("large")));
  });
  const std::string got =
      answer_to(get + "GET /file HTTP/1.1\r\nHost: a\r\n\r\n" + get + get + get_and_close);
  const auto at = got.find(text);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(got.find("hello"), got.find("\r\n\r\nhello") + 4);
  EXPECT_LT(got.find("hello"), at);
  EXPECT_TRUE(got.substr(at + text.size()).starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(clients.front().count("\r\n\r\nhello"), 4U);
}

TEST_F(HttpFile, MayBeSentInPart) {
  const std::string text = file("some", 1000);
  serve_with([&](Request& request, Response& response) {
    if (request.target() == "/middle") {
      EXPECT_TRUE(
          response.status(206).header("content-range", "bytes 10-19/1000").end_file(path("some"), 10, 10));
    } else {
      EXPECT_TRUE(response.end_file(path("some"), 990, 5000));
    }
  });
  const std::string got = answer_to("GET /middle HTTP/1.1\r\nHost: a\r\n\r\n" + get_and_close);
  EXPECT_TRUE(clients.front().has("Content-Length: 10\r\n\r\n" + text.substr(10, 10) + "HTTP/1.1 200"));
  EXPECT_TRUE(got.ends_with("Content-Length: 10\r\n\r\n" + text.substr(990)));
}

TEST_F(HttpFile, HasNoBodyWhereThereIsNone) {
  file("some", 1000);
  file("empty", 0);
  serve_with([&](Request& request, Response& response) {
    if (request.target() == "/304") response.status(304);
    EXPECT_TRUE(response.end_file(path(request.target() == "/empty" ? "empty" : "some")));
  });
  const std::string got = answer_to(
      "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(clients.front().count("Content-Length: 1000\r\n\r\nHTTP/1.1 304 "), 1U);
  EXPECT_EQ(clients.front().count("Content-Length"), 2U);
  EXPECT_TRUE(got.ends_with("Content-Length: 0\r\n\r\n"));
}

TEST_F(HttpFile, ThatCannotBeSentIsNamedAndLeavesTheResponseAsItWas) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  file("some", 10);
  std::vector<std::string> said;
  serve_with([&](Request&, Response& response) {
    for (const std::string& name :
         {std::string("missing"), std::string("."), std::string("fifo"), std::string("some\0.png", 9)}) {
      const auto result = response.end_file(path(name));
      ASSERT_FALSE(result);
      said.emplace_back(result.error().what());
    }
    const auto behind = response.end_file(path("some"), 11);
    ASSERT_FALSE(behind);
    EXPECT_EQ(behind.error().code(), std::errc::invalid_argument);
    response.header("content-length", "11");
    EXPECT_THROW(std::ignore = response.end_file(path("some")), std::logic_error);
    EXPECT_FALSE(response.head_sent());
    response.status(404).end("not here :(");
  });
  EXPECT_EQ(body_of(answer_to(get_and_close)), "not here :(");
  ASSERT_EQ(said.size(), 4U);
  const auto begins = [](const std::string& text, const std::string& start) {
    EXPECT_TRUE(text.starts_with(start)) << text;
  };
  begins(said[0], "answer with " + path("missing") + ": open: ");
  begins(said[1], "answer with " + path(".") + ": open: ");
  begins(said[2], "answer with " + path("fifo") + ": it is no regular file: ");
  begins(said[3], "answer with " + path("some") + ": a NUL byte in the path: ");
}

TEST_F(HttpFile, IsSentNoFasterThanItIsReadAndADrainWaitsForIt) {
  const std::string text = file("large", std::size_t{32} << 20);
  bool drained = false;
  bool paused = false;
  Timer later;
  serve_file("large");
  RawClient& slow = client(get_and_close, [&](RawClient& self) {
    if (std::exchange(paused, true)) return;
    self.socket.pause();
    server.drain(1h).then([&](Result<void> result) { drained = result.has_value(); });
    later = Timer(*loop, 20ms, [&] {
      EXPECT_FALSE(drained);
      self.socket.resume();
    });
  });
  loop->run();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(slow.got.ends_with(text));
}

TEST_F(HttpFile, IsSentNoFasterThanItIsReadThoughTheSocketIsOneThatBlocks) {
  const std::string text = file("large", std::size_t{8} << 20);
  server =
      serve(*loop, [this](Request&, Response& response) { ASSERT_TRUE(response.end_file(path("large"))); });
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  server.adopt(net::Socket::adopt(*loop, Fd(ends[0])).value());
  // On the same loop: if the server waited in sendfile(2), nobody would ever read.
  net::Socket reader = net::Socket::adopt(*loop, Fd(ends[1])).value();
  std::string got;
  reader.on_data([&](std::string_view data) { got += data; });
  reader.on_end([&] { server.close(); });
  reader.write(get_and_close);
  loop->run();
  EXPECT_TRUE(got.ends_with(text));
}

TEST_F(HttpFile, ThatBecomesShorterCutsTheConnectionAndIsReported) {
  file("large", std::size_t{32} << 20);
  std::string said;
  bool paused = false;
  serve_file("large");
  server.on_error([&](const Error& error) {
    said = error.what();
    clients.front().socket.resume();
  });
  RawClient& slow = client(get, [&](RawClient& self) {
    if (std::exchange(paused, true)) return;
    self.socket.pause();
    std::filesystem::resize_file(path("large"), 1000);
    self.socket.resume();
  });
  loop->run();
  EXPECT_LT(slow.got.size(), std::size_t{32} << 20);
  EXPECT_TRUE(slow.closed);
  EXPECT_TRUE(said.starts_with("answer with " + path("large") + ": it became shorter: ")) << said;
}

TEST_F(HttpFile, EndsWithoutASignalWhenItsClientGoes) {
  file("large", std::size_t{32} << 20);
  serve_file("large");
  client(get, [](RawClient& self) { self.reset(); });
  Timer watch = Timer::every(*loop, 1ms, [&] {
    if (server.connections() > 0 || clients.front().socket) return;
    watch.stop();
    over(clients.front());
  });
  loop->run();
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(HttpFile, IsGivenUpWhenItsClientTakesNothing) {
  file("large", std::size_t{32} << 20);
  serve_file("large", Options().send_timeout(20ms));
  Timer watch;
  RawClient& stuck = client(get, [&](RawClient& self) {
    if (watch.active()) return;
    self.socket.pause();
    watch = Timer::every(*loop, 1ms, [&] {
      if (server.connections() > 0) return;
      watch.stop();
      self.socket.resume();
    });
  });
  loop->run();
  EXPECT_LT(stuck.got.size(), std::size_t{32} << 20);
}

TEST_F(HttpFile, DoesNotBlockOnASocketThatWasHandedOverBlocking) {
  const std::string text = file("large", std::size_t{8} << 20);
  server = serve(*loop, [&](Request&, Response& response) { EXPECT_TRUE(response.end_file(path("large"))); });
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  server.adopt(net::Socket::adopt(*loop, Fd(ends[0])).value());
  net::Socket mine = net::Socket::adopt(*loop, Fd(ends[1])).value();
  std::string got;
  mine.on_data([&](std::string_view bytes) { got += bytes; });
  mine.write(get_and_close);
  loop->run();
  EXPECT_TRUE(got.ends_with(text));
}

TEST_F(HttpFile, IsSentThoughTheRequestGoesOn) {
  const std::string text = file("large", std::size_t{3} << 20);
  serve_file("large");
  const std::string body(std::size_t{8} << 20, 'x');
  const std::string got = answer_to("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(got.ends_with(text));
}

TEST_F(HttpFile, IsSentToAClientThatReadsNothingBeforeItHasSentItsWholeBody) {
  // More than the kernel's buffers hold, either way; and what came of the body before the answer waits.
  const std::string text = file("large", std::size_t{24} << 20);
  Timer later;
  serve_with([&](Request&, Response& response) {
    later = Timer(*loop, 20ms, [&] { EXPECT_TRUE(response.end_file(path("large"))); });
  });
  std::string got;
  net::Socket stubborn;
  net::connect(*loop, address).then([&](Result<net::Socket> result) {
    stubborn = std::move(*result);
    stubborn.on_data([&](std::string_view data) { got += data; });
    stubborn.on_end([&] { server.close(); });
    stubborn.pause();
    const std::string body(std::size_t{24} << 20, 'x');
    stubborn.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\nConnection: close\r\n\r\n" + body);
    stubborn.flushed().then([&](const Result<void>&) { stubborn.resume(); });
  });
  loop->run();
  EXPECT_TRUE(got.ends_with(text));
}

// How a client frames a body, and the body.
struct FramedBody {
  std::string field;
  std::string text;
};

std::vector<FramedBody> bodies(std::size_t size) {
  const std::string body(size, 'x');
  char digits[32];
  std::snprintf(digits, sizeof digits, "%zx\r\n", size);
  return {{"Content-Length: " + std::to_string(size) + "\r\n", body},
          {"Transfer-Encoding: chunked\r\n", digits + body + "\r\n0\r\n\r\n"}};
}

TEST_F(HttpFile, IsFollowedByTheNextAnswerThoughNobodyReadTheBodyOfItsRequest) {
  // Over in one call of the kernel, and not.
  for (const std::size_t size : {std::size_t{10}, std::size_t{3} << 20}) {
    for (const FramedBody& body : bodies(std::size_t{2} << 20)) {
      const std::string text = file("some", size);
      serve_with([&](Request& request, Response& response) {
        if (request.method() == "GET") return response.end("hello");
        EXPECT_TRUE(response.end_file(path("some")));
      });
      const std::string got =
          answer_to("POST / HTTP/1.1\r\nHost: a\r\n" + body.field + "\r\n" + body.text + get_and_close);
      EXPECT_TRUE(body_of(got).starts_with(text + "HTTP/1.1 200 OK\r\n")) << body.field;
      EXPECT_EQ(clients.back().count("Connection: keep-alive\r\n"), 1U);
      EXPECT_TRUE(got.ends_with("\r\n\r\nhello"));
    }
  }
}

TEST_F(HttpFile, MayBeSentWholeBeforeTheBodyOfItsRequestComes) {
  for (const FramedBody& body : bodies(1000)) {
    const std::string text = file("some", 1000);
    serve_with([&](Request& request, Response& response) {
      if (request.method() == "GET") return response.end("hello");
      EXPECT_TRUE(response.end_file(path("some")));
    });
    bool told = false;
    RawClient& late = client("POST / HTTP/1.1\r\nHost: a\r\n" + body.field + "\r\n", [&](RawClient& self) {
      if (!self.got.ends_with(text) || std::exchange(told, true)) return;
      self.socket.write(body.text + get_and_close);
    });
    loop->run();
    EXPECT_TRUE(body_of(late.got).starts_with(text + "HTTP/1.1 200 OK\r\n")) << body.field;
    EXPECT_TRUE(late.got.ends_with("\r\n\r\nhello"));
  }
}

TEST_F(HttpFile, EndsTheWaitForTheBodyOfItsRequest) {
  const std::string text = file("some", 1000);
  std::error_code said;
  serve_with([&](Request& request, Response& response) {
    if (request.method() == "GET") return response.end("hello");
    request.body(10'000, [&](const Result<std::string>& body) { said = body.error().code(); });
    EXPECT_TRUE(response.end_file(path("some")));
  });
  const std::string got =
      answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get_and_close);
  EXPECT_EQ(said, make_error_code(Errc::cancelled));
  EXPECT_TRUE(body_of(got).starts_with(text + "HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(got.ends_with("\r\n\r\nhello"));
}

TEST_F(HttpFile, IsSentWholeThoughWhatFollowsInItsRequestIsNoBody) {
  const std::string text = file("large", std::size_t{3} << 20);
  serve_file("large");
  const std::string got =
      answer_to("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n" + get);
  EXPECT_TRUE(got.ends_with(text));
  EXPECT_EQ(clients.front().count("HTTP/1.1 "), 1U);
}

TEST_F(HttpFile, ClosesTheConnectionOfAClientThatWasNotToldToSendItsBody) {
  const std::string text = file("large", std::size_t{3} << 20);
  serve_file("large");
  server.on_check_continue(
      [&](Request&, Response& response) { EXPECT_TRUE(response.status(413).end_file(path("large"))); });
  const std::string got =
      answer_to("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413 "));
  EXPECT_EQ(clients.front().count("Connection: close\r\n"), 1U);
  EXPECT_TRUE(got.ends_with(text));
}

}  // namespace
}  // namespace baton::http
