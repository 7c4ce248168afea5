#include "baton/http/client.h"

#include <stdexcept>
#include <utility>

#include "http/client_core.h"
#include "http/exchange.h"
#include "http/url.h"

namespace baton::http {
namespace {

Op<Reply> fetch_by(const std::shared_ptr<ClientCore>& core, std::string_view text, FetchOptions options) {
  std::string what = "fetch " + shown(text);
  auto url = Url::parse(text, what);
  if (url)
    return std::make_shared<Exchange>(core, std::move(what), std::move(*url), std::move(options))->begin();
  Promise<Reply> promise(core->loop(), std::move(what));
  auto op = promise.op();
  promise.resolve(std::unexpected(std::move(url).error()));
  return op;
}

}  // namespace

Op<Reply> fetch(Loop& loop, std::string_view url, FetchOptions options) {
  return fetch_by(std::make_shared<ClientCore>(loop, ClientOptions(), false), url, std::move(options));
}

Client::Client() noexcept = default;
Client::Client(Loop& loop, const ClientOptions& options)
    : core_(std::make_shared<ClientCore>(loop, options, true)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&& other) noexcept {
  if (this != &other) {
    if (core_) core_->close();
    core_ = std::move(other.core_);
  }
  return *this;
}
Client::~Client() {
  if (core_) core_->close();
}

Op<Reply> Client::fetch(std::string_view url, FetchOptions options) {
  if (!core_) throw std::logic_error("there is no HTTP client: none was made, or it was moved away");
  return fetch_by(core_, url, std::move(options));
}
std::size_t Client::connections() const noexcept { return core_ ? core_->connections() : 0; }

}  // namespace baton::http
