#include "cluster/sticky_look.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace baton::cluster {
namespace {

constexpr std::size_t longest_head = std::size_t{16} << 10;
constexpr auto patience = std::chrono::seconds(1);
// What was peeked at stays readable, so that waiting for more by the same poll would spin.
constexpr auto between_looks = std::chrono::milliseconds(10);

// One for all looks of a thread, as each is over before the next begins. Another thread has a loop of its
// own.
thread_local std::array<char, longest_head> head_buffer;

}  // namespace

StickyLook::StickyLook(Loop& loop, int descriptor, const Policy& policy,
                       std::move_only_function<void(std::optional<std::string_view>)> done)
    : loop_(loop),
      descriptor_(descriptor),
      value_(policy.sticky_by(), policy.sticky_name()),
      done_(std::move(done)),
      poll_(loop, descriptor, [this](int) { look(); }),
      deadline_(loop, patience, [this] { finish(std::nullopt); }) {
  poll_.want(Poll::readable);
}

void StickyLook::look() {
  const ssize_t got = ::recv(descriptor_, head_buffer.data(), head_buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (got <= 0) return finish(std::nullopt);
  const std::string_view head(head_buffer.data(), static_cast<std::size_t>(got));
  switch (value_.look(head)) {
    case StickyValue::Outcome::found:
      return finish(value_.value());
    case StickyValue::Outcome::none:
      return finish(std::nullopt);
    case StickyValue::Outcome::more:
      break;
  }
  if (head.size() == longest_head) return finish(std::nullopt);
  poll_.want(Poll::nothing);
  again_ = Timer(loop_, between_looks, [this] { look(); });
}

void StickyLook::finish(std::optional<std::string_view> value) {
  poll_.close();
  again_.stop();
  deadline_.stop();
  auto done = std::move(done_);
  done(value);
}

}  // namespace baton::cluster
