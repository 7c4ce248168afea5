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
  if (!state_) throw std::logic_error("this message was waited for before, or moved away");
  const auto state = std::move(state_);
  if (!error_) return state->watch(sequence_);
  Promise<> promise(state->loop, "send a message");
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

Channel::State& Channel::state() const {
  if (!state_) throw std::logic_error("there is no channel: none was made, or it was moved away");
  return *state_;
}

Loop& Channel::loop() const { return state().loop; }
Serialization Channel::serialization() const { return state().options.serialization(); }

Channel::Sent Channel::send(const Value& message) {
  auto sent = state().send(message);
  return Sent(state_, std::move(sent), !state().machine.behind());
}

Channel::Sent Channel::send_written(const wire::WrittenMessage& message) {
  if (message.serialization() != serialization()) {
    throw std::logic_error("the message is written for a channel of the other serialization");
  }
  auto sent = state().send(message);
  return Sent(state_, std::move(sent), !state().machine.behind());
}
void Channel::hold(bool on) {
  const auto state = this->state().shared_from_this();
  state->held = on;
  if (!on) state->pump();
}

void Channel::pause(bool on) {
  const auto state = this->state().shared_from_this();
  if (std::exchange(state->paused, on) == on) return;
  on ? state->update_interest() : state->pump();
}

bool Channel::paused() const { return state().paused; }

Channel::Sent Channel::send_parcel(const Value& message, Parcel parcel) {
  auto sent = state().send(message, std::move(parcel));
  return Sent(state_, std::move(sent), !state().machine.behind());
}

// What the peer gets, and its owner keeps.
Channel::Sent Channel::send_copy(const Value& message, Parcel parcel, int descriptor) {
  if (descriptor < 0) throw std::logic_error("send: there is no handle");
  Fd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy)
    return Sent(state().shared_from_this(), failure(errno, "send " + std::string(parcel.type), "dup"), false);
  make_nonblocking(copy.get());
  parcel.handle = net::Native(std::move(copy), DescriptorKind::closed);
  parcel.shared = true;
  return send_parcel(message, std::move(parcel));
}

Channel::Sent Channel::send(const Value& message, const net::Server& server) {
  server.shared(true);
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
  if (type.empty())
    return Sent(state().shared_from_this(), failure(Errc::wrong_handle, "send a handle", describe(kind)),
                false);
  make_nonblocking(handle.descriptor());
  return send_parcel(message, {.type = type, .handle = std::move(handle)});
}

Channel::Sent Channel::send(const Value& message, const net::Native& handle) {
  const DescriptorKind kind = handle.kind();
  const std::string_view type = wire::HandleMessage::native_type(kind);
  if (type.empty())
    return Sent(state().shared_from_this(), failure(Errc::wrong_handle, "send a handle", describe(kind)),
                false);
  return send_copy(message, {.type = type, .handle = {}}, handle.descriptor());
}

void Channel::on_message(Handler<Message> callback) {
  state().on_message.set(std::move(callback));
  state().update_ref();
  state().loop.defer([state = state_] { state->pump(); });
}
Op<std::optional<Message>> Channel::next_message() {
  Promise<std::optional<Message>> promise(state().loop, "next message");
  auto op = promise.op();
  state().next_messages.push_back(std::move(promise));
  state().update_ref();
  state().loop.defer([state = state_] { state->pump(); });
  return op;
}
Op<Value> Channel::request(const Value& message) {
  auto op = state().calls().ask(message);
  state().update_ref();
  return op;
}
void Channel::on_request(Answer answer) {
  state().calls().answer_with(std::move(answer));
  state().update_ref();
  state().loop.defer([state = state_] { state->pump(); });
}
void Channel::on_disconnect(Handler<bool> callback) {
  state().on_disconnect.set(std::move(callback));
  state().update_ref();
}
Op<> Channel::disconnected() {
  Promise<> promise(state().loop, "disconnection");
  auto op = promise.op();
  if (state().end_told || !state().descriptor) {
    promise.resolve({});
  } else {
    state().disconnect_waits.push_back(std::move(promise));
    state().update_ref();
  }
  return op;
}
void Channel::on_drain(Handler<> callback) { state().on_drain.set(std::move(callback)); }
void Channel::on_error(Handler<const Error&> callback) { state().on_error.set(std::move(callback)); }
void Channel::on_unsent(Handler<net::Native, const Error&> callback) {
  state().on_unsent.set(std::move(callback));
}

Op<> Channel::flushed() {
  Promise<> promise(state().loop, "flush a channel");
  auto op = promise.op();
  state().flush_waits.push_back(std::move(promise));
  state().settle_flush_waits();
  return op;
}
void Channel::on_close(Handler<> callback) { state().on_close.set(std::move(callback)); }

void Channel::disconnect() { state().disconnect(); }
bool Channel::connected() const noexcept { return state_ && state_->descriptor && state_->machine.accepts(); }

Op<uint64_t> Channel::count_sockets(const net::Server& server) {
  Promise<uint64_t> promise(state().loop, "count the sockets of " + server.key());
  auto op = promise.op();
  if (!state().descriptor) {
    promise.resolve(failure(Errc::disconnected, "count the sockets of " + server.key()));
    return op;
  }
  if (!state().machine.ask_socket_count(server.key())) {
    promise.resolve(failure(Errc::queue_full, "count the sockets of " + server.key()));
    return op;
  }
  state().count_waits.emplace(server.key(), std::move(promise));
  state().schedule_flush();
  return op;
}
Op<> Channel::sockets_closed(const net::Server& server) {
  Promise<> promise(state().loop, "wait for the sockets of " + server.key());
  auto op = promise.op();
  if (!state().descriptor) {
    promise.resolve(failure(Errc::disconnected, "wait for the sockets of " + server.key()));
    return op;
  }
  if (!state().machine.ask_sockets_closed(server.key())) {
    promise.resolve(failure(Errc::queue_full, "wait for the sockets of " + server.key()));
    return op;
  }
  state().close_waits.emplace(server.key(), std::move(promise));
  state().schedule_flush();
  return op;
}

void Channel::ref() {
  state().fixed_ref = true;
  state().update_ref();
}
void Channel::unref() {
  state().fixed_ref = false;
  state().update_ref();
}

bool Channel::write_now() {
  state().write_out();
  return state().descriptor && !state().machine.output_over() && state().machine.unsent() == 0;
}
pid_t Channel::sender() const { return state().sender; }
const std::vector<Sender>& Channel::senders() const { return state().senders; }

void Channel::peer_gone(Callback heard) {
  const auto state = this->state().shared_from_this();
  state->peer_gone(std::move(heard));
}
void Channel::forget() {
  auto over = std::make_shared<State>(state().loop, Fd(), state().options);
  over->machine.output_broken(Error(make_error_code(Errc::disconnected), "send"));
  over->carry_out_notices();
  over->input_over = over->end_told = true;
  std::exchange(state_, std::move(over))->detach();
}
void Channel::on_peer_death(Handler<std::string_view> callback) {
  state().on_peer_death.set(std::move(callback));
}
void Channel::tell_death(std::string_view what) {
  state().machine.tell_death(what);
  state().write_out();
}
void Channel::on_internal(Handler<Message> callback) {
  state().on_internal.set(std::move(callback));
  state().loop.defer([state = state_] { state->pump(); });
}
void Channel::on_internal_refused(Handler<const Value&> callback) {
  state().on_internal_refused.set(std::move(callback));
}
Result<uint64_t> Channel::offer(const Value& message, net::Native&& handle) {
  const std::string_view type = wire::HandleMessage::native_type(handle.kind());
  if (type.empty()) return failure(Errc::wrong_handle, "offer a handle", describe(handle.kind()));
  return state().offer(message, type, handle);
}
net::Native Channel::take_back(uint64_t offer) { return state().take_back(offer); }
void Channel::on_refused(Handler<uint64_t> callback) { state().on_refused.set(std::move(callback)); }
bool Channel::peer_is_baton() const { return state().machine.peer_is_baton(); }
void Channel::on_peer_baton(Handler<> callback) { state().on_peer_baton.set(std::move(callback)); }

}  // namespace baton
