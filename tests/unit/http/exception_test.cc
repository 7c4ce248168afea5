// What leaves a handler is its request's, and a client that leaves ends its own request and nothing else.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/thrown.h"
#include "baton/http/refusal.h"
#include "baton/loop/task.h"
#include "baton/loop/timer.h"
#include "baton/loop/wait.h"
#include "http_world.h"

namespace baton::http {
namespace {

using Texts = std::vector<std::string>;

class HttpExceptions : public Http {
 protected:
  void serve_and_note(Handler handler, const Options& options = Options()) {
    serve_with(std::move(handler), options);
    server.on_error([this](const Error& error) { told.emplace_back(error.what()); });
    loop->on_uncaught([this](const std::exception_ptr&) { ++uncaught; });
  }
  Texts told;
  int uncaught = 0;
};

const std::string upload = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
const std::string get_fine = "GET /fine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const std::string failed_answer = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n";

// As docs/http.md has them.
Task<> take_upload(Request& request, Response& response, std::string& stored) {
  while (auto piece = co_await request.next_data()) stored += *piece;
  response.status(201).end();
}
Task<> give_report(Response& response) {
  const std::string row(size_t{64} << 10, 'x');
  for (int i = 0; i < 1000; ++i) {
    if (!response.write(row)) co_await response.drained();
  }
  response.end();
}

TEST_F(HttpExceptions, AClientThatLeavesAmidAnUploadEndsItsOwnRequestAndNothingElse) {
  std::string stored;
  net::Socket leaver;
  serve_and_note([&](Request& request, Response& response) -> Task<> {
    if (request.target() == "/fine") {
      response.end("fine");
      co_return;
    }
    leaver.close();
    co_await take_upload(request, response, stored);
  });
  server.on_error([&](const Error& error) {
    told.emplace_back(error.what());
    client(get_fine);
  });
  net::connect(*loop, address).then([&](Result<net::Socket> made) {
    leaver = std::move(*made);
    leaver.write(upload + "the first part");
  });
  loop->run();
  EXPECT_EQ(told, Texts{"answer POST /upload: read the body of a request: disconnected"});
  EXPECT_EQ(stored, "the first part");
  ASSERT_EQ(clients.size(), 1U);
  EXPECT_TRUE(clients.front().got.ends_with("fine"));
  EXPECT_EQ(uncaught, 0);
}

TEST_F(HttpExceptions, AClientThatLeavesAmidADownloadEndsItsOwnRequestAndNothingElse) {
  serve_and_note([&](Request& request, Response& response) -> Task<> {
    if (request.target() == "/fine") {
      response.end("fine");
      co_return;
    }
    co_await give_report(response);
  });
  net::Socket leaver;
  server.on_error([&](const Error& error) {
    told.emplace_back(error.what());
    client(get_fine);
  });
  net::connect(*loop, address).then([&](Result<net::Socket> made) {
    leaver = std::move(*made);
    leaver.on_data([&](std::string_view) { leaver.close(); });
    leaver.write("GET /report HTTP/1.1\r\nHost: a\r\n\r\n");
  });
  loop->run();
  EXPECT_EQ(told, Texts{"answer GET /report: write the body of a response: disconnected"});
  ASSERT_EQ(clients.size(), 1U);
  EXPECT_TRUE(clients.front().got.ends_with("fine"));
  EXPECT_EQ(uncaught, 0);
}

TEST_F(HttpExceptions, WithoutOnErrorNobodyIsToldThatAClientIsGoneAndTheProcessLives) {
  std::string stored;
  bool over = false;
  net::Socket leaver;
  serve_with([&](Request& request, Response& response) -> Task<> {
    response.on_close([&] { over = true; });
    leaver.close();
    co_await take_upload(request, response, stored);
  });
  loop->on_uncaught([this](const std::exception_ptr&) { ++uncaught; });
  net::connect(*loop, address).then([&](Result<net::Socket> made) {
    leaver = std::move(*made);
    leaver.write(upload);
  });
  Timer until_it_is_over = Timer::every(*loop, std::chrono::milliseconds(1), [&] {
    if (!over || server.connections() > 0) return;
    until_it_is_over.stop();
    server.close();
  });
  testing::internal::CaptureStderr();
  loop->run();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(uncaught, 0);
}

TEST_F(HttpExceptions, OfAHandlerAreA500AndToldAndTheServerGoesOn) {
  serve_and_note([](Request& request, Response& response) {
    if (request.target() != "/fine") throw std::runtime_error("no tea");
    response.end("fine");
  });
  EXPECT_EQ(answer_to(get), failed_answer);
  EXPECT_EQ(told, Texts{"answer GET /: no tea: an exception that nobody caught"});
  EXPECT_EQ(uncaught, 0);
}

TEST_F(HttpExceptions, OfATaskAreA500AndTold) {
  serve_and_note([](Request& request, Response& /*response*/) -> Task<> {
    const std::string body = co_await request.body();
    throw std::runtime_error("no " + body);
  });
  EXPECT_EQ(answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntea"), failed_answer);
  EXPECT_EQ(told, Texts{"answer POST /: no tea: an exception that nobody caught"});
}

TEST_F(HttpExceptions, AfterTheHeadCutTheConnectionSoThatTheClientNotices) {
  serve_and_note([](Request& /*request*/, Response& response) {
    response.write("half");
    throw std::runtime_error("no tea");
  });
  RawClient& asker = client(get);
  loop->run();
  EXPECT_FALSE(asker.got.contains("\r\n0\r\n")) << "it looks whole";
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(HttpExceptions, OfACallbackOfTheRequestAreItsRequests) {
  for (const int which : {0, 1, 2, 3}) {
    told.clear();
    clients.clear();
    serve_and_note([which](Request& request, Response& response) {
      const auto fail = [] { throw std::runtime_error("no tea"); };
      if (which == 0) request.on_data([fail](std::string_view) { fail(); });
      if (which == 1) request.on_end(fail);
      if (which == 2) request.body(10, [fail](const Result<std::string>&) { fail(); });
      if (which == 3) {
        request.on_end([&response] { response.write(std::string(size_t{1} << 20, 'x')); });
        response.on_drain(fail);
      }
    });
    RawClient& asker = client("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntea");
    loop->run();
    if (which < 3) {
      EXPECT_EQ(asker.got, failed_answer) << which;
    }
    EXPECT_EQ(told, Texts{"answer POST /: no tea: an exception that nobody caught"}) << which;
    EXPECT_EQ(uncaught, 0);
  }
}

TEST_F(HttpExceptions, OfOneRequestDoNotTouchTheNextOfItsConnection) {
  Promise<> go_on(*loop);
  serve_and_note([&](Request& request, Response& response) -> Task<> {
    if (request.target() == "/fine") {
      response.end("fine");
      go_on.resolve({});
      co_return;
    }
    response.end("first");
    co_await go_on.op();
    throw std::runtime_error("too late to matter");
  });
  const std::string got = answer_to(
      "GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /fine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(got.contains("first")) << got;
  EXPECT_TRUE(got.ends_with("fine")) << got;
  EXPECT_EQ(told, Texts{"answer a request: too late to matter: an exception that nobody caught"});
}

TEST_F(HttpExceptions, OfAnUpgradeAreTold) {
  serve_and_note(hello);
  server.on_upgrade([](Request&, net::Socket, const std::string&) -> Task<> {
    throw std::runtime_error("no tea");
    co_return;
  });
  RawClient& asker = client("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n");
  loop->run();
  EXPECT_TRUE(asker.closed);
  EXPECT_EQ(told, Texts{"answer GET /chat: no tea: an exception that nobody caught"});
}

TEST_F(HttpExceptions, ALateAnswerOfWhatHasFailedDoesNothing) {
  Timer late;
  bool tried = false;
  serve_and_note([&](Request&, Response& response) {
    late = Timer(*loop, std::chrono::milliseconds(50), [&] {
      EXPECT_TRUE(response.ended());
      EXPECT_FALSE(response.status(200).header("x", "y").write("late"));
      response.end("late");
      tried = true;
    });
    throw std::runtime_error("no tea");
  });
  EXPECT_EQ(answer_to(get), failed_answer);
  if (!tried) loop->run();
  EXPECT_TRUE(tried);
  EXPECT_EQ(uncaught, 0);
}

TEST_F(HttpExceptions, OfAConnectionThatLeftHttpEndNothingElse) {
  std::optional<Result<std::string>> body;
  serve_and_note(hello);
  server.on_upgrade([&](Request& request, const net::Socket&, const std::string&) {
    request.body(100, [&](Result<std::string> text) {
      body = std::move(text);
      throw std::runtime_error("no tea");
    });
  });
  RawClient& asker = client("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n");
  loop->run();
  EXPECT_TRUE(asker.closed);
  ASSERT_TRUE(body && !*body);
  EXPECT_EQ(body->error().code(), Errc::cancelled);
  EXPECT_EQ(told.size(), 1U);
  EXPECT_EQ(uncaught, 0);
}

TEST_F(HttpExceptions, WithoutAnybodyToTellAreALineOnStandardError) {
  serve_with([](Request&, Response&) { throw std::runtime_error("no tea"); });
  testing::internal::CaptureStderr();
  EXPECT_EQ(answer_to(get), failed_answer);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "baton: answer GET /: no tea: an exception that nobody caught\n");
}

TEST_F(HttpExceptions, LeaveNothingOfTheRequestInMemory) {
  const auto alive = std::make_shared<int>(0);
  serve_and_note([alive](Request& request, Response& /*response*/) {
    request.on_end([alive] {});
    throw std::runtime_error("no tea");
  });
  EXPECT_EQ(answer_to(get), failed_answer);
  server = Server();
  loop->run();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(EmptyHttpServer, IsMisuseButForWhatHasAnAnswer) {
  Server none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.connections(), 0U);
  none.close();
  EXPECT_THROW(none.adopt(net::Socket()), std::logic_error);
  EXPECT_THROW(none.on_upgrade(nullptr), std::logic_error);
  EXPECT_THROW(none.on_connect(nullptr), std::logic_error);
  EXPECT_THROW(none.on_check_continue(nullptr), std::logic_error);
  EXPECT_THROW(none.on_check_expectation(nullptr), std::logic_error);
  EXPECT_THROW(none.on_error({}), std::logic_error);
  EXPECT_THROW(std::ignore = none.drain(std::chrono::seconds(1)), std::logic_error);
  EXPECT_THROW(std::ignore = none.retire(std::chrono::milliseconds(1)), std::logic_error);
  EXPECT_THROW(std::ignore = none.local(), std::logic_error);
}

TEST_F(HttpExceptions, OfACallbackThatAreRefusalsAnswerAndEndTheConnection) {
  serve_with([this](Request& request, Response& response) -> Task<> {
    request.on_data([](std::string_view) { throw Refusal(422, "not that"); });
    co_await sleep(*loop, std::chrono::milliseconds(5));
    // The response is over; nobody's answer is this.
    try {
      response.end("mine");
    } catch (const std::logic_error&) {
    }
  });
  const std::string got = answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + get);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 422 ")) << got;
  EXPECT_TRUE(got.ends_with("not that\n")) << got;
}

}  // namespace
}  // namespace baton::http
