#include "baton/http/response.h"

#include <stdexcept>
#include <utility>

#include "http/body_wait.h"
#include "http/connection.h"
#include "http/server_core.h"

namespace baton::http {
namespace {

// Bytes from here on are not joined with others first: one copy less.
constexpr std::size_t large = std::size_t{16} << 10;
constexpr std::size_t out_limit = std::size_t{32} << 10;

}  // namespace

Response& Response::status(int status) {
  if (connection_.may_change_head()) connection_.head_.status(status);
  return *this;
}
Response& Response::header(std::string_view name, std::string_view value) {
  if (connection_.may_change_head()) connection_.head_.set(name, value);
  return *this;
}
Response& Response::add_header(std::string_view name, std::string_view value) {
  if (connection_.may_change_head()) connection_.head_.add(name, value);
  return *this;
}
bool Response::write(std::string_view bytes) { return connection_.write_response(bytes); }
void Response::write_continue() {
  if (connection_.may_change_head()) connection_.say_continue();
}
Response& Response::trailer(std::string_view name, std::string_view value) {
  connection_.add_trailer(name, value);
  return *this;
}
void Response::end() { connection_.end_response({}); }
void Response::end(std::string_view bytes) { connection_.end_response(bytes); }
Result<void> Response::end_file(const std::string& path, std::uint64_t offset, std::uint64_t length) {
  return connection_.end_with_file(path, offset, length);
}
Op<> Response::drained() { return connection_.drained(); }
std::stop_token Response::gone() { return connection_.gone(); }
void Response::on_drain(baton::Handler<> callback) { connection_.on_drain_.set(std::move(callback)); }
void Response::on_close(baton::Handler<> callback) { connection_.on_close_.set(std::move(callback)); }
bool Response::head_sent() const noexcept { return connection_.head_sent_; }
bool Response::ended() const noexcept {
  return connection_.phase_ != Connection::Phase::open && connection_.phase_ != Connection::Phase::cut;
}

// False when nobody will read it.
bool Connection::may_change_head() const {
  if (is_cut()) return false;
  if (phase_ != Phase::open) throw std::logic_error("the response was ended before");
  if (head_sent_) throw std::logic_error("the head of the response went out before");
  return true;
}

bool Connection::write_response(std::string_view bytes) {
  if (is_cut()) return false;
  if (phase_ != Phase::open) throw std::logic_error("write after the end of the response");
  if (!head_sent_) send_head(stream_framing());
  write_body(bytes);
  if (!taking_ || out_.size() >= out_limit) flush();
  return writable_;
}

void Connection::end_response(std::string_view bytes) {
  if (phase_ == Phase::cut) {
    phase_ = Phase::none;
    loop_.defer([self = shared_from_this()] {});
    loop_.let_go(this);
    return;
  }
  if (phase_ != Phase::open) return;
  if (!head_sent_) send_head(whole_framing(bytes.size()));
  write_body(bytes);
  finish_body();
  phase_ = Phase::answered;
  forget_body_waits();
  if (taking_ && out_.size() < out_limit) return;
  flush();
  proceed_later();
}

void Connection::say_continue() {
  if (!std::exchange(awaits_continue_, false) || head_sent_) return;
  out_ += continue_response;
  if (!taking_) flush();
}

void Connection::add_trailer(std::string_view name, std::string_view value) {
  if (is_cut()) return;
  if (phase_ != Phase::open) throw std::logic_error("the response was ended before");
  if (head_.content_length() || (head_sent_ && framing_ == Framing::Kind::length)) {
    throw std::logic_error("a trailer behind a body with a Content-Length");
  }
  head_.add_trailer(name, value);
}

std::stop_token Connection::gone() {
  if (!gone_) {
    gone_.emplace();
    if (is_cut()) gone_->request_stop();
  }
  return gone_->get_token();
}

Op<> Connection::drained() {
  if (drained_ && drained_->wanted()) throw std::logic_error("somebody waits for this response before");
  Promise<> promise(loop_, "write the body of a response");
  auto op = promise.op();
  if (is_cut()) {
    promise.resolve(failure(Errc::disconnected, "write the body of a response"));
  } else if (phase_ != Phase::open || writable_) {
    promise.resolve({});
  } else {
    drained_.emplace(std::move(promise));
  }
  return op;
}

Framing Connection::stream_framing() const noexcept {
  if (!head_.has_body()) return Framing::none();
  if (const auto promised = head_.content_length()) return Framing::length(*promised);
  if (is_head_request()) return Framing::none();
  return parser_.head().version_minor() == 0 ? Framing::until_close() : Framing::chunked();
}

Framing Connection::whole_framing(std::size_t size) const {
  if (!head_.has_body()) return Framing::none();
  const auto promised = head_.content_length();
  if (is_head_request()) {
    // Without a body at hand, its length is not known.
    if (!promised && size == 0) return Framing::none();
    return Framing::length(promised.value_or(size));
  }
  if (promised && *promised != size) throw std::logic_error("the body is not as long as its Content-Length");
  if (!promised && !head_.trailers().empty()) return stream_framing();
  return Framing::length(size);
}

void Connection::send_head(const Framing& framing) {
  const Options& options = core_->options();
  const std::size_t most = options.max_requests_per_socket();
  const bool enough = most > 0 && requests_ >= most;
  // What a client sent together is answered together.
  const bool over = enough || (core_->draining() && !pipelined_);
  framing_ = framing.kind();
  body_left_ = framing.size();
  silent_ = !head_.has_body() || is_head_request();
  // A client that waits to be asked for its body may send it or not.
  close_after_ = close_after_ || over || (awaits_continue_ && has_body_) || !parser_.head().keep_alive() ||
                 head_.asks_to_close() || framing_ == Framing::Kind::until_close;
  const auto seconds = close_after_ ? std::nullopt : std::optional(core_->keep_alive_seconds());
  head_.write(out_, framing, seconds, core_->date_line());
  head_sent_ = true;
}

void Connection::write_body(std::string_view bytes) {
  if (silent_ || bytes.empty()) return;
  if (framing_ == Framing::Kind::length) {
    if (bytes.size() > body_left_) throw std::logic_error("the body is longer than its Content-Length");
    body_left_ -= bytes.size();
  }
  if (bytes.size() < large) {
    if (framing_ != Framing::Kind::chunked) {
      out_ += bytes;
    } else {
      append_chunk(out_, bytes);
    }
    return;
  }
  if (framing_ == Framing::Kind::chunked) append_chunk_size(out_, bytes.size());
  flush();
  queued_ever_ += bytes.size();
  writable_ = socket_.write(bytes);
  if (framing_ == Framing::Kind::chunked) out_ += "\r\n";
}

void Connection::finish_body() {
  if (silent_) return;
  if (framing_ == Framing::Kind::chunked) append_last_chunk(out_, head_.trailers());
  if (framing_ != Framing::Kind::length || body_left_ == 0) return;
  phase_ = Phase::none;
  leave();
  throw std::logic_error("the body is shorter than its Content-Length");
}

void Connection::flush() {
  if (out_.empty() || !core_) return;
  queued_ever_ += out_.size();
  writable_ = socket_.write(std::string_view(out_));
  out_.clear();
}

void Connection::flush_through() {
  if (out_.empty() || !core_) return;
  queued_ever_ += out_.size();
  writable_ = socket_.write_through(out_);
  out_.clear();
}

}  // namespace baton::http
