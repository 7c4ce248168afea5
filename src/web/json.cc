#include "baton/web/json.h"

#include <cerrno>
#include <memory>
#include <optional>

#include "loop/work.h"

namespace baton::web {
namespace {

// A text of so many bytes takes the loop a millisecond at worst.
constexpr std::size_t read_at_once = std::size_t{16} << 10;

/// What a thread reads, which may do so when nobody wants to know any more.
struct Reading {
  std::string text;
  std::optional<Result<Value>> value{};

  void read() {
    value = from_json(text);
    if (*value) (*value)->mark_large();
  }
};

struct Waiting {
  explicit Waiting(Loop& loop) : promise(loop, "read JSON") {}
  Promise<Value> promise;
  Work work;
};

}  // namespace

Op<Value> detail::value_of(Loop& loop, std::string text) {
  const auto waiting = std::make_shared<Waiting>(loop);
  auto op = waiting->promise.op();
  if (text.size() <= read_at_once) {
    waiting->promise.resolve(from_json(text));
    return op;
  }
  loop.keep(waiting);
  const auto reading = std::make_shared<Reading>(std::move(text));
  waiting->work = Work(
      loop, [reading] { reading->read(); },
      [&loop, reading, raw = waiting.get()] {
        if (!reading->value) reading->value = failure(ENOMEM, "read JSON");
        raw->promise.resolve(std::move(*reading->value));
        loop.let_go(raw);
      });
  return op;
}

Task<std::string> detail::text_of(http::Request& request, std::size_t limit) {
  try {
    co_return co_await request.body(limit);
  } catch (const Error& error) {
    if (error.code() != Errc::message_too_large) throw;
  }
  throw http::Refusal(413, "the body is longer than " + std::to_string(limit) + " bytes");
}

void send_json(http::Response& response, const Value& value) {
  const std::string text = to_json(value);
  response.header("Content-Type", "application/json").end(text);
}

}  // namespace baton::web
