// The router, and JSON in and out, as a client sees them.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "baton/http/client.h"
#include "baton/http/server.h"
#include "baton/net/server.h"
#include "baton/web/json.h"
#include "baton/web/router.h"
#include "baton/web/target.h"

namespace baton::web {

struct Order {
  std::string item;
  int count = 1;
};
BATON_FIELDS(Order, item, count)

namespace {

using http::Request;
using http::Response;

class Web : public testing::Test {
 public:
  // "STATUS body" of each request to a server with this router.
  std::string answer_to(const Router& router, std::string_view method, std::string target,
                        std::string body = {}) {
    Loop loop;
    auto server = http::serve(net::listen(loop, net::Endpoint("127.0.0.1", 0)), router);
    server.on_error([this](const Error& error) { failed_ = error.what(); });
    http::FetchOptions options;
    options.method(method);
    if (!body.empty()) options.body(std::move(body));
    std::string answer;
    const auto ask = [&]() -> Task<> {
      const std::string url = "http://127.0.0.1:" + std::to_string(server.local().port()) + target;
      http::Reply reply = co_await http::fetch(loop, url, options);
      type_ = reply.header("content-type").value_or("none");
      allowed_ = reply.header("allow").value_or("none");
      answer = std::to_string(reply.status()) + " " + co_await reply.body();
      server.close();
    };
    start(loop, ask());
    loop.run();
    return answer;
  }

  std::string type_, allowed_, failed_;
};

void say_target(Request& request, Response& response) { response.end(request.target()); }

TEST_F(Web, RouterChoosesByMethodAndPattern) {
  Router router;
  router.get("/", [](Request&, Response& response) { response.end("root"); })
      .get("/users/:id",
           [](Request&, Response& response, PathParameters path) { response.end("user " + path["id"]); })
      .post("/users/:id", say_target)
      .get("/users/:id/posts/:post",
           [](Request&, Response& response, PathParameters path) -> Task<> {
             response.end(path["id"] + "'s " + path["post"]);
             co_return;
           })
      .get("/files/*rest",
           [](Request&, Response& response, PathParameters path) { response.end("[" + path["rest"] + "]"); })
      .get("/a b/\xe4\xbd\xa0", [](Request&, Response& response) { response.end("text"); });
  EXPECT_EQ(answer_to(router, "GET", "/"), "200 root");
  EXPECT_EQ(answer_to(router, "GET", "/users/7?x=/y"), "200 user 7");
  EXPECT_EQ(answer_to(router, "HEAD", "/users/7"), "200 ");
  EXPECT_EQ(answer_to(router, "GET", "/users/a%2Fb%20c"), "200 user a/b c");
  EXPECT_EQ(answer_to(router, "POST", "/users/7"), "200 /users/7");
  EXPECT_EQ(answer_to(router, "GET", "/users/7/posts/last"), "200 7's last");
  EXPECT_EQ(answer_to(router, "GET", "/files/a/b%20c/"), "200 [a/b c/]");
  EXPECT_EQ(answer_to(router, "GET", "/files/"), "200 []");
  EXPECT_EQ(answer_to(router, "GET", "/a%20b/%E4%BD%A0"), "200 text");
}

TEST_F(Web, RouterSaysWhatItDoesNotHave) {
  Router router;
  router.put("/users/:id", say_target).get("/users/:id", say_target).del("/files/*rest", say_target);
  for (const char* path : {"/", "/users", "/users/", "/users/7/", "/files", "/Users/7"}) {
    EXPECT_EQ(answer_to(router, "GET", path), "404 not found\n") << path;
  }
  EXPECT_EQ(answer_to(router, "PATCH", "/users/7"), "405 method not allowed\n");
  EXPECT_EQ(allowed_, "GET, HEAD, PUT");
  EXPECT_EQ(answer_to(router, "GET", "/files/x"), "405 method not allowed\n");
  EXPECT_EQ(allowed_, "DELETE");
  EXPECT_EQ(answer_to(router, "GET", "/users/%zz"), "400 the path is no percent-encoding\n");
  EXPECT_EQ(answer_to(router, "OPTIONS", "/nowhere"), "404 not found\n");
  EXPECT_EQ(failed_, "");
}

TEST_F(Web, RouterRefusesPatternsThatAreNone) {
  const auto why = [](std::string_view pattern) -> std::string {
    try {
      Router().get(pattern, say_target);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(why("users"), "the pattern users does not begin with /");
  EXPECT_EQ(why("/:"), "the pattern /: has a name that is empty");
  EXPECT_EQ(why("/*"), "the pattern /* has a name that is empty");
  EXPECT_EQ(why("/:a/x/:a"), "the pattern /:a/x/:a has the name a twice");
  EXPECT_THROW(Router().get("/", std::function<void(Request&, Response&)>()), std::invalid_argument);
  EXPECT_THROW(Router().get("/", Router::Route()), std::invalid_argument);
  EXPECT_EQ(why("/*rest/x"), "the pattern /*rest/x goes on behind *");
}

TEST_F(Web, AParameterThatThePatternLacksIsAFaultOfTheProgram) {
  Router router;
  router.get("/:id", [](Request&, Response& response, PathParameters path) { response.end(path["di"]); });
  EXPECT_EQ(answer_to(router, "GET", "/7"), "500 ");
  EXPECT_EQ(failed_, "answer GET /7: the pattern has no :di: an exception that nobody caught");
}

Task<> echo_order(Request& request, Response& response) {
  Order order = co_await read_json<Order>(request, 100);
  ++order.count;
  response.status(201);
  send_json(response, order);
}

TEST_F(Web, JsonComesInAndGoesOut) {
  Router router;
  router.post("/orders", echo_order).post("/any", [](Request& request, Response& response) -> Task<> {
    send_json(response, co_await read_json(request));
  });
  EXPECT_EQ(answer_to(router, "POST", "/orders", R"({"item":"pen","count":2})"),
            R"(201 {"item":"pen","count":3})");
  EXPECT_EQ(type_, "application/json");
  EXPECT_EQ(answer_to(router, "POST", "/any", "[1,{\"a\":null}]"), "200 [1,{\"a\":null}]");
}

TEST_F(Web, JsonThatDoesNotFitIsTheClientsFault) {
  Router router;
  router.post("/orders", echo_order);
  const std::string no_json = answer_to(router, "POST", "/orders", "{\"item\":");
  EXPECT_TRUE(no_json.starts_with("400 read JSON: ") && no_json.ends_with("not JSON\n")) << no_json;
  EXPECT_EQ(type_, "text/plain; charset=utf-8");
  EXPECT_EQ(answer_to(router, "POST", "/orders", R"({"item":5,"count":2})"),
            "400 read Order: item is 5, not a string: the value does not fit\n");
  EXPECT_EQ(answer_to(router, "POST", "/orders", std::string(101, ' ')),
            "413 the body is longer than 100 bytes\n");
  EXPECT_EQ(failed_, "");
}

TEST_F(Web, JsonThatIsLongIsReadBesideTheLoop) {
  Router router;
  router.post("/any", [](Request& request, Response& response) -> Task<> {
    const Value value = co_await read_json(request);
    EXPECT_TRUE(value.large());
    send_json(response, value.size());
  });
  std::string many = "[7";
  for (int i = 0; i < 50'000; ++i) many += ",7";
  EXPECT_EQ(answer_to(router, "POST", "/any", many + "]"), "200 50001");
  const std::string no_json = answer_to(router, "POST", "/any", many);
  EXPECT_TRUE(no_json.starts_with("400 read JSON: ") && no_json.ends_with("not JSON\n")) << no_json;
}

TEST_F(Web, JsonOfAReplyIsReadToo) {
  Loop loop;
  auto server =
      http::serve(net::listen(loop, net::Endpoint("127.0.0.1", 0)), [](Request& request, Response& response) {
        if (request.target() == "/order") return send_json(response, Order{"pen", 7});
        response.end("none");
      });
  const auto ask = [&]() -> Task<> {
    const std::string url = "http://127.0.0.1:" + std::to_string(server.local().port());
    http::Reply reply = co_await http::fetch(loop, url + "/order");
    const auto order = co_await read_json<Order>(reply);
    EXPECT_EQ(order.count, 7);
    http::Reply other = co_await http::fetch(loop, url);
    try {
      co_await read_json(other);
      ADD_FAILURE() << "it was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::bad_json);
    }
    server.close();
  };
  start(loop, ask());
  loop.run();
}

TEST_F(Web, ARefusalIsAnAnswer) {
  Router router;
  router.get("/now", [](Request&, Response&) { throw http::Refusal(404, "no such user"); })
      .get("/later", [](Request& request, Response& response) -> Task<> {
        response.status(200).header("Content-Type", "image/png");
        co_await request.body();
        throw http::Refusal(409, "too late");
      });
  EXPECT_EQ(answer_to(router, "GET", "/now"), "404 no such user\n");
  EXPECT_EQ(answer_to(router, "GET", "/later"), "409 too late\n");
  EXPECT_EQ(type_, "text/plain; charset=utf-8");
  EXPECT_EQ(failed_, "");
  EXPECT_THROW(std::ignore = http::Refusal(200, "fine"), std::invalid_argument);
}

}  // namespace
}  // namespace baton::web
