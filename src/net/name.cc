#include "baton/net/name.h"

#include <netdb.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include "loop/work.h"
#include "net/address_race.h"
#include "net/connect_any.h"

namespace baton::net {
namespace {

constexpr std::size_t longest_name = 253;

class ResolverCategory : public std::error_category {
 public:
  const char* name() const noexcept override { return "resolver"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

/// What a thread finds out, which may do so when nobody wants to know any more.
struct Lookup {
  std::string host;
  std::string port;
  // Of a thread that could not be had.
  std::error_code why = std::make_error_code(std::errc::resource_unavailable_try_again);
  std::vector<Endpoint> found{};

  void ask() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int status = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    if (status != 0) {
      why = status == EAI_SYSTEM ? std::error_code(errno, std::generic_category())
                                 : std::error_code(status, resolver_category());
      return;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
    for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
      found.push_back(Endpoint::from_kernel(each->ai_addr, each->ai_addrlen));
    }
  }
};

struct Resolving {
  Resolving(Loop& loop, std::string host, std::uint16_t port)
      : lookup(std::make_shared<Lookup>(Lookup{.host = std::move(host), .port = std::to_string(port)})),
        what("resolve " + lookup->host),
        promise(loop, what) {}

  std::shared_ptr<Lookup> lookup;
  const std::string what;
  Promise<std::vector<Endpoint>> promise;
  Work work;

  void done(Loop& loop) {
    if (lookup->found.empty()) {
      promise.resolve(std::unexpected(Error(lookup->why, what)));
    } else {
      promise.resolve(std::move(lookup->found));
    }
    loop.let_go(this);
  }
};

std::optional<Endpoint> in_digits(std::string_view host, std::uint16_t port) {
  try {
    return Endpoint(host, port);
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

}  // namespace

const std::error_category& resolver_category() noexcept {
  static const ResolverCategory category;
  return category;
}

Op<std::vector<Endpoint>> resolve(Loop& loop, std::string_view host, std::uint16_t port) {
  if (host.empty() || host.size() > longest_name || host.contains('\0')) {
    throw std::invalid_argument("not the name of a host: '" + std::string(host) + "'");
  }
  auto resolving = std::make_shared<Resolving>(loop, std::string(host), port);
  auto op = resolving->promise.op();
  if (auto address = in_digits(host, port)) {
    resolving->promise.resolve(std::vector{*std::move(address)});
    return op;
  }
  loop.keep(resolving);
  resolving->promise.on_given_up([&loop, raw = resolving.get()](bool) { loop.let_go(raw); });
  resolving->work = Work(
      loop, [lookup = resolving->lookup] { lookup->ask(); },
      [&loop, raw = resolving.get()] { raw->done(loop); }, Work::Kind::waits);
  return op;
}

Op<Socket> connect(Loop& loop, std::string_view host, std::uint16_t port) {
  auto addresses = resolve(loop, host, port);
  const auto digits = in_digits(host, port);
  const std::string what =
      "connect to " + (digits ? digits->to_string() : std::string(host) + ":" + std::to_string(port));
  const auto promise = std::make_shared<Promise<Socket>>(loop, what);
  auto op = promise->op();
  const std::stop_source given_up;
  promise->on_given_up([given_up](bool) mutable { given_up.request_stop(); });
  std::move(addresses)
      .cancel_on(given_up.get_token())
      .then([&loop, what, promise, given_up](const Result<std::vector<Endpoint>>& found) {
        if (!found) {
          promise->resolve(std::unexpected(Error(found.error().code(), what, "resolve")));
          return;
        }
        connect_to_any(loop, what, families_in_turn(*found))
            .cancel_on(given_up.get_token())
            .then([promise](Result<Socket> outcome) { promise->resolve(std::move(outcome)); });
      });
  return op;
}

}  // namespace baton::net
