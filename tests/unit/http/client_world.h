#pragma once

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

#include "baton/http/client.h"
#include "baton/http/refusal.h"
#include "baton/loop/task.h"
#include "baton/loop/wait.h"
#include "unit/http/http_world.h"

namespace baton::http {

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

inline Task<std::string> fetch_body(Client& client, std::string url) {
  Reply reply = co_await client.fetch(url);
  co_return co_await reply.body();
}

inline Task<> tell_request(Request& request, Response& response) {
  const std::string body = co_await request.body();
  std::string told = std::string(request.method()) + " " + std::string(request.target());
  for (const auto& [name, value] : request.headers())
    told += "|" + std::string(name) + "=" + std::string(value);
  response.header("X-Seen", "yes").end(told + "|" + body);
}

}  // namespace baton::http
