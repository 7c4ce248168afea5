#include "baton/http/reply.h"

#include <stdexcept>
#include <utility>

#include "http/exchange.h"

namespace baton::http {

Reply::Reply(std::shared_ptr<Exchange> exchange) noexcept : exchange_(std::move(exchange)) {}
Reply::Reply(Reply&&) noexcept = default;
Reply& Reply::operator=(Reply&& other) noexcept {
  if (this != &other) {
    if (exchange_) exchange_->drop();
    exchange_ = std::move(other.exchange_);
  }
  return *this;
}
Reply::~Reply() {
  if (exchange_) exchange_->drop();
}

Exchange& Reply::exchange() const {
  if (!exchange_) throw std::logic_error("there is no reply: it was moved away");
  return *exchange_;
}

Loop& Reply::loop() const { return exchange().loop(); }
int Reply::status() const { return exchange().head().status(); }
bool Reply::ok() const { return status() >= 200 && status() < 300; }
std::string_view Reply::reason() const { return exchange().head().reason(); }
Headers Reply::headers() const { return exchange().head().headers(); }
std::optional<std::string_view> Reply::header(std::string_view name) const { return headers().find(name); }
Op<std::optional<std::string>> Reply::next_data() { return exchange().next_data(); }
Op<std::string> Reply::body(std::size_t limit) { return exchange().body(limit); }
Headers Reply::trailers() const { return exchange().trailers(); }

}  // namespace baton::http
