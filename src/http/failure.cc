// What a program's function throws ends its own request.
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/thrown.h"
#include "baton/http/refusal.h"
#include "http/connection.h"
#include "http/server_core.h"

namespace baton::http {

Refusal::Refusal(int status, const std::string& text) : std::runtime_error(text), status_(status) {
  if (status < 400 || status > 599) {
    throw std::invalid_argument("not the status of a refusal: " + std::to_string(status));
  }
}

namespace {

std::optional<Refusal> refusal_in(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Refusal& refusal) {
    return refusal;
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace

void Connection::ask(std::shared_ptr<Handler> handler) {
  const std::size_t exchange = requests_;
  try {
    auto task = (*handler)(request_, response_);
    if (!task) return;
    baton::start(loop_, std::move(*task),
                 [self = shared_from_this(), kept = std::move(handler),
                  exchange](const std::exception_ptr& thrown) { self->fail(exchange, thrown, true); });
  } catch (...) {
    fail(exchange, std::current_exception(), true);
  }
}

void Connection::give_to(const std::shared_ptr<UpgradeHandler>& handler, std::shared_ptr<ServerCore> core,
                         net::Socket socket, std::string rest) {
  auto failed = [self = shared_from_this(), handler, core = std::move(core),
                 what = operation(requests_)](const std::exception_ptr& thrown) {
    tell(self->loop_, core.get(), thrown_by(what, thrown), thrown);
  };
  // It is over for this connection; its head stays, as nothing more is read.
  request_ended_ = true;
  phase_ = Phase::none;
  try {
    auto task = (*handler)(request_, std::move(socket), std::move(rest));
    if (task) baton::start(loop_, std::move(*task), std::move(failed));
  } catch (...) {
    failed(std::current_exception());
  }
}

std::string Connection::operation(std::size_t exchange) const {
  // Between two requests there is no head.
  if (requests_ != exchange || phase_ == Phase::none) return "answer a request";
  return "answer " + std::string(parser_.head().method()) + " " + std::string(parser_.head().target());
}

void Connection::fail(std::size_t exchange, const std::exception_ptr& exception, bool by_handler) {
  const auto self = shared_from_this();
  const auto refusal = refusal_in(exception);
  const bool is_open = requests_ == exchange && phase_ == Phase::open;
  if (refusal && is_open && !head_sent_) return answer_refusal(*refusal, by_handler);
  const auto core = home_.lock();
  const Error error = thrown_by(operation(exchange), exception);
  const bool cut = requests_ == exchange && phase_ == Phase::cut;
  const bool client_left = cut && (error.code() == make_error_code(Errc::disconnected) ||
                                   error.code() == make_error_code(Errc::cancelled));
  const bool nobody_asks = cut && refusal;
  if (!nobody_asks && (!client_left || (core && core->reports()))) tell(loop_, core.get(), error, exception);
  if (requests_ != exchange) return;
  if (phase_ == Phase::open) refuse(500);
  // Nobody has to end it any more; who has kept a reference may still try.
  if (phase_ != Phase::cut) return;
  phase_ = Phase::failed;
  for (std::string* text : {&held_, &out_, &gathered_}) std::string().swap(*text);
  loop_.let_go(this);
  loop_.remember(self, sizeof *this + parser_.head().bytes());
}

void Connection::answer_refusal(const Refusal& refusal, bool by_handler) {
  head_.clear();
  head_.status(refusal.status());
  head_.set("Content-Type", "text/plain; charset=utf-8");
  // The handler may still be at work, and must not meet the next request.
  if (!by_handler) close_after_ = true;
  end_response(std::string(refusal.what()) + "\n");
}

void Connection::tell(Loop& loop, ServerCore* core, const Error& error, const std::exception_ptr& exception) {
  if (core != nullptr && core->reports()) return core->report(error);
  loop.contained(exception, error);
}

}  // namespace baton::http
