#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "baton/http/fetch_options.h"
#include "baton/http/reply.h"
#include "baton/loop/op.h"
#include "baton/loop/timer.h"
#include "baton/net/socket.h"
#include "http/client_core.h"
#include "http/reply_parser.h"
#include "http/url.h"

namespace baton::http {

// One request of a client and its reply, from the wait for a connection until that is given back or closed.
//
// The loop keeps it until the head of the reply is there, then the `Reply` does.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<ClientCore> core, std::string what, Url url, FetchOptions options);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Op<Reply> begin();

  // For `ClientCore`, which answers `want` with one of the two, at once or later.
  // Connections to the same place have the same.
  [[nodiscard]] const std::string& origin() const noexcept { return origin_; }
  // By which it waits for one.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  // Whether it still waits for a connection, and somebody for it.
  [[nodiscard]] bool waits() const noexcept { return phase_ == Phase::waiting && promise_->wanted(); }
  // It has to wait for one, as long as for a head.
  void wait_for_place();
  // It may make one.
  void connect();
  // Here is one that was used before.
  void use_again(net::Socket socket);

  // For `Reply`.
  [[nodiscard]] Loop& loop() const noexcept { return loop_; }
  [[nodiscard]] const ReplyHead& head() const noexcept { return parser_->head(); }
  [[nodiscard]] Headers trailers() const noexcept;
  Op<std::optional<std::string>> next_data();
  Op<std::string> body(std::size_t limit);
  // Nobody wants the rest.
  void drop();

 private:
  enum class Phase : std::uint8_t {
    waiting,  // for a connection
    asked,    // for the head
    body,
    whole,
    failed,
  };
  struct BodyWait {
    BodyWait(Loop& loop, const std::string& what, std::size_t most) : promise(loop, what), limit(most) {}
    Promise<std::string> promise;
    std::string text;
    std::size_t limit;
  };

  [[nodiscard]] bool over() const noexcept { return phase_ == Phase::whole || phase_ == Phase::failed; }
  [[nodiscard]] bool wanted() const noexcept;
  [[nodiscard]] bool may_be_repeated() const noexcept;
  // Whether the request of that try is still to be sent.
  [[nodiscard]] bool sends(unsigned attempt) const noexcept {
    return !over() && tries_ == attempt && (!promise_ || promise_->wanted());
  }

  // exchange_request.cc: what is sent.
  void use(net::Socket socket);
  [[nodiscard]] std::string request_head() const;
  void upload_later();
  Task<> upload();
  [[nodiscard]] Task<std::optional<std::string>> next_piece(std::size_t& sent);
  void write_piece(std::string_view piece);

  // exchange.cc: what comes, and the ends.
  void take(std::string_view input);
  void run(std::string_view input);
  void give_piece();
  [[nodiscard]] bool step(std::string_view& input);
  void hold(std::string_view input);
  void go_on_later();
  void deliver(std::string_view bytes);
  void give_reply();
  void finish(bool more_input);
  void fail(const Error& error);
  void fail(std::error_code code, std::string_view step) { fail(Error(code, what_, step)); }
  void connection_ended();
  void settle_waits();
  void give_up();
  void leave(bool reusable);
  void wait_at_most(std::chrono::milliseconds time, std::string_view step);
  [[nodiscard]] std::chrono::milliseconds idle_time() const;

  Loop& loop_;
  std::shared_ptr<ClientCore> core_;
  const std::string what_;  // "fetch URL"
  const Url url_;
  const FetchOptions options_;
  const std::string origin_;
  const std::uint64_t number_;
  std::optional<Promise<Reply>> promise_;
  std::stop_source connecting_;
  net::Socket socket_;
  std::optional<ReplyParser> parser_;
  Timer timer_;
  std::string held_;  // input that nobody wants yet
  std::optional<Promise<std::optional<std::string>>> piece_;
  std::string gathered_;  // for whoever waits for a piece
  std::unique_ptr<BodyWait> body_;
  std::optional<Error> error_;
  std::uint64_t length_left_ = 0;  // of a body that said its length
  unsigned tries_ = 0;             // to send the request

  Phase phase_ = Phase::waiting;
  bool has_place_ = false;     // among the connections that the client counts
  bool reused_ = false;        // the connection
  bool sent_ = false;          // the request is in the socket's queue, whole
  bool ended_ = false;         // nothing more comes
  bool going_on_ = false;      // go_on_later was asked
  bool running_ = false;       // within `run`
  bool nobody_wants_ = false;  // the reply was destroyed
};

}  // namespace baton::http
