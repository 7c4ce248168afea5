#include "http/connection.h"

#include <sys/socket.h>

#include <utility>

#include "http/body_wait.h"
#include "http/break_off.h"
#include "http/file_body.h"
#include "http/server_core.h"

namespace baton::http {
namespace {

// How long without a byte, how long in all, and for how many bytes a client that was told goodbye may go on
// sending. Closing before it has finished would make the kernel reset the connection, and the client might
// never read what we said last.
constexpr auto linger_idle = std::chrono::seconds(2);
constexpr auto linger_time = std::chrono::seconds(30);
constexpr std::uint64_t linger_limit = std::uint64_t{64} << 20;

// The sweep may come between a request's arrival and its being read.
bool input_waits(int descriptor) {
  char byte = 0;
  return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerCore> core, net::Socket socket, std::size_t place)
    : loop_(core->loop()),
      core_(std::move(core)),
      home_(core_),
      socket_(std::move(socket)),
      place_(place),
      parser_(core_->options().max_header_size(), core_->most_headers()),
      since_(loop_.now()) {}

Connection::~Connection() = default;

void Connection::start() {
  socket_.on_data([this](std::string_view bytes) { on_data(bytes); });
  socket_.on_end([this] { on_input_end(); });
  socket_.on_drain([this] { on_output_drained(); });
  socket_.on_close([this] { on_closed(); });
  socket_.on_broken([this] { on_closed(); });
}

void Connection::count_in(const AddressCounts::Entry* entry) {
  counted_in_ = entry;
  if (!entry) refuse(503);
}

void Connection::on_data(std::string_view bytes) {
  const auto self = shared_from_this();
  if (!lingering_) return take(bytes);
  discarded_ += bytes.size();
  since_ = loop_.now();
  if (discarded_ > linger_limit) leave();
}

void Connection::on_input_end() {
  const auto self = shared_from_this();
  input_ended_ = true;
  if (!lingering_ && held_.empty()) input_is_over();
}

void Connection::on_output_drained() {
  const auto self = shared_from_this();
  writable_ = true;
  if (drained_) std::exchange(drained_, std::nullopt)->resolve({});
  if (phase_ == Phase::open && head_sent_) on_drain_.fire(*this);
  proceed();
}

void Connection::on_closed() { leave(); }

// Whatever comes is worked off at once, so that the answers to what came together leave together.
void Connection::take(std::string_view input) {
  taking_ = true;
  while (step(input)) advance();
  taking_ = false;
  give_piece();
  if (!core_ || lingering_) return;
  flush_through();
  keep(input);
  if (input_ended_ && held_.empty()) input_is_over();
}

// One event of the parser. False when there is nothing more to do with `input` for now.
bool Connection::step(std::string_view& input) {
  if (!core_ || lingering_ || must_wait()) return false;
  const bool idle = phase_ == Phase::none && parser_.idle();
  if (idle && input.empty()) return false;
  const auto event = parser_.feed(input);
  // A connection's first request has its time from the beginning of the connection.
  if (idle && requests_ > 0 && !parser_.idle()) since_ = loop_.now();
  switch (event) {
    case RequestParser::Event::need_more:
      return false;
    case RequestParser::Event::head:
      begin_exchange(input);
      return true;
    case RequestParser::Event::body:
      deliver(parser_.body());
      return true;
    case RequestParser::Event::end:
      end_request(!input.empty());
      return true;
    case RequestParser::Event::failure:
      refuse(parser_.status());
      return false;
  }
  return false;
}

bool Connection::must_wait() const noexcept {
  if (waits_for_turn_) return true;
  switch (phase_) {
    case Phase::none:
      return !writable_;
    case Phase::open:
      return request_ended_ || request_paused_ || (has_body_ && !consumes_ && !piece_wanted());
    case Phase::sending:
      return request_ended_;
    case Phase::answered:
      return false;
    case Phase::cut:
    case Phase::failed:
      return true;
  }
  return true;
}

// While a response is open we go on reading, since that is how a client's disappearance is noticed; but no
// further than to the next bytes that have to wait.
void Connection::keep(std::string_view input) {
  held_.assign(input);
  if (reading_paused_ == !held_.empty()) return;
  reading_paused_ = !reading_paused_;
  if (reading_paused_) {
    socket_.pause();
  } else {
    socket_.resume();
  }
}

void Connection::begin_exchange(std::string_view rest) {
  const RequestHead& head = parser_.head();
  const std::uint64_t length = head.content_length().value_or(0);
  phase_ = Phase::open;
  ++requests_;
  has_body_ = head.chunked() || length > 0;
  body_size_ = 0;
  pipelined_ = !head.chunked() && rest.size() > length;
  const auto core = core_;
  const std::uint64_t longest = core->options().max_body_size();
  if (longest > 0 && length > longest) return answer_unhandled(413);
  if (head.upgrade() || head.method() == "CONNECT") {
    if (hand_over(rest)) return;
  }
  if (head.expectation() == Expectation::none) return ask(core->handler());
  if (head.expectation() == Expectation::other) {
    return core->check_expectation() ? ask(core->check_expectation()) : answer_unhandled(417);
  }
  awaits_continue_ = true;
  if (core->check_continue()) return ask(core->check_continue());
  say_continue();
  ask(core->handler());
}

// Whether the body follows is the client's secret.
void Connection::answer_unhandled(int status) {
  close_after_ = has_body_;
  head_.status(status);
  end_response({});
}

// The connection leaves HTTP, if there is somebody who takes it.
bool Connection::hand_over(std::string_view rest) {
  const auto core = core_;
  const auto hook = parser_.head().upgrade() ? core->upgrade_hook() : core->connect_hook();
  if (!hook || input_ended_) return false;
  const auto self = shared_from_this();
  flush_through();
  core_ = nullptr;
  net::Socket socket = std::exchange(socket_, {});
  socket.forget_callbacks();
  core->remove(*this);
  give_to(hook, core, std::move(socket), std::string(rest));
  return true;
}

void Connection::deliver(std::string_view bytes) {
  body_size_ += bytes.size();
  if (const std::uint64_t longest = core_->options().max_body_size(); longest > 0 && body_size_ > longest) {
    fail_body(Error(make_error_code(Errc::message_too_large), "read the body of a request"));
    return refuse(413);
  }
  if (phase_ != Phase::open) return;
  if (piece_wanted()) {
    gathered_ += bytes;
    return;
  }
  if (!body_) return on_data_.fire(*this, bytes);
  if (bytes.size() <= body_->limit - body_->text.size()) {
    body_->text += bytes;
    return;
  }
  close_after_ = true;
  fail_body(Error(make_error_code(Errc::message_too_large), "read the body of a request"));
}

// However small the chunks were that came together, they are one.
void Connection::give_piece() {
  if (piece_ && !gathered_.empty()) {
    std::exchange(piece_, std::nullopt)->resolve(std::exchange(gathered_, {}));
  }
}

void Connection::end_request(bool more_input) {
  request_ended_ = true;
  pipelined_ = more_input;
  if (phase_ != Phase::open) return;
  if (body_) {
    const auto body = std::move(body_);
    body->promise.resolve(std::move(body->text));
  } else if (piece_wanted()) {
    give_piece();
    if (piece_) std::exchange(piece_, std::nullopt)->resolve(std::nullopt);
  } else {
    on_end_.fire_once(*this);
  }
}

// What the end of a response leads to.
void Connection::advance() {
  if (phase_ != Phase::answered || !core_) return;
  if (close_after_) {
    if (is_last_word()) return leave();
    close_gently();
  } else if (request_ended_) {
    end_exchange();
  }
}

// Whether nothing more comes from this client, and it has been sent everything: then there is no input whose
// being unread could cost it the response, and no reason to wait for its end.
bool Connection::is_last_word() {
  if (parser_.head().keep_alive() || has_body_ || pipelined_ || !held_.empty()) return false;
  flush_through();
  return socket_ && socket_.queued() == 0;
}

void Connection::proceed() {
  proceeding_ = false;
  if (!core_ || taking_) return;
  advance();
  if (lingering_) return;
  const std::string input = std::exchange(held_, {});
  take(input);
}

void Connection::proceed_later() {
  if (proceeding_ || taking_) return;
  proceeding_ = true;
  loop_.defer([self = shared_from_this()] { self->proceed(); });
}

// What the kernel has may still reach the client; what waits here would keep the descriptor open.
void Connection::abandon() {
  flush();
  ::shutdown(socket_.descriptor(), SHUT_RDWR);
  leave();
}

void Connection::go_on() {
  requests_of_turn_ = 0;
  waits_for_turn_ = false;
  proceed();
}

std::chrono::milliseconds Connection::waiting_since() const noexcept {
  return phase_ == Phase::open ? std::chrono::milliseconds::max() : since_;
}

void Connection::end_exchange() {
  phase_ = Phase::none;
  since_ = loop_.now();
  head_.clear();
  forget_body_waits();
  body_error_.reset();
  gone_.reset();
  if (on_data_) on_data_.clear();
  if (on_end_) on_end_.clear();
  if (on_drain_) on_drain_.clear();
  if (on_close_) on_close_.clear();
  request_ended_ = consumes_ = request_paused_ = head_sent_ = close_after_ = awaits_continue_ = false;
  const std::size_t most = core_ ? core_->options().max_requests_per_turn() : 0;
  if (most == 0 || ++requests_of_turn_ < most) return;
  waits_for_turn_ = true;
  core_->next_turn(shared_from_this());
}

// The client has finished its direction, and all that it sent was looked at.
void Connection::input_is_over() {
  if (phase_ == Phase::none) return parser_.idle() ? close_gently() : refuse(400);
  if (request_ended_ || parser_.whole()) return;  // it may still want the response
  return phase_ == Phase::answered ? close_gently() : refuse(400);
}

// Ends the connection because of what the client did, and tells it if that is still possible.
void Connection::refuse(int status) {
  if (phase_ == Phase::open && head_sent_) return leave();
  if (phase_ == Phase::sending) {
    // What is on its way is still right; nothing comes after it.
    request_ended_ = close_after_ = true;
    return;
  }
  if (phase_ != Phase::answered) out_ += closing_response(status);
  close_gently();
  cut_exchange();
}

void Connection::cut_exchange() {
  if (phase_ != Phase::open) return;
  phase_ = Phase::cut;
  loop_.keep(shared_from_this());
  if (gone_) gone_->request_stop();
  fail_body(Error(make_error_code(Errc::disconnected), "read the body of a request"));
  if (drained_) {
    std::exchange(drained_, std::nullopt)
        ->resolve(failure(Errc::disconnected, "write the body of a response"));
  }
  on_data_.clear();
  on_end_.clear();
  on_drain_.clear();
  on_close_.fire_once(*this);
}

void Connection::close_gently() {
  if (phase_ == Phase::answered) end_exchange();
  flush_through();
  lingering_ = true;
  since_ = linger_since_ = loop_.now();
  keep({});
  socket_.end();
}

// The connection is over.
void Connection::leave() {
  if (!core_) return;
  const auto self = shared_from_this();
  const auto core = std::exchange(core_, nullptr);
  file_.reset();
  // An orderly end would be that of the body.
  const bool truncated = phase_ == Phase::open && head_sent_ && framing_ == Framing::Kind::until_close;
  if (truncated && socket_) break_off(socket_.descriptor());
  socket_.close();
  core->remove(*this);
  cut_exchange();
}

void Connection::give_up() {
  flush();
  socket_.end();
  leave();
}

void Connection::drop() noexcept {
  on_close_.clear();
  if (core_->options().replace_oldest()) return abandon();
  give_up();
}

void Connection::check(std::chrono::milliseconds now) {
  const Options& options = core_->options();
  const auto over = [now](std::chrono::milliseconds limit, std::chrono::milliseconds since) {
    return limit.count() > 0 && now - since >= limit;
  };
  const bool queued = socket_.queued() > 0 || file_;
  if (const std::uint64_t sent = queued_ever_ - socket_.queued(); !queued || sent != seen_sent_) {
    seen_sent_ = sent;
    sent_since_ = now;
  } else if (over(options.send_timeout(), sent_since_)) {
    return abandon();
  }
  // The client's time begins when it has been answered.
  if (queued && (lingering_ || (phase_ == Phase::none && parser_.idle()))) {
    since_ = linger_since_ = now;
  } else if (lingering_) {
    if (over(linger_idle, since_) || over(linger_time, linger_since_)) leave();
  } else if (phase_ != Phase::none) {
    if (!request_ended_ && over(options.request_timeout(), since_)) refuse(408);
  } else if (parser_.idle() && requests_ > 0) {
    if (over(core_->idle_limit(), since_) && !input_waits(socket_.descriptor())) close_gently();
  } else if (over(options.headers_timeout(), since_) || over(options.request_timeout(), since_)) {
    refuse(408);
  }
}

}  // namespace baton::http
