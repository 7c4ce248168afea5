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
#include <utility>

#include "baton/http/request.h"
#include "baton/http/response.h"
#include "baton/http/server.h"
#include "baton/net/socket.h"
#include "http/address_counts.h"
#include "http/request_parser.h"
#include "http/response_head.h"
#include "loop/slot.h"

namespace baton::http {

class Refusal;
class ServerCore;

// One client: it reads requests one after the other, each when the response to the one before is in the
// socket's queue, and ends so that the client can read what was sent to it. The objects of an exchange (the
// request and its response) are reused for the next, so a connection allocates nothing for each request.
//
// It lives in its server's list; a response that is still open when the connection is over keeps it alive in
// the loop.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerCore> core, net::Socket socket, std::size_t place);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // Whether some wait has lasted too long.
  void check(std::chrono::milliseconds now);
  // Closes at once; what was written still goes out.
  void give_up();
  // The same, and nobody is told.
  void drop() noexcept;
  // Closes at once, and what the kernel does not have yet is dropped: the client takes nothing, or another
  // wants its place.
  void abandon();
  // The next turn of the loop has begun.
  void go_on();
  // Since when it keeps the server waiting, for a request or for room to answer; `max` while its request is
  // handled.
  [[nodiscard]] std::chrono::milliseconds waiting_since() const noexcept;

  // Its address has one connection more. None: it has too many, and this one is told so.
  void count_in(const AddressCounts::Entry* entry);
  [[nodiscard]] const AddressCounts::Entry* counted_in() const noexcept { return counted_in_; }

  // For the callbacks of the present exchange: what they throw is its own.
  template <class Body>
  void call(Body&& body) {
    call_for(requests_, std::forward<Body>(body));
  }

  [[nodiscard]] std::size_t place() const noexcept { return place_; }
  void moved_to(std::size_t place) noexcept { place_ = place; }

 private:
  friend class Request;
  friend class Response;

  // How far the present exchange is.
  enum class Phase : std::uint8_t {
    none,      // between two requests
    open,      // the response is not ended
    sending,   // the response is ended, and a file is on its way
    answered,  // the response is ended, the request's body is not
    cut,       // the client is gone or was given up; what the handler still writes is dropped
    failed,    // as cut, and its handler has thrown: nobody may ever end it
  };
  [[nodiscard]] bool is_cut() const noexcept { return phase_ == Phase::cut || phase_ == Phase::failed; }
  struct BodyWait;
  struct FileBody;

  // connection.cc: input and the course of things.
  void on_data(std::string_view bytes);
  void on_input_end();
  void on_output_drained();
  void on_closed();
  void take(std::string_view input);
  bool step(std::string_view& input);
  [[nodiscard]] bool must_wait() const noexcept;
  void keep(std::string_view input);
  void begin_exchange(std::string_view rest);
  [[nodiscard]] bool hand_over(std::string_view rest);
  void answer_unhandled(int status);
  void deliver(std::string_view bytes);
  void give_piece();
  void end_request(bool more_input);
  void advance();
  [[nodiscard]] bool is_last_word();
  void proceed();
  void proceed_later();
  void end_exchange();
  void input_is_over();
  void refuse(int status);
  void cut_exchange();
  void close_gently();
  void leave();

  // failure.cc: what a program's function throws.
  void ask(std::shared_ptr<Handler> handler);
  void give_to(const std::shared_ptr<UpgradeHandler>& handler, std::shared_ptr<ServerCore> core,
               net::Socket socket, std::string rest);
  // `by_handler`: by the function that answers, or its task, and not by a callback beside it.
  void fail(std::size_t exchange, const std::exception_ptr& exception, bool by_handler = false);
  void answer_refusal(const Refusal& refusal, bool by_handler);
  static void tell(Loop& loop, ServerCore* core, const Error& error, const std::exception_ptr& exception);
  [[nodiscard]] std::string operation(std::size_t exchange) const;
  template <class Body>
  void call_for(std::size_t exchange, Body&& body) {
    try {
      body();
    } catch (...) {
      fail(exchange, std::current_exception());
    }
  }

  // request.cc
  void consume();
  Op<std::string> collect(std::size_t limit);
  Op<std::optional<std::string>> next_piece();
  [[nodiscard]] bool piece_wanted() const noexcept { return piece_ && piece_->wanted(); }
  void fail_body(const Error& error);
  [[nodiscard]] Error body_error() const;
  void forget_body_waits() noexcept;

  // response.cc: output.
  [[nodiscard]] bool may_change_head() const;
  bool write_response(std::string_view bytes);
  void end_response(std::string_view bytes);
  void say_continue();
  void add_trailer(std::string_view name, std::string_view value);
  Op<> drained();
  [[nodiscard]] std::stop_token gone();
  [[nodiscard]] Framing stream_framing() const noexcept;
  [[nodiscard]] Framing whole_framing(std::size_t size) const;
  void send_head(const Framing& framing);
  void write_body(std::string_view bytes);
  void finish_body();
  // Gives `out_` to the socket, to be joined with what the running callback writes after it, or at once.
  void flush();
  void flush_through();

  // file_body.cc
  Result<void> end_with_file(const std::string& path, std::uint64_t offset, std::uint64_t length);
  void send_file();
  void fail_file(int error, std::string_view step);

  [[nodiscard]] bool is_head_request() const noexcept { return parser_.head().method() == "HEAD"; }

  Loop& loop_;
  std::shared_ptr<ServerCore> core_;  // none once the connection is over
  const std::weak_ptr<ServerCore> home_;
  net::Socket socket_;
  std::size_t place_;
  const AddressCounts::Entry* counted_in_ = nullptr;

  RequestParser parser_;
  std::string held_;  // input that must wait
  std::string out_;   // output that is not yet in the socket's queue

  Request request_{*this};
  Response response_{*this};
  ResponseHead head_;
  Slot<std::string_view> on_data_;
  Slot<> on_end_, on_drain_, on_close_;
  std::unique_ptr<BodyWait> body_;
  std::optional<Promise<std::optional<std::string>>> piece_;
  std::string gathered_;             // for whoever waits for a piece
  std::optional<Error> body_error_;  // why there is no more of it
  std::optional<std::stop_source> gone_;
  std::optional<Promise<>> drained_;
  std::unique_ptr<FileBody> file_;
  std::uint64_t body_size_ = 0;  // of the request, so far
  std::uint64_t body_left_ = 0;  // of a Content-Length that was promised

  std::size_t requests_ = 0;
  std::size_t requests_of_turn_ = 0;
  std::uint64_t queued_ever_ = 0;    // bytes given to the socket
  std::uint64_t seen_sent_ = 0;      // how many of them were in the kernel when last looked at
  std::uint64_t discarded_ = 0;      // while lingering
  std::chrono::milliseconds since_;  // when the wait began that the sweep looks at
  std::chrono::milliseconds sent_since_{};
  std::chrono::milliseconds linger_since_{};

  Phase phase_ = Phase::none;
  Framing::Kind framing_ = Framing::Kind::none;
  bool has_body_ = false;  // the request
  bool awaits_continue_ = false;
  bool request_ended_ = false;  // its body is whole
  bool consumes_ = false;       // somebody asked for the body
  bool request_paused_ = false;
  bool pipelined_ = false;  // more input came behind the request
  bool head_sent_ = false;
  bool silent_ = false;  // no byte of a body is sent
  bool close_after_ = false;
  bool writable_ = true;  // the socket's queue is below its mark
  bool reading_paused_ = false;
  bool input_ended_ = false;
  bool taking_ = false;      // inside take()
  bool proceeding_ = false;  // proceed() is deferred
  bool waits_for_turn_ = false;
  bool lingering_ = false;  // our side is finished; input is dropped until the client's is
};

}  // namespace baton::http
