#include "baton/ipc/channel.h"

#include <fcntl.h>

#include <stdexcept>

#include "ipc/channel_state.h"

namespace baton {
namespace {

// A blocking socket would stop the whole loop of a Node that receives it.
void make_nonblocking(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

}  // namespace

// --- Sent

Channel::Sent::Sent(std::shared_ptr<State> state, Result<uint64_t> outcome, bool keep_going)
    : state_(std::move(state)), keep_going_(keep_going && outcome.has_value()) {
  if (outcome) {
    sequence_ = *outcome;
  } else {
    error_ = std::move(outcome).error();
  }
}
Channel::Sent::~Sent() {
  if (!state_) return;
  if (error_) {
    state_->loop.defer([state = state_, error = *error_] { state->report(error); });
  } else {
    state_->forget(sequence_);
  }
}
Op<> Channel::Sent::op() && {
  const auto state = std::move(state_);
  if (!error_) return state->watch(sequence_);
  Promise<> promise(state->loop);
  promise.on_orphan([state](const Error& error) { state->report(error); });
  promise.resolve(std::unexpected(*error_));
  return promise.op();
}

// --- Channel

Channel::Channel() noexcept = default;
Channel::Channel(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&& other) noexcept {
  if (this != &other) {
    if (state_) state_->detach();
    state_ = std::move(other.state_);
  }
  return *this;
}
Channel::~Channel() {
  if (state_) state_->detach();
}

Result<Channel> Channel::adopt(Loop& loop, Fd descriptor, ChannelOptions options) {
  const DescriptorKind kind = descriptor_kind(descriptor.get());
  if (kind == DescriptorKind::closed) return failure(EBADF, "open the channel");
  if (kind != DescriptorKind::unix_stream)
    return failure(Errc::wrong_handle, "open the channel", describe(kind));
  ::fcntl(descriptor.get(), F_SETFD, FD_CLOEXEC);
  try {
    auto state = std::make_shared<State>(loop, std::move(descriptor), options);
    state->start();
    return Channel(std::move(state));
  } catch (const Error& error) {
    return std::unexpected(error);
  }
}

Loop& Channel::loop() const noexcept { return state_->loop; }
Serialization Channel::serialization() const noexcept { return state_->options.serialization(); }

Channel::Sent Channel::send(const Value& message) {
  auto sent = state_->send(message);
  return Sent(state_, std::move(sent), !state_->machine.above_high_water());
}

Channel::Sent Channel::send_parcel(const Value& message, Parcel parcel) {
  auto sent = state_->send(message, std::move(parcel));
  return Sent(state_, std::move(sent), !state_->machine.above_high_water());
}

// What the peer gets, and its owner keeps.
Channel::Sent Channel::send_copy(const Value& message, Parcel parcel, int descriptor) {
  if (descriptor < 0) throw std::logic_error("send: there is no handle");
  Fd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy) return Sent(state_, failure(errno, "send " + std::string(parcel.type), "dup"), false);
  make_nonblocking(copy.get());
  parcel.handle = net::Native(std::move(copy), DescriptorKind::closed);
  parcel.shared = true;
  return send_parcel(message, std::move(parcel));
}

Channel::Sent Channel::send(const Value& message, const net::Server& server) {
  return send_copy(message, {.type = "net.Server", .handle = {}}, server.descriptor());
}

Channel::Sent Channel::send(const Value& message, net::Socket socket) {
  if (socket.is_terminal()) throw std::logic_error("send: a terminal cannot travel");
  Parcel parcel{.type = "net.Socket", .handle = {}, .key = socket ? socket.server_key() : std::string()};
  std::string unread = socket.take_unread();
  auto descriptor = socket.release();
  if (!descriptor) throw std::logic_error(descriptor.error().what());
  parcel.handle = net::Native(std::move(*descriptor), DescriptorKind::closed);
  parcel.handle.set_unread(std::move(unread));
  return send_parcel(message, std::move(parcel));
}

Channel::Sent Channel::send(const Value& message, net::Socket& socket, const SendOptions& options) {
  if (!options.keep_open()) return send(message, std::move(socket));
  if (!socket) throw std::logic_error("send: the connection is closed");
  if (socket.is_terminal()) throw std::logic_error("send: a terminal cannot travel");
  return send_copy(message, {.type = "net.Socket", .handle = {}, .key = socket.server_key()},
                   socket.descriptor());
}

Channel::Sent Channel::send(const Value& message, const net::UdpSocket& socket) {
  const std::string_view kind = socket.local().family() == 6 ? "udp6" : "udp4";
  return send_copy(message, {.type = "dgram.Socket", .handle = {}, .dgram_type = kind}, socket.descriptor());
}

Channel::Sent Channel::send(const Value& message, net::BoundSocket socket) {
  if (!socket) throw std::logic_error("send: there is no bound socket");
  return send_parcel(
      message, {.type = "net.BoundSocket", .handle = net::Native(socket.release(), DescriptorKind::tcp)});
}

Channel::Sent Channel::send(const Value& message, net::Native&& handle) {
  const DescriptorKind kind = handle.kind();
  const std::string_view type = wire::HandleMessage::native_type(kind);
  if (type.empty()) return Sent(state_, failure(Errc::wrong_handle, "send a handle", describe(kind)), false);
  make_nonblocking(handle.descriptor());
  return send_parcel(message, {.type = type, .handle = std::move(handle)});
}

Channel::Sent Channel::send(const Value& message, const net::Native& handle) {
  const DescriptorKind kind = handle.kind();
  const std::string_view type = wire::HandleMessage::native_type(kind);
  if (type.empty()) return Sent(state_, failure(Errc::wrong_handle, "send a handle", describe(kind)), false);
  return send_copy(message, {.type = type, .handle = {}}, handle.descriptor());
}

void Channel::on_message(std::move_only_function<void(Message)> callback) {
  state_->on_message.set(std::move(callback));
  state_->update_ref();
  state_->loop.defer([state = state_] { state->pump(); });
}
Op<Message> Channel::next_message() {
  Promise<Message> promise(state_->loop);
  auto op = promise.op();
  state_->next_messages.push_back(std::move(promise));
  state_->update_ref();
  state_->loop.defer([state = state_] {
    state->pump();
    if (!state->descriptor || state->end_told) {
      for (auto& waiter : std::exchange(state->next_messages, {})) {
        waiter.resolve(failure(Errc::disconnected, "next message"));
      }
    }
  });
  return op;
}
void Channel::on_disconnect(std::move_only_function<void(bool unread)> callback) {
  state_->on_disconnect.set(std::move(callback));
  state_->update_ref();
}
Op<> Channel::disconnected() {
  Promise<> promise(state_->loop);
  auto op = promise.op();
  if (state_->end_told || !state_->descriptor) {
    promise.resolve({});
  } else {
    state_->disconnect_waits.push_back(std::move(promise));
    state_->update_ref();
  }
  return op;
}
void Channel::on_drain(Callback callback) { state_->on_drain.set(std::move(callback)); }
void Channel::on_error(std::move_only_function<void(const Error&)> callback) {
  state_->on_error.set(std::move(callback));
}
void Channel::on_unsent(std::move_only_function<void(net::Native, const Error&)> callback) {
  state_->on_unsent.set(std::move(callback));
}

Op<> Channel::flushed() {
  Promise<> promise(state_->loop);
  auto op = promise.op();
  state_->flush_waits.push_back(std::move(promise));
  state_->settle_flush_waits();
  return op;
}
void Channel::on_close(Callback callback) { state_->on_close.set(std::move(callback)); }

void Channel::disconnect() { state_->disconnect(); }
bool Channel::connected() const noexcept { return state_ && state_->descriptor && state_->machine.accepts(); }

Op<uint64_t> Channel::count_sockets(const net::Server& server) {
  Promise<uint64_t> promise(state_->loop);
  auto op = promise.op();
  if (!state_->descriptor) {
    promise.resolve(failure(Errc::disconnected, "count the sockets of " + server.key()));
    return op;
  }
  if (!state_->machine.ask_socket_count(server.key())) {
    promise.resolve(failure(Errc::queue_full, "count the sockets of " + server.key()));
    return op;
  }
  state_->count_waits.emplace(server.key(), std::move(promise));
  state_->schedule_flush();
  return op;
}
Op<> Channel::sockets_closed(const net::Server& server) {
  Promise<> promise(state_->loop);
  auto op = promise.op();
  if (!state_->descriptor) {
    promise.resolve(failure(Errc::disconnected, "wait for the sockets of " + server.key()));
    return op;
  }
  if (!state_->machine.ask_sockets_closed(server.key())) {
    promise.resolve(failure(Errc::queue_full, "wait for the sockets of " + server.key()));
    return op;
  }
  state_->close_waits.emplace(server.key(), std::move(promise));
  state_->schedule_flush();
  return op;
}

void Channel::ref() {
  state_->fixed_ref = true;
  state_->update_ref();
}
void Channel::unref() {
  state_->fixed_ref = false;
  state_->update_ref();
}

void Channel::read_now() {
  const auto state = state_;
  if (!state->descriptor || state->input_over) return;
  // More than a socket's buffer holds; whoever else writes at the other end does not keep us here.
  for (int turn = 0; turn < 16 && state->read();) ++turn;
}
bool Channel::write_now() {
  state_->write_out();
  return state_->descriptor && !state_->machine.output_over() && state_->machine.unsent() == 0;
}
void Channel::peer_gone() {
  const auto state = state_;
  state->machine.peer_gone();
  state->carry_out_notices();
}
void Channel::on_peer_death(std::move_only_function<void(std::string_view)> callback) {
  state_->on_peer_death.set(std::move(callback));
}
void Channel::tell_death(std::string_view what) {
  state_->machine.tell_death(what);
  state_->write_out();
}
void Channel::on_internal(std::move_only_function<void(Message)> callback) {
  state_->on_internal.set(std::move(callback));
  state_->loop.defer([state = state_] { state->pump(); });
}
void Channel::on_internal_refused(std::move_only_function<void(Value)> callback) {
  state_->on_internal_refused.set(std::move(callback));
}
Result<uint64_t> Channel::offer(const Value& message, net::Native&& handle) {
  const std::string_view type = wire::HandleMessage::native_type(handle.kind());
  if (type.empty()) return failure(Errc::wrong_handle, "offer a handle", describe(handle.kind()));
  return state_->offer(message, type, handle);
}
net::Native Channel::take_back(uint64_t offer) { return state_->take_back(offer); }
void Channel::on_refused(std::move_only_function<void(uint64_t offer)> callback) {
  state_->on_refused.set(std::move(callback));
}
bool Channel::peer_is_baton() const noexcept { return state_->machine.peer_is_baton(); }
void Channel::on_peer_baton(Callback callback) { state_->on_peer_baton.set(std::move(callback)); }

}  // namespace baton
