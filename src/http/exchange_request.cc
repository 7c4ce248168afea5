// What a client sends.
#include <stdexcept>
#include <utility>

#include "base/thrown.h"
#include "baton/loop/handler.h"
#include "baton/net/name.h"
#include "http/exchange.h"
#include "http/field_lines.h"
#include "http/response_head.h"

namespace baton::http {
namespace {

// A body of up to so many bytes is joined with the head: one packet.
constexpr std::size_t small = std::size_t{16} << 10;
// A larger one goes in pieces of so many.
constexpr std::size_t large_piece = std::size_t{256} << 10;

}  // namespace

void Exchange::wait_for_place() {
  const auto time = core_->options().headers_timeout();
  if (timer_.active() || time.count() == 0) return;
  timer_ = Timer(loop_, time, [this] {
    const auto self = shared_from_this();
    core_->forget(*this);
    fail(make_error_code(Errc::timed_out), "wait for a connection");
  });
}

void Exchange::connect() {
  has_place_ = true;
  timer_.stop();
  const auto& options = core_->options();
  auto op =
      options_.place_ ? net::connect(loop_, *options_.place_) : net::connect(loop_, url_.host(), url_.port());
  if (options.connect_timeout().count() > 0) op = std::move(op).within(options.connect_timeout());
  std::move(op)
      .cancel_on(connecting_.get_token())
      .then([self = shared_from_this()](Result<net::Socket> made) {
        if (self->phase_ != Phase::waiting) return;
        if (made) return self->use(std::move(*made));
        const Error& error = made.error();
        self->fail(error.code(),
                   error.step().empty() ? error.operation() : error.operation() + ": " + error.step());
      });
}

void Exchange::use_again(net::Socket socket) {
  has_place_ = reused_ = true;
  use(std::move(socket));
}

void Exchange::use(net::Socket socket) {
  phase_ = Phase::asked;
  sent_ = false;
  socket_ = std::move(socket);
  const auto& options = core_->options();
  parser_.emplace(options_.method_ == "HEAD", options.max_header_size(), options.max_headers_count());
  socket_.on_error([this](const Error& error) {
    error_.emplace(make_error_code(Errc::disconnected), what_,
                   std::string("read the answer: ") + error.what());
  });
  socket_.on_close([this] {
    const auto self = shared_from_this();
    connection_ended();
  });
  try {
    socket_.on_data([this](std::string_view bytes) {
      const auto self = shared_from_this();
      take(bytes);
    });
    socket_.on_end([this] {
      const auto self = shared_from_this();
      ended_ = true;
      run(std::exchange(held_, {}));
    });
  } catch (const Error& error) {
    return fail(error.code(), error.what());
  }
  wait_at_most(options.headers_timeout(), "wait for the head of the answer");

  std::string head = request_head();
  if (!options_.source_ && options_.body_.size() <= small) {
    socket_.write(head += options_.body_);
    sent_ = true;
    return;
  }
  socket_.write(std::move(head));
  upload_later();
}

std::string Exchange::request_head() const {
  std::string head = options_.method_;
  head.append(" ").append(options_.target_.empty() ? url_.target() : options_.target_);
  head.append(" HTTP/1.1\r\n");
  if (!has_field(options_.lines_, "host")) append_field(head, "Host", url_.authority());
  head += options_.lines_;
  head += core_->keeps() ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  if (options_.length_) {
    head += "Content-Length: ";
    append_number(head, *options_.length_);
    head += "\r\n";
  } else if (options_.source_) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (options_.method_ == "POST" || options_.method_ == "PUT" || options_.method_ == "PATCH") {
    head += "Content-Length: 0\r\n";
  }
  return head += "\r\n";
}

// Not within the call that asked for it: the source is the program's.
void Exchange::upload_later() {
  length_left_ = options_.length_.value_or(0);
  loop_.defer([self = shared_from_this(), attempt = tries_] {
    if (!self->sends(attempt)) return;
    start(self->loop_, self->upload(), [self, attempt](const std::exception_ptr& thrown) {
      if (self->tries_ == attempt) self->fail(thrown_by(self->what_, thrown));
    });
  });
}

Task<> Exchange::upload() {
  const auto self = shared_from_this();
  const unsigned attempt = tries_;
  std::size_t sent = 0;
  while (const std::optional<std::string> piece = co_await next_piece(sent)) {
    if (!sends(attempt)) co_return;
    if (piece->empty()) continue;
    write_piece(*piece);
    // If it breaks, the socket tells.
    try {
      co_await socket_.flushed();
    } catch (const Error&) {
      co_return;
    }
    if (!sends(attempt)) co_return;
    if (phase_ == Phase::asked) timer_.restart();
  }
  if (!sends(attempt)) co_return;
  if (!options_.length_) {
    socket_.write("0\r\n\r\n");
  } else if (length_left_ > 0) {
    throw std::logic_error("the body is shorter than its length");
  }
  sent_ = true;
}

Task<std::optional<std::string>> Exchange::next_piece(std::size_t& sent) {
  if (options_.source_) co_return co_await options_.source_();
  if (sent == options_.body_.size()) co_return std::nullopt;
  std::string piece = options_.body_.substr(sent, large_piece);
  sent += piece.size();
  co_return piece;
}

void Exchange::write_piece(std::string_view piece) {
  if (options_.length_) {
    if (piece.size() > length_left_) throw std::logic_error("the body is longer than its length");
    length_left_ -= piece.size();
    socket_.write(piece);
    return;
  }
  std::string chunk;
  append_chunk(chunk, piece);
  socket_.write(std::move(chunk));
}

}  // namespace baton::http
