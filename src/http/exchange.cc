#include "http/exchange.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "http/break_off.h"
#include "http/syntax.h"

namespace baton::http {
namespace {

constexpr std::array<std::string_view, 7> repeatable = {"GET",     "HEAD",  "PUT",  "DELETE",
                                                        "OPTIONS", "TRACE", "QUERY"};

std::string origin_of(const Url& url, const std::optional<net::Endpoint>& place) {
  return place ? "unix:" + place->path() : url.host() + " " + std::to_string(url.port());
}

}  // namespace

Exchange::Exchange(std::shared_ptr<ClientCore> core, std::string what, Url url, FetchOptions options)
    : loop_(core->loop()),
      core_(std::move(core)),
      what_(std::move(what)),
      url_(std::move(url)),
      options_(std::move(options)),
      origin_(origin_of(url_, options_.place_)),
      number_(core_->number()),
      promise_(std::in_place, loop_, what_) {}

Op<Reply> Exchange::begin() {
  auto op = promise_->op();
  loop_.keep(shared_from_this());
  promise_->on_given_up([weak = weak_from_this()](bool) {
    if (const auto self = weak.lock()) self->give_up();
  });
  core_->want(shared_from_this());
  return op;
}

bool Exchange::wanted() const noexcept {
  return (body_ && body_->promise.wanted()) || (piece_ && piece_->wanted());
}

bool Exchange::may_be_repeated() const noexcept {
  return reused_ && phase_ == Phase::asked && !parser_->began() && !options_.source_ &&
         std::ranges::find(repeatable, options_.method_) != repeatable.end();
}

Headers Exchange::trailers() const noexcept {
  return phase_ == Phase::whole ? parser_->head().trailers() : Headers();
}

void Exchange::take(std::string_view input) {
  if (phase_ == Phase::body) timer_.restart();
  if (held_.empty()) return run(input);
  const std::string joined = std::exchange(held_, {}).append(input);
  run(joined);
}

void Exchange::run(std::string_view input) {
  running_ = true;
  while (step(input)) {
  }
  running_ = false;
  if (over()) return;
  give_piece();
  if (nobody_wants_ && !wanted())
    return fail(make_error_code(Errc::cancelled), "read the body of the answer");
  hold(input);
}

// However small the chunks were that came together, they are one.
void Exchange::give_piece() {
  if (piece_ && !gathered_.empty()) {
    std::exchange(piece_, std::nullopt)->resolve(std::exchange(gathered_, {}));
  }
}

// One event of the parser. False when there is nothing more to do with `input` for now.
bool Exchange::step(std::string_view& input) {
  if (over() || !parser_) return false;
  if (phase_ == Phase::body && !wanted() && !nobody_wants_ && !parser_->whole()) {
    if (!input.empty() || !ended_) return false;
  }
  auto event = parser_->feed(input);
  if (event == ReplyParser::Event::need_more) {
    if (!ended_) return false;
    if (error_ || may_be_repeated()) {
      connection_ended();
      return false;
    }
    event = parser_->finish();
  }
  switch (event) {
    case ReplyParser::Event::need_more:
      return false;
    case ReplyParser::Event::head:
      give_reply();
      return true;
    case ReplyParser::Event::body:
      deliver(parser_->body());
      return true;
    case ReplyParser::Event::end:
      finish(!input.empty());
      return false;
    case ReplyParser::Event::failure:
      fail(make_error_code(parser_->why()), "read the answer: " + std::string(parser_->reason()));
      return false;
  }
  return false;
}

// Reading goes on for the head, and while somebody wants the body.
void Exchange::hold(std::string_view input) {
  held_.assign(input);
  if (ended_ || !socket_) return;
  if (phase_ == Phase::body && !wanted()) {
    timer_.stop();
    socket_.pause();
  } else {
    socket_.resume();
  }
}

void Exchange::go_on_later() {
  wait_at_most(core_->options().body_timeout(), "wait for the body of the answer");
  if (std::exchange(going_on_, true)) return;
  loop_.defer([self = shared_from_this()] {
    self->going_on_ = false;
    const std::string input = std::exchange(self->held_, {});
    self->run(input);
  });
}

void Exchange::give_reply() {
  phase_ = Phase::body;
  timer_.stop();
  Promise<Reply> promise = std::move(*promise_);
  promise_.reset();
  loop_.let_go(this);
  // If nobody takes it any more it is dropped here.
  promise.resolve(Reply(shared_from_this()));
}

Op<std::optional<std::string>> Exchange::next_data() {
  if (wanted()) throw std::logic_error("somebody waits for the body of this answer before");
  Promise<std::optional<std::string>> promise(loop_, what_ + ": the body");
  auto op = promise.op();
  if (phase_ == Phase::body) {
    promise.on_given_up([weak = weak_from_this()](bool) {
      const auto self = weak.lock();
      if (self && self->nobody_wants_ && !self->wanted()) self->drop();
    });
    piece_.emplace(std::move(promise));
    go_on_later();
  } else if (phase_ == Phase::whole) {
    promise.resolve(std::nullopt);
  } else {
    promise.resolve(std::unexpected(*error_));
  }
  return op;
}

Op<std::string> Exchange::body(std::size_t limit) {
  if (wanted()) throw std::logic_error("somebody waits for the body of this answer before");
  auto wait = std::make_unique<BodyWait>(loop_, what_ + ": the body", limit);
  auto op = wait->promise.op();
  if (phase_ == Phase::body) {
    wait->promise.on_given_up([weak = weak_from_this()](bool) {
      if (const auto self = weak.lock())
        self->fail(make_error_code(Errc::cancelled), "read the body of the answer");
    });
    body_ = std::move(wait);
    go_on_later();
  } else if (phase_ == Phase::whole) {
    wait->promise.resolve(std::string());
  } else {
    wait->promise.resolve(std::unexpected(*error_));
  }
  return op;
}

void Exchange::deliver(std::string_view bytes) {
  if (piece_ && piece_->wanted()) {
    gathered_ += bytes;
  } else if (body_) {
    if (bytes.size() > body_->limit - body_->text.size()) {
      return fail(make_error_code(Errc::message_too_large), "read the body of the answer");
    }
    body_->text += bytes;
  }
}

void Exchange::finish(bool more_input) {
  phase_ = Phase::whole;
  leave(parser_->head().keep_alive() && sent_ && !more_input && !ended_ && socket_.queued() == 0);
  settle_waits();
}

void Exchange::fail(const Error& error) {
  if (over()) return;
  phase_ = Phase::failed;
  error_ = error;
  leave(false);
  settle_waits();
}

// Whoever still waits is told.
void Exchange::settle_waits() {
  timer_.stop();
  const auto self = shared_from_this();
  loop_.let_go(this);
  if (promise_) {
    auto promise = std::exchange(promise_, std::nullopt);
    promise->resolve(std::unexpected(*error_));
  }
  give_piece();
  const auto body = std::move(body_);
  auto piece = std::exchange(piece_, std::nullopt);
  if (phase_ == Phase::failed) {
    if (body) body->promise.resolve(std::unexpected(*error_));
    if (piece) piece->resolve(std::unexpected(*error_));
  } else {
    if (body) body->promise.resolve(std::move(body->text));
    if (piece) piece->resolve(std::nullopt);
  }
}

// The kernel has no connection any more; what came before may still be wanted.
void Exchange::connection_ended() {
  if (over()) return;
  if (may_be_repeated()) {
    phase_ = Phase::waiting;
    error_.reset();
    reused_ = ended_ = false;
    // What still sends the request ends.
    ++tries_;
    timer_.stop();
    std::exchange(socket_, {}).close();
    return connect();
  }
  if (!ended_ && parser_) {
    ended_ = true;
    const std::string input = std::exchange(held_, {});
    return run(input);
  }
  // Somebody may still ask for what has come.
  if (!held_.empty()) return;
  const Error error = error_.value_or(Error(make_error_code(Errc::disconnected), what_, "read the answer"));
  fail(error);
}

void Exchange::drop() {
  if (over()) return;
  const auto self = shared_from_this();
  nobody_wants_ = true;
  if (wanted()) return loop_.keep(self);
  // The rest may be here already: then the connection is good for more.
  if (!running_) run(std::exchange(held_, {}));
}

// Whoever waited for the head has gone.
void Exchange::give_up() {
  if (over()) return;
  const auto self = shared_from_this();
  if (phase_ == Phase::waiting && !has_place_) core_->forget(*this);
  connecting_.request_stop();
  fail(make_error_code(Errc::cancelled), {});
}

void Exchange::leave(bool reusable) {
  if (!std::exchange(has_place_, false)) return;
  net::Socket socket = std::exchange(socket_, {});
  reusable = reusable && core_->keeps();
  const auto time = reusable ? idle_time() : std::chrono::milliseconds(0);
  if (!reusable || time.count() <= 0) {
    // A server takes an orderly end for that of our direction, and goes on answering.
    if (socket && phase_ == Phase::failed) break_off(socket.descriptor());
    socket.close();
    return core_->gone(origin_);
  }
  socket.forget_callbacks();
  core_->keep(origin_, std::move(socket), time);
}

void Exchange::wait_at_most(std::chrono::milliseconds time, std::string_view step) {
  if (time.count() == 0) return timer_.stop();
  timer_ = Timer(loop_, time, [this, step] {
    const auto self = shared_from_this();
    if (phase_ == Phase::body && !wanted() && !nobody_wants_) return;
    fail(make_error_code(Errc::timed_out), step);
  });
}

std::chrono::milliseconds Exchange::idle_time() const {
  const auto ours = core_->options().keep_alive_timeout();
  const auto hint = parser_->head().headers().find("keep-alive");
  if (!hint) return ours;
  constexpr std::string_view name = "timeout=";
  const std::size_t at = hint->find(name);
  if (at == hint->npos) return ours;
  const std::string_view digits = hint->substr(at + name.size());
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error != std::errc()) return ours;
  return std::min<std::chrono::milliseconds>(ours, std::chrono::seconds(seconds) - std::chrono::seconds(1));
}

}  // namespace baton::http
