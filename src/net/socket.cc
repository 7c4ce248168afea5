#include "baton/net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "base/fifo.h"
#include "loop/poll.h"
#include "loop/slot.h"
#include "loop/turn.h"
#include "net/pipe_io.h"
#include "net/sockaddr.h"
#include "net/write_queue.h"

namespace baton::net {
namespace {

constexpr size_t high_water = size_t{64} << 10;
constexpr size_t queue_limit = size_t{256} << 20;
constexpr size_t unread_limit = size_t{1} << 20;
constexpr auto linger = std::chrono::seconds(30);
// A stream that never pauses must not starve the others on the loop.
constexpr int reads_a_turn = 8;

constexpr size_t read_size = size_t{64} << 10;
constexpr auto starved_pause = std::chrono::milliseconds(10);

// What a read brings is looked at where it lies, and whoever looks may run another loop meanwhile, such as
// that of `exec_sync`: it gets a buffer of its own.
class ReadBuffer {
 public:
  ReadBuffer() : bytes_(spare ? std::move(spare) : std::make_unique_for_overwrite<char[]>(read_size)) {}
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  ~ReadBuffer() { spare = std::move(bytes_); }
  [[nodiscard]] char* data() const noexcept { return bytes_.get(); }

 private:
  static inline thread_local std::unique_ptr<char[]> spare;
  std::unique_ptr<char[]> bytes_;
};

bool set_nonblocking(int descriptor) {
  int on = 1;
  return ::ioctl(descriptor, FIONBIO, &on) == 0;
}

}  // namespace

struct Socket::State : std::enable_shared_from_this<State> {
  State(Loop& owner, Fd fd, DescriptorKind kind)
      : loop(owner),
        descriptor(std::move(fd)),
        tcp(kind == DescriptorKind::tcp),
        socket(tcp || kind == DescriptorKind::unix_stream),
        terminal(kind == DescriptorKind::terminal) {
    poll = Poll(loop, descriptor.get(), [this](int events) { on_event(events); });
  }
  ~State() { finish(); }

  Loop& loop;
  Fd descriptor;
  Poll poll;
  WriteQueue queue;
  std::string server_key;
  Slot<std::string_view> on_data;
  Slot<const Error&> on_error;
  Slot<> on_end, on_close, on_drain, on_gone, when_writable, on_broken;
  Fifo<std::pair<uint64_t, Promise<>>> flushes;
  Timer linger_timer;
  Timer starved_timer;
  const bool tcp;
  const bool socket;
  const bool terminal;
  enum class FirstRead : uint8_t { waits_to_be_told, at_once, scheduled };
  FirstRead first_read = FirstRead::waits_to_be_told;
  bool reading = false;  // somebody wants data
  bool paused = false;
  bool input_ended = false;
  bool ending = false;  // end() was called
  bool output_ended = false;
  bool above_high_water = false;
  bool flush_scheduled = false;
  bool unread_due = false;
  bool from_others = false;  // who may want close(2) to wait
  bool detached = false;     // the owner is gone; only what is queued remains to be done
  std::string unread;        // put back, and to come before what is read next

  void update_interest() {
    if (!descriptor) return;
    int events = Poll::nothing;
    if (reading && !paused && !input_ended) events |= Poll::readable;
    const bool waits = !queue.empty() && !flush_scheduled && !starved_timer.active();
    if (when_writable || waits) events |= Poll::writable;
    if (on_broken && (events & Poll::readable) == 0) events |= Poll::broken;
    if (first_read != FirstRead::waits_to_be_told && (events & Poll::readable) != 0) {
      events &= ~Poll::readable;
      schedule_first_read();
    }
    poll.want(events);
  }

  // Many a connection is over after it, and the kernel need never watch it for us.
  void schedule_first_read() {
    if (first_read == FirstRead::scheduled) return;
    first_read = FirstRead::scheduled;
    loop.defer([self = shared_from_this()] {
      self->first_read = FirstRead::waits_to_be_told;
      self->read();
      self->update_interest();
    });
  }

  void on_event(int events) {
    const auto self = shared_from_this();
    if ((events & Poll::writable) != 0) {
      flush();
      if (queue.empty() && when_writable) {
        when_writable.fire_once(loop);
        update_interest();
      }
    }
    if ((events & Poll::readable) != 0) read();
    if ((events & Poll::broken) != 0 && descriptor && on_broken) look_whether_broken();
  }

  void look_whether_broken() {
    pollfd one{descriptor.get(), 0, 0};
    ::poll(&one, 1, 0);
    if ((one.revents & POLLERR) != 0) return on_broken.fire_once(loop);
    char urgent = 0;
    if (::recv(descriptor.get(), &urgent, 1, MSG_OOB | MSG_DONTWAIT) >= 0) return;
    // The end of both directions: to look on would be to spin.
    on_broken.clear();
    update_interest();
  }

  ssize_t receive(char* to) {
    if (!socket) return read_without_waiting(descriptor.get(), to, read_size);
    return ::recv(descriptor.get(), to, read_size, MSG_DONTWAIT);
  }

  void read() {
    const ReadBuffer buffer;
    Turn::Clock::time_point until;
    for (int i = 0; i < reads_a_turn && descriptor && reading && !paused && !input_ended; ++i) {
      if (loop.stopping()) return;
      const ssize_t got = receive(buffer.data());
      if (got > 0) {
        tell(std::string_view(buffer.data(), static_cast<size_t>(got)));
        // A short read has emptied the kernel's buffer; asking again would only cost a call.
        if (static_cast<size_t>(got) < read_size) return;
        const auto now = Turn::Clock::now();
        if (i == 0) until = now + Turn::share;
        if (now >= until) return;
      } else if (got == 0 || errno == EIO) {  // as a terminal says that nobody has its other side open
        input_ended = true;
        update_interest();
        if (!unread.empty()) tell({});
        if (descriptor) peer_ended();
        return;
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return;
      } else if (errno != EINTR) {
        const int error = errno;  // who is asked for the address has one of his own
        return fail(Error(error, "read from " + remote_endpoint(descriptor.get()).to_string(), "read"));
      }
    }
  }

  void tell(std::string_view piece) {
    if (unread.empty()) return on_data.fire(loop, piece);
    const std::string joined = std::exchange(unread, {}).append(piece);
    on_data.fire(loop, joined);
  }

  // Somebody wants data, perhaps for the first time.
  void begin_reading() {
    update_interest();
    if (unread.empty() || unread_due) return;
    unread_due = true;
    loop.defer([self = shared_from_this()] {
      self->unread_due = false;
      if (self->descriptor && self->on_data && !self->paused && !self->unread.empty()) self->tell({});
    });
  }

  void peer_ended() {
    if (detached) return;
    if (on_end) {
      on_end.fire_once(loop);
    } else if (!terminal) {
      // A program may close its terminal a moment before it ends; to hang up at that would kill it.
      end();
    }
    close_if_over();
  }

  bool write_allowed() const { return descriptor && !ending; }

  bool wrote() {
    if (queue.size() > queue_limit) {
      loop.defer(
          [self = shared_from_this()] { self->fail(Error(make_error_code(Errc::queue_full), "write")); });
      return false;
    }
    if (queue.size() >= high_water) above_high_water = true;
    schedule_flush();
    return !above_high_water;
  }

  void schedule_flush() {
    if (flush_scheduled || !descriptor || (poll.wanted() & Poll::writable) != 0) return;
    flush_scheduled = true;
    loop.defer([self = shared_from_this()] {
      self->flush_scheduled = false;
      self->flush();
    });
  }

  void flush() {
    if (!descriptor) return;
    const auto state = queue.flush(descriptor.get());
    while (!flushes.empty() && flushes.front().first <= queue.written()) {
      Promise<> flushed = std::move(flushes.front().second);
      flushes.pop_front();
      flushed.resolve({});
    }
    if (state == WriteQueue::State::failed) {
      fail(Error(queue.error(), "write", "sendmsg"));
      return;
    }
    // It stays writable, and waiting for that would spin.
    if (state == WriteQueue::State::starved) {
      starved_timer = Timer(loop, starved_pause, [this] {
        const auto self = shared_from_this();
        starved_timer.stop();
        flush();
      });
    }
    if (queue.empty()) {
      finish_output();
      if (!descriptor) return;
      if (above_high_water) {
        above_high_water = false;
        on_drain.fire(loop);
      }
    }
    update_interest();
  }

  void end() {
    if (ending || !descriptor) return;
    ending = true;
    if (queue.empty()) {
      finish_output();
    } else {
      schedule_flush();
    }
  }

  void finish_output() {
    if (!ending || output_ended) return;
    output_ended = true;
    ::shutdown(descriptor.get(), SHUT_WR);
    close_if_over();
  }

  void close_if_over() {
    if (!descriptor || !output_ended) return;
    if (detached) {
      finish();
      return;
    }
    if (!input_ended) return;
    loop.defer([self = shared_from_this()] {
      if (!self->descriptor) return;
      self->finish();
      self->on_close.fire_once(self->loop);
    });
  }

  void fail(const Error& error) {
    if (!descriptor) return;
    const auto self = shared_from_this();
    for (auto& [offset, promise] : flushes) promise.resolve(std::unexpected(error));
    finish();
    on_error.fire_once(loop, error);
    on_close.fire_once(loop);
  }

  void finish() noexcept {
    if (!descriptor) return;
    poll.close();
    if (from_others) {
      const Native closed(std::move(descriptor), tcp ? DescriptorKind::tcp : DescriptorKind::pipe);
    } else {
      descriptor.reset();
    }
    gone();
  }

  void gone() noexcept {
    linger_timer.stop();
    starved_timer.stop();
    when_writable.clear();
    queue.clear();
    flushes.clear();
    on_gone.fire_once(loop);
    if (detached) loop.let_go(this);
  }

  void forget_callbacks() {
    on_data.clear();
    on_error.clear();
    on_end.clear();
    on_close.clear();
    on_drain.clear();
    when_writable.clear();
    on_broken.clear();
  }

  // The owner is gone: no callback is called any more.
  void detach() {
    detached = true;
    forget_callbacks();
    if (descriptor && ending && !output_ended) {
      reading = false;
      loop.keep(shared_from_this());
      linger_timer = Timer(loop, linger, [this] { finish(); });
      update_interest();
      return;
    }
    finish();
  }
};

Socket::Socket() noexcept = default;
Socket::Socket(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (state_) state_->detach();
    state_ = std::move(other.state_);
  }
  return *this;
}
Socket::~Socket() {
  if (state_) state_->detach();
}

Result<Socket> Socket::adopt(Loop& loop, Native handle) {
  const DescriptorKind kind = handle.kind();
  auto socket = adopt(loop, handle.release(), kind);
  if (socket) socket->state_->from_others = true;
  if (socket && !handle.unread().empty()) socket->unread(handle.unread());
  return socket;
}
Result<Socket> Socket::adopt(Loop& loop, Fd descriptor) {
  const DescriptorKind kind = descriptor_kind(descriptor.get());
  return adopt(loop, std::move(descriptor), kind);
}

Result<Socket> Socket::adopt(Loop& loop, Fd descriptor, DescriptorKind kind) {
  if (kind == DescriptorKind::closed) return failure(EBADF, "adopt a stream");
  const bool stream = kind == DescriptorKind::tcp || kind == DescriptorKind::unix_stream ||
                      kind == DescriptorKind::pipe || kind == DescriptorKind::terminal;
  if (!stream) {
    return failure(Errc::wrong_handle, "adopt a stream", describe(kind));
  }
  try {
    Socket socket(std::make_shared<State>(loop, std::move(descriptor), kind));
    // What a socket is asked is asked without waiting.
    if (!socket.state_->socket && !set_nonblocking(socket.descriptor())) {
      return failure(errno, "adopt a stream", "ioctl");
    }
    if (socket.state_->tcp) socket.no_delay(true);
    return socket;
  } catch (const Error& error) {
    return std::unexpected(error);
  }
}

Socket::operator bool() const noexcept { return state_ && state_->descriptor; }
Socket::State& Socket::state() const {
  if (!state_) throw std::logic_error("there is no connection: none was made, or it was moved or given away");
  return *state_;
}
Loop& Socket::loop() const { return state().loop; }

void Socket::expect_data() { state().first_read = State::FirstRead::at_once; }
void Socket::on_data(Handler<std::string_view> callback) {
  state().on_data.set(std::move(callback));
  state().reading = true;
  state().begin_reading();
}
void Socket::on_end(Handler<> callback) {
  state().on_end.set(std::move(callback));
  state().reading = true;
  state().update_interest();
}
void Socket::on_error(Handler<const Error&> callback) { state().on_error.set(std::move(callback)); }
void Socket::on_close(Handler<> callback) { state().on_close.set(std::move(callback)); }
void Socket::on_drain(Handler<> callback) { state().on_drain.set(std::move(callback)); }
void Socket::on_gone(Handler<> callback) { state().on_gone.set(std::move(callback)); }
void Socket::on_broken(Handler<> callback) {
  state().on_broken.set(std::move(callback));
  state().update_interest();
}
void Socket::when_writable(Handler<> callback) {
  state().when_writable.set(std::move(callback));
  state().update_interest();
}
void Socket::forget_callbacks() {
  state().forget_callbacks();
  state().reading = state().paused = false;
  state().update_interest();
}

bool Socket::write(std::string_view bytes) {
  if (!state().write_allowed()) return false;
  state().queue.append(bytes);
  return state().wrote();
}
bool Socket::write(std::string&& bytes) {
  if (!state().write_allowed()) return false;
  state().queue.append(std::move(bytes));
  return state().wrote();
}
bool Socket::write_through(std::string_view bytes) {
  if (!state().write_allowed()) return false;
  bytes.remove_prefix(state().queue.write_through(state().descriptor.get(), bytes));
  if (bytes.empty()) return !state().above_high_water;
  return write(bytes);
}
void Socket::end() { state().end(); }
void Socket::end(std::string_view bytes) {
  write(bytes);
  end();
}
size_t Socket::queued() const { return state().queue.size(); }
Op<> Socket::flushed() {
  Promise<> promise(state().loop, "flush");
  auto op = promise.op();
  if (!state().descriptor) {
    promise.resolve(failure(EBADF, "flush"));
  } else if (state().queue.empty()) {
    promise.resolve({});
  } else {
    state().flushes.emplace_back(state().queue.written() + state().queue.size(), std::move(promise));
  }
  return op;
}

void Socket::pause() {
  state().paused = true;
  state().update_interest();
}
void Socket::resume() {
  state().paused = false;
  state().begin_reading();
}
void Socket::close() noexcept {
  if (state_) std::exchange(state_, nullptr)->detach();
}

void Socket::unread(std::string_view bytes) {
  if (bytes.size() + state().unread.size() > unread_limit) {
    throw std::length_error("more bytes are put back into a stream than it takes");
  }
  state().unread.insert(0, bytes);
}
std::string Socket::take_unread() { return state_ ? std::exchange(state_->unread, {}) : std::string(); }

Result<Fd> Socket::release() {
  if (!state_ || !state_->descriptor) return failure(EBADF, "release a stream");
  if (!state_->unread.empty()) return failure(EBUSY, "release a stream", "bytes were put back");
  if (!state_->queue.empty()) return failure(EBUSY, "release a stream", "bytes are still queued");
  if (!set_nonblocking(state_->descriptor.get())) return failure(errno, "release a stream", "ioctl");
  const auto state = std::move(state_);
  state->poll.close();
  Fd descriptor = std::move(state->descriptor);
  state->gone();
  return descriptor;
}
int Socket::descriptor() const noexcept { return state_ ? state_->descriptor.get() : -1; }

Endpoint Socket::local() const { return local_endpoint(state().descriptor.get()); }
Endpoint Socket::remote() const { return remote_endpoint(state().descriptor.get()); }
void Socket::no_delay(bool on) {
  const int value = on ? 1 : 0;
  if (state().tcp) ::setsockopt(descriptor(), IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}
const std::string& Socket::server_key() const { return state().server_key; }
void Socket::set_server_key(std::string key) { state().server_key = std::move(key); }
bool Socket::is_terminal() const noexcept { return state_ && state_->terminal; }
bool Socket::reading() const noexcept {
  return state_ && state_->descriptor && state_->reading && !state_->input_ended;
}
void Socket::ref() { state().poll.ref(); }
void Socket::unref() { state().poll.unref(); }

}  // namespace baton::net
