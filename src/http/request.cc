#include "baton/http/request.h"

#include <stdexcept>
#include <utility>

#include "http/body_wait.h"
#include "http/connection.h"

namespace baton::http {

Loop& Request::loop() const noexcept { return connection_.loop_; }
std::string_view Request::method() const noexcept { return connection_.parser_.head().method(); }
std::string_view Request::target() const noexcept { return connection_.parser_.head().target(); }
int Request::version_minor() const noexcept { return connection_.parser_.head().version_minor(); }
Headers Request::headers() const noexcept { return connection_.parser_.head().headers(); }
std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  return headers().find(name);
}
net::Endpoint Request::remote() const {
  return connection_.core_ ? connection_.socket_.remote() : net::Endpoint();
}

void Request::on_data(baton::Handler<std::string_view> callback) {
  connection_.on_data_.set(std::move(callback));
  connection_.consume();
}

void Request::on_end(baton::Handler<> callback) {
  connection_.on_end_.set(std::move(callback));
  connection_.consume();
}

Op<std::string> Request::body(std::size_t limit) { return connection_.collect(limit); }

void Request::body(std::size_t limit, baton::Handler<Result<std::string>> callback) {
  std::move_only_function<void(Result<std::string>)> function = std::move(callback);
  body(limit).then([connection = connection_.shared_from_this(), exchange = connection_.requests_,
                    function = std::move(function)](Result<std::string> body) mutable {
    connection->call_for(exchange, [&] { function(std::move(body)); });
  });
}

Op<std::optional<std::string>> Request::next_data() { return connection_.next_piece(); }

Headers Request::trailers() const noexcept {
  return connection_.request_ended_ ? connection_.parser_.head().trailers() : Headers();
}

void Request::pause() { connection_.request_paused_ = true; }
void Request::resume() {
  connection_.request_paused_ = false;
  connection_.proceed_later();
}

// Somebody asked for the body: what waited comes, later.
void Connection::consume() {
  consumes_ = true;
  if (!piece_wanted()) piece_.reset();
  if (phase_ != Phase::open) return;
  say_continue();
  if (!request_ended_) return proceed_later();
  loop_.defer([self = shared_from_this(), request = requests_] {
    if (self->phase_ == Phase::open && self->requests_ == request) self->on_end_.fire_once(*self);
  });
}

Op<std::string> Connection::collect(std::size_t limit) {
  if (body_) throw std::logic_error("the body of this request was asked for before");
  auto wait = std::make_unique<BodyWait>(loop_, limit);
  auto op = wait->promise.op();
  if (!piece_wanted()) piece_.reset();
  if (phase_ != Phase::open) {
    wait->promise.resolve(std::unexpected(body_error()));
  } else if (request_ended_) {
    // There was none: a body waits until somebody asks for it.
    wait->promise.resolve(std::string());
  } else {
    body_ = std::move(wait);
    consumes_ = true;
    say_continue();
    proceed_later();
  }
  return op;
}

Op<std::optional<std::string>> Connection::next_piece() {
  if (body_ || consumes_ || piece_wanted()) {
    throw std::logic_error("the body of this request was asked for before");
  }
  Promise<std::optional<std::string>> promise(loop_, "read the body of a request");
  auto op = promise.op();
  if (phase_ != Phase::open) {
    promise.resolve(std::unexpected(body_error()));
  } else if (request_ended_) {
    promise.resolve(std::nullopt);
  } else {
    piece_.emplace(std::move(promise));
    say_continue();
    proceed_later();
  }
  return op;
}

Error Connection::body_error() const {
  if (is_cut() && body_error_) return *body_error_;
  return {make_error_code(is_cut() ? Errc::disconnected : Errc::cancelled), "read the body of a request"};
}

void Connection::fail_body(const Error& error) {
  if (!body_error_) body_error_ = error;
  if (const auto body = std::move(body_)) body->promise.resolve(std::unexpected(error));
  give_piece();
  if (piece_) std::exchange(piece_, std::nullopt)->resolve(std::unexpected(error));
}

// Who still waits is cancelled.
void Connection::forget_body_waits() noexcept {
  body_.reset();
  if (piece_) piece_.reset();
  gathered_.clear();
  if (drained_) drained_.reset();
}

}  // namespace baton::http
