#include "cluster/sticky_look.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace baton::cluster {
namespace {

constexpr std::size_t longest_head = std::size_t{16} << 10;
constexpr auto patience = std::chrono::seconds(1);

// One for all looks of a thread, as each is over before the next begins. Another thread has a loop of its
// own.
thread_local std::array<char, longest_head> head_buffer;

}  // namespace

StickyLook::StickyLook(Loop& loop, std::shared_ptr<StickyLooks> looks, int descriptor, const Policy& policy,
                       std::move_only_function<void(std::optional<std::string_view>)> done)
    : looks_(std::move(looks)),
      descriptor_(descriptor),
      value_(policy.sticky_by(), policy.sticky_name()),
      done_(std::move(done)),
      poll_(loop, descriptor,
            [this](int) {
              poll_.want(Poll::nothing);
              looks_->ask(*this);
            }),
      deadline_(loop, patience, [this] {
        late_ = true;
        looks_->ask(*this);
      }) {
  poll_.want(Poll::readable);
}

StickyLook::~StickyLook() { looks_->leave(*this); }

void StickyLook::look() {
  if (late_) return finish(std::nullopt);
  if (nothing_new()) return looks_->ask_later(*this);
  const ssize_t got = ::recv(descriptor_, head_buffer.data(), head_buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return poll_.want(Poll::readable);
  if (got <= 0) return finish(std::nullopt);
  const std::string_view head(head_buffer.data(), static_cast<std::size_t>(got));
  seen_ = head.size();
  switch (value_.look(head)) {
    case StickyValue::Outcome::found:
      return finish(value_.value());
    case StickyValue::Outcome::none:
      return finish(std::nullopt);
    case StickyValue::Outcome::more:
      break;
  }
  if (head.size() == longest_head) return finish(std::nullopt);
  looks_->ask_later(*this);
}

bool StickyLook::nothing_new() const {
  int there = 0;
  return seen_ > 0 && ::ioctl(descriptor_, FIONREAD, &there) == 0 && std::cmp_equal(there, seen_);
}

void StickyLook::finish(std::optional<std::string_view> value) {
  looks_->leave(*this);
  poll_.close();
  deadline_.stop();
  auto done = std::move(done_);
  done(value);
}

}  // namespace baton::cluster
