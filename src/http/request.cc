#include "baton/http/request.h"

#include <stdexcept>
#include <utility>

#include "http/body_wait.h"
#include "http/connection.h"

namespace baton::http {

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

void Request::on_data(std::move_only_function<void(std::string_view)> callback) {
  connection_.on_data_.set(std::move(callback));
  connection_.consume();
}

void Request::on_end(Callback callback) {
  connection_.on_end_.set(std::move(callback));
  connection_.consume();
}

Op<std::string> Request::body(std::size_t limit) { return connection_.collect(limit); }

void Request::body(std::size_t limit, std::move_only_function<void(Result<std::string>)> callback) {
  body(limit).then(std::move(callback));
}

void Request::pause() { connection_.request_paused_ = true; }
void Request::resume() {
  connection_.request_paused_ = false;
  connection_.proceed_later();
}

// Somebody asked for the body: what waited comes, later.
void Connection::consume() {
  consumes_ = true;
  if (phase_ != Phase::open) return;
  if (!request_ended_) return proceed_later();
  loop_.defer([self = shared_from_this(), request = requests_] {
    if (self->phase_ == Phase::open && self->requests_ == request) self->on_end_.fire_once();
  });
}

Op<std::string> Connection::collect(std::size_t limit) {
  if (body_) throw std::logic_error("the body of this request was asked for before");
  auto wait = std::make_unique<BodyWait>(loop_, limit);
  auto op = wait->promise.op();
  if (phase_ != Phase::open) {
    wait->promise.resolve(
        failure(phase_ == Phase::cut ? Errc::disconnected : Errc::cancelled, "read the body of a request"));
  } else if (request_ended_) {
    // There was none: a body waits until somebody asks for it.
    wait->promise.resolve(std::string());
  } else {
    body_ = std::move(wait);
    consumes_ = true;
    proceed_later();
  }
  return op;
}

void Connection::fail_body(Error error) {
  if (const auto body = std::move(body_)) body->promise.resolve(std::unexpected(std::move(error)));
}

}  // namespace baton::http
