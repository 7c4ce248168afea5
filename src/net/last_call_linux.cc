#include "net/last_call.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "baton/loop/timer.h"

namespace baton::net {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds between_looks = 1ms;

bool is_tcp(int listener) {
  int protocol = 0;
  socklen_t size = sizeof(protocol);
  return ::getsockopt(listener, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

}  // namespace

bool somebody_waits(int listener) noexcept {
  pollfd one{.fd = listener, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0;
}

void turn_newcomers_away(int listener) noexcept {
  if (!is_tcp(listener)) return;
  // A filter sees a segment from its TCP header on.
  constexpr unsigned flags_at = 13;
  constexpr unsigned syn = 2;
  std::array<sock_filter, 4> steps = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, syn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, ~0U),
  }};
  const sock_fprog program{.len = steps.size(), .filter = steps.data()};
  // Without it newcomers are let in and may be reset, as ever.
  (void)::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void let_newcomers_in(int listener) noexcept {
  const int ignored = 0;
  if (is_tcp(listener)) (void)::setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored));
}

struct LastCall::State : std::enable_shared_from_this<State> {
  State(Loop& owner, std::move_only_function<bool()> is_busy, Callback at_the_end)
      : loop(owner), busy(std::move(is_busy)), over(std::move(at_the_end)) {}

  void look() {
    const auto now = loop.now();
    if (busy()) quiet_since = now;
    if (now < quiet_since + quiet && now < end) return;
    timer.stop();
    const auto self = shared_from_this();
    over();
  }

  Loop& loop;
  std::move_only_function<bool()> busy;
  Callback over;
  std::chrono::milliseconds quiet_since = loop.now();
  std::chrono::milliseconds end = quiet_since + patience;
  Timer timer = Timer::every(loop, between_looks, [this] { look(); });
};

LastCall::LastCall(Loop& loop, std::move_only_function<bool()> busy, Callback over)
    : state_(std::make_shared<State>(loop, std::move(busy), std::move(over))) {}

LastCall::operator bool() const noexcept { return state_ && state_->timer.active(); }

}  // namespace baton::net
