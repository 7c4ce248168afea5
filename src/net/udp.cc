#include "baton/net/udp.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/fifo.h"
#include "base/thrown.h"
#include "baton/base/descriptor_kind.h"
#include "loop/poll.h"
#include "loop/served.h"
#include "loop/slot.h"
#include "net/datagrams.h"
#include "net/sockaddr.h"

namespace baton::net {
namespace {

constexpr size_t datagram_high_water = size_t{64} << 10;
constexpr size_t datagram_queue_limit = size_t{16} << 20;
constexpr size_t cost_of_a_datagram = 128;  // beside its bytes
// Senders and receivers that never pause must not starve the others on the loop.
constexpr int sends_a_turn = 64;
constexpr int batches_a_turn = 4;
constexpr auto failed_pause = std::chrono::milliseconds(100);
constexpr auto error_interval = std::chrono::seconds(1);

bool takes_none_now(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

struct UdpSocket::State : std::enable_shared_from_this<State> {
  State(Loop& owner, Fd fd) : loop(owner), descriptor(std::move(fd)) {
    connected = remote_endpoint(descriptor.get()).family() != 0;
    poll = Poll(loop, descriptor.get(), [this](int events) { on_event(events); });
  }

  Loop& loop;
  Fd descriptor;
  Poll poll;
  Slot<std::string_view, const Endpoint&> on_message;
  Slot<const Error&> on_error;
  Slot<> on_drain, on_gone;
  Fifo<Datagram> queue;
  size_t queued_bytes = 0;
  uint64_t accepted = 0;  // datagrams, since the beginning
  Fifo<std::pair<uint64_t, Promise<>>> flushes;
  Fifo<std::pair<std::string, Endpoint>> kept;  // read, but not wanted at the moment
  std::chrono::milliseconds last_report{-error_interval};
  Timer pause_timer;  // after errors that do not end
  bool connected = false;
  bool wanted = false;  // somebody listens; while the callback runs it is not in its place
  bool paused = false;
  bool above_high_water = false;
  bool flush_scheduled = false;
  bool delivery_scheduled = false;
  int first_answer = 0;  // the errno of the first try to send the front

  [[nodiscard]] bool receiving() const { return descriptor && wanted && !paused; }

  void update_interest() {
    if (!descriptor) return;
    int events = Poll::nothing;
    if (receiving() && !pause_timer.active()) events |= Poll::readable;
    if (!queue.empty() && !flush_scheduled) events |= Poll::writable;
    poll.want(events);
  }

  void on_event(int events) {
    const auto self = shared_from_this();
    if ((events & Poll::writable) != 0) flush();
    if ((events & Poll::readable) != 0) read();
  }

  // --- receiving

  void read() {
    ReceivedDatagrams datagrams;
    int failed = 0;
    // What is kept was there before.
    for (int i = 0; i < batches_a_turn && receiving() && kept.empty(); ++i) {
      const int count = datagrams.from(descriptor.get());
      if (count < 0) {
        if (takes_none_now(errno)) return drop_queued_errors(descriptor.get());
        if (errno == EINTR) continue;
        report(Error(errno, "receive" + with_peer(" from "), "recvmmsg"));
        if (++failed == batches_a_turn) pause_reading();
        continue;
      }
      tell(datagrams, count);
      if (count < most_datagrams) return;
    }
  }

  // One error is of one datagram. What fails again and again stays readable, and waiting for that would spin.
  void pause_reading() {
    if (!descriptor) return;
    pause_timer = Timer(loop, failed_pause, [this] {
      pause_timer.stop();
      update_interest();
    });
    update_interest();
  }

  // Whoever listens may change his mind, close the socket, or stop the loop.
  void tell(const ReceivedDatagrams& datagrams, int count) {
    int place = 0;
    while (place < count && receiving() && !loop.stopping()) {
      const int next = place++;
      on_message.fire(loop, datagrams.bytes(next), datagrams.sender(next));
    }
    keep(datagrams, place, count);
    deliver_later();
  }

  void keep(const ReceivedDatagrams& datagrams, int first, int count) {
    if (!descriptor) return;
    for (int place = first; place < count; ++place) {
      kept.emplace_back(datagrams.bytes(place), datagrams.sender(place));
    }
  }

  void deliver_later() {
    if (delivery_scheduled || kept.empty() || !receiving()) return;
    delivery_scheduled = true;
    loop.defer([self = shared_from_this()] {
      self->delivery_scheduled = false;
      self->deliver();
    });
  }

  void deliver() {
    while (!kept.empty() && receiving() && !loop.stopping()) {
      const auto [bytes, from] = std::move(kept.front());
      kept.pop_front();
      on_message.fire(loop, bytes, from);
    }
    deliver_later();
  }

  void receive() {
    deliver_later();
    update_interest();
  }

  // --- sending

  bool send(std::string_view bytes, const Endpoint* to) {
    if (bytes.size() > longest_datagram) return refuse(Error(EMSGSIZE, subject(to)));
    if (queued_bytes + (queue.size() + 1) * cost_of_a_datagram + bytes.size() > datagram_queue_limit) {
      return refuse(Error(make_error_code(Errc::queue_full), subject(to)));
    }
    queue.emplace_back(std::string(bytes), to == nullptr ? SocketAddress() : SocketAddress(*to));
    queued_bytes += bytes.size();
    ++accepted;
    if (queued_bytes >= datagram_high_water) above_high_water = true;
    schedule_flush();
    return !above_high_water;
  }

  // Whoever is told false waits for on_drain, though nothing may be queued.
  bool refuse(const Error& error) {
    loop.defer([self = shared_from_this(), error] { self->report(error); });
    above_high_water = true;
    schedule_flush();
    return false;
  }

  Result<void> try_send(std::string_view bytes, const Endpoint* to) {
    if (!queue.empty()) return failure(EAGAIN, subject(to));
    const SocketAddress address = to == nullptr ? SocketAddress() : SocketAddress(*to);
    const sockaddr* name = address.length() == 0 ? nullptr : address.get();
    if (::sendto(descriptor.get(), bytes.data(), bytes.size(), MSG_DONTWAIT, name, address.length()) < 0) {
      return failure(errno, subject(to), "sendto");
    }
    return {};
  }

  void schedule_flush() {
    if (flush_scheduled || (poll.wanted() & Poll::writable) != 0) return;
    flush_scheduled = true;
    loop.defer([self = shared_from_this()] {
      self->flush_scheduled = false;
      self->flush();
    });
  }

  void flush() {
    send_some();
    if (descriptor && queue.empty() && std::exchange(above_high_water, false)) on_drain.fire(loop);
    update_interest();
  }

  void send_some() {
    for (int i = 0; i < sends_a_turn && descriptor && !queue.empty(); ++i) {
      const int count = send_datagrams(descriptor.get(), queue);
      if (count > 0) {
        drop_front(count);
      } else if (takes_none_now(errno)) {
        return drop_queued_errors(descriptor.get());
      } else if (errno != EINTR) {
        not_sent(errno);
      }
    }
  }

  // Nobody is told of it any more.
  void send_the_last() {
    while (!queue.empty()) {
      const int count = send_datagrams(descriptor.get(), queue);
      if (count > 0) {
        drop_front(count);
      } else if (takes_none_now(errno)) {
        return;
      } else if (errno != EINTR && std::exchange(first_answer, errno) != 0) {
        drop_front(1);
      }
    }
  }

  // An error may be the answer to an earlier datagram, which a second try tells. Nothing but this one is
  // lost.
  void not_sent(int error) {
    const SocketAddress& address = queue.front().to;
    const Endpoint to =
        address.length() == 0 ? Endpoint() : Endpoint::from_kernel(address.get(), address.length());
    const Error failed(error, subject(address.length() == 0 ? nullptr : &to), "sendmmsg");
    const int before = std::exchange(first_answer, error);
    if (before != 0) drop_front(1);
    if (before != error) report(failed);
  }

  void drop_front(int count) {
    first_answer = 0;
    for (int i = 0; i < count; ++i) {
      queued_bytes -= queue.front().bytes.size();
      queue.pop_front();
    }
    const uint64_t gone = accepted - queue.size();
    while (!flushes.empty() && flushes.front().first <= gone) {
      Promise<> flushed = std::move(flushes.front().second);
      flushes.pop_front();
      flushed.resolve({});
    }
  }

  // --- both

  [[nodiscard]] std::string with_peer(const char* word) const {
    return connected ? word + remote_endpoint(descriptor.get()).to_string() : std::string();
  }
  [[nodiscard]] std::string subject(const Endpoint* to) const {
    return to != nullptr ? "send to " + to->to_string() : "send" + with_peer(" to ");
  }

  void report(const Error& error) {
    if (on_error) return on_error.fire(loop, error);
    if (!descriptor || loop.now() - last_report < error_interval) return;
    last_report = loop.now();
    loop.report("udp: " + std::string(error.what()));
  }

  void close() noexcept {
    on_message.clear();
    wanted = false;
    on_error.clear();
    on_drain.clear();
    poll.close();
    pause_timer.stop();
    descriptor.reset();
    queue.clear();
    queued_bytes = 0;
    flushes.clear();
    kept.clear();
    on_gone.fire_once(loop);
  }
};

UdpSocket::UdpSocket() noexcept = default;
UdpSocket::UdpSocket(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}
UdpSocket::~UdpSocket() { close(); }

Result<UdpSocket> UdpSocket::adopt(Loop& loop, Fd descriptor) {
  const DescriptorKind kind = descriptor_kind(descriptor.get());
  if (kind == DescriptorKind::closed) return failure(EBADF, "adopt a UDP socket");
  if (kind != DescriptorKind::udp) return failure(Errc::wrong_handle, "adopt a UDP socket", describe(kind));
  int on = 1;
  if (::ioctl(descriptor.get(), FIONBIO, &on) != 0) return failure(errno, "adopt a UDP socket", "ioctl");
  return UdpSocket(std::make_shared<State>(loop, std::move(descriptor)));
}

UdpSocket::State& UdpSocket::state() const {
  if (!state_) throw std::logic_error("there is no UDP socket: none was made, or it was moved or given away");
  return *state_;
}
Loop& UdpSocket::loop() const { return state().loop; }
void UdpSocket::on_message(Serving<std::string_view, const Endpoint&> callback) {
  state().wanted = static_cast<bool>(callback);
  state().on_message.set(
      served(state().loop, std::move(callback),
             [&loop = state().loop, weak = std::weak_ptr(state_)](const std::exception_ptr& thrown) {
               const Error error = thrown_by("serve a datagram", thrown);
               const auto state = weak.lock();
               if (!state || !state->on_error) return loop.contained(thrown, error);
               state->on_error.fire(loop, error);
             }));
  state().receive();
}
void UdpSocket::on_error(Handler<const Error&> callback) { state().on_error.set(std::move(callback)); }
void UdpSocket::on_drain(Handler<> callback) { state().on_drain.set(std::move(callback)); }

bool UdpSocket::send(std::string_view bytes, const Endpoint& to) {
  if (state().connected) throw std::logic_error("send to an address: the UDP socket is connected");
  return state().send(bytes, &to);
}
bool UdpSocket::send(std::string_view bytes) {
  if (!state().connected) throw std::logic_error("send without an address: the UDP socket is not connected");
  return state().send(bytes, nullptr);
}
Result<void> UdpSocket::try_send(std::string_view bytes, const Endpoint& to) {
  if (state().connected) throw std::logic_error("send to an address: the UDP socket is connected");
  return state().try_send(bytes, &to);
}
Result<void> UdpSocket::try_send(std::string_view bytes) {
  if (!state().connected) throw std::logic_error("send without an address: the UDP socket is not connected");
  return state().try_send(bytes, nullptr);
}
size_t UdpSocket::queued() const { return state().queued_bytes; }
size_t UdpSocket::queued_datagrams() const { return state().queue.size(); }
Op<> UdpSocket::flushed() {
  Promise<> promise(state().loop, "flush");
  auto op = promise.op();
  if (state().queue.empty()) {
    promise.resolve({});
  } else {
    state().flushes.emplace_back(state().accepted, std::move(promise));
  }
  return op;
}

Result<void> UdpSocket::connect(const Endpoint& peer) {
  if (state().connected) throw std::logic_error("connect: the UDP socket is connected");
  const SocketAddress address(peer);
  if (::connect(descriptor(), address.get(), address.length()) != 0) {
    return failure(errno, "connect to " + peer.to_string());
  }
  state().connected = true;
  return {};
}
Result<void> UdpSocket::disconnect() {
  if (!state().connected) throw std::logic_error("disconnect: the UDP socket is not connected");
  const uint16_t port = local().port();
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  if (::connect(descriptor(), &nowhere, sizeof nowhere) != 0)
    return failure(errno, "disconnect a UDP socket");
  state().connected = false;
  // The kernel takes back a port that it had chosen.
  if (const Endpoint now = local(); now.port() == 0) {
    const SocketAddress again(Endpoint(now.address(), port));
    if (::bind(descriptor(), again.get(), again.length()) != 0) {
      return failure(errno, "disconnect a UDP socket", "bind");
    }
  }
  return {};
}
bool UdpSocket::connected() const noexcept { return state_ && state_->connected; }

void UdpSocket::pause() {
  state().paused = true;
  state().update_interest();
}
void UdpSocket::resume() {
  state().paused = false;
  state().receive();
}
void UdpSocket::close() noexcept {
  if (!state_) return;
  const auto state = std::exchange(state_, nullptr);
  state->send_the_last();
  state->close();
}
Result<Fd> UdpSocket::release() {
  if (!state_) return failure(EBADF, "release a UDP socket");
  if (!state_->queue.empty()) return failure(EBUSY, "release a UDP socket", "datagrams are still queued");
  const auto state = std::move(state_);
  state->poll.close();
  Fd descriptor = std::move(state->descriptor);
  state->close();
  return descriptor;
}
int UdpSocket::expect_descriptor() const { return state().descriptor.get(); }
int UdpSocket::descriptor() const noexcept { return state_ ? state_->descriptor.get() : -1; }
Endpoint UdpSocket::local() const { return local_endpoint(state().descriptor.get()); }
Endpoint UdpSocket::remote() const { return remote_endpoint(state().descriptor.get()); }
void UdpSocket::ref() { state().poll.ref(); }
void UdpSocket::unref() { state().poll.unref(); }
void UdpSocket::on_gone(Handler<> callback) { state().on_gone.set(std::move(callback)); }

}  // namespace baton::net
