// What the program and the layers above are told.
#include <chrono>
#include <utility>

#include "ipc/channel_state.h"

namespace baton {

// A wait that was given up takes nothing.
bool Channel::State::somebody_takes_messages() {
  if (held) return false;
  while (!next_messages.empty() && !next_messages.front().wanted()) next_messages.pop_front();
  return on_message || !next_messages.empty();
}

void Channel::State::pump() {
  const auto until = Turn::Clock::now() + Turn::share;
  // At the clock. What the layers above say to each other may take long each time.
  constexpr unsigned between_looks = 4;
  unsigned count = 0;
  const auto over = [&](bool may_take_long) {
    const bool look = ++count % between_looks == 0 || may_take_long;
    return loop.stopping() || (look && Turn::Clock::now() >= until);
  };
  const auto go_on_later = [&] {
    if (!pumping) pumping = NextTurn(loop, [this] { shared_from_this()->pump(); });
    pumping.ask();
    update_interest();
    update_ref();
  };
  carry_out_notices();
  if (!detached && loop.stopping()) return go_on_later();
  // A message may wait for a listener; what the layers above say to each other does not, nor does the end.
  while (!detached && !paused) {
    const bool messages = somebody_takes_messages();
    const bool requests = !held && calls_ && calls_->answering();
    const bool replies = !held && calls_;
    if (!messages && !requests && !replies && !on_internal) break;
    auto delivery = machine.next_delivery({.messages = messages, .requests = requests, .replies = replies});
    if (!delivery) {
      read_kept();
      break;
    }
    const bool may_take_long = delivery->internal || delivery->handle;
    deliver(std::move(*delivery));
    if (!over(may_take_long)) continue;
    if (!detached) go_on_later();
    return;
  }
  const bool internal_first = on_internal && machine.has_internals();
  const bool told_before = end_told;
  const bool end_is_next = input_over && !on_message && !internal_first && !machine.kept_frame();
  if (!detached && end_is_next && !end_told && !held && !paused) deliver_end(machine.end_was_reset());
  if (detached) return;
  if (end_told && (queue.empty() || !descriptor)) finish();
  if (!next_messages.empty() && (end_told || !descriptor) && !machine.kept_frame()) {
    // Who has been told of the end only now may ask for what came before.
    if (!told_before && end_told) return go_on_later();
    for (auto& waiter : std::exchange(next_messages, {})) waiter.resolve(std::nullopt);
  }
  // What was taken has made room.
  update_interest();
  tell_heard();
  update_ref();
}

// Messages that nobody takes keep nobody waiting; those that are held do.
void Channel::State::tell_heard() {
  if (!heard_ || held || paused || machine.large_frame() || machine.kept_frame()) return;
  if (descriptor && !input_over && !machine.saturated()) return;
  auto heard = std::exchange(heard_, nullptr);
  heard();
}

// --- what the machine wants

void Channel::State::carry_out_notices() {
  // The queue knows handles by their descriptors, and they may be closed or given back from here on.
  if (machine.output_over()) queue.clear();
  while (auto notice = machine.next_notice()) carry_out(*notice);
}

void Channel::State::carry_out(wire::Notice& notice) {
  using Kind = wire::Notice::Kind;
  switch (notice.kind) {
    case Kind::close_handle:
      handles.take(notice.handle);
      break;
    case Kind::handle_ours: {
      if (const auto asker = unasked.find(notice.sequence); asker != unasked.end())
        asker->second = *notice.error;
      const bool shared = handles.shared(notice.handle);
      net::Native back = handles.take_back(notice.handle);
      if (on_unsent && !shared) {
        on_unsent.fire(loop, std::move(back), *notice.error);
      } else if (!detached && !(shared && watched.contains(notice.sequence))) {
        report(*notice.error);
      }
      break;
    }
    case Kind::offer_refused:
      on_refused.fire(loop, notice.handle);
      break;
    case Kind::internal_refused:
      on_internal_refused.fire(loop, notice.message);
      break;
    case Kind::peer_is_baton:
      on_peer_baton.fire(loop);
      break;
    case Kind::settled: {
      const auto waiter = watched.find(notice.sequence);
      if (waiter == watched.end()) break;
      Promise<> promise = std::move(waiter->second);
      watched.erase(waiter);
      promise.resolve(notice.error ? Result<void>(std::unexpected(*notice.error)) : Result<void>());
      break;
    }
    case Kind::report:
      report(*notice.error);
      break;
    case Kind::retry_later:
      retry_timer = Timer(loop, std::chrono::milliseconds(notice.milliseconds), [this] {
        const auto self = shared_from_this();
        machine.retry_due();
        flush();
      });
      break;
    case Kind::shut_down:
      shut_down();
      break;
    case Kind::peer_died:
      on_peer_death.fire(loop, notice.text);
      break;
    case Kind::socket_count: {
      auto [first, last] = count_waits.equal_range(notice.text);
      for (auto wait = first; wait != last; ++wait) wait->second.resolve(notice.count);
      count_waits.erase(first, last);
      break;
    }
    case Kind::sockets_closed: {
      auto [first, last] = close_waits.equal_range(notice.text);
      for (auto wait = first; wait != last; ++wait) wait->second.resolve({});
      close_waits.erase(first, last);
      break;
    }
  }
}

void Channel::State::deliver(wire::Delivery&& delivery) {
  if (delivery.ended) {
    if (!end_told) deliver_end(delivery.unread);
    return;
  }
  const bool is_reply = delivery.call == wire::CallKind::reply;
  if (delivery.call != wire::CallKind::none && calls_ && (is_reply || calls_->answering())) {
    return calls_->came(wire::read_call(std::move(delivery.message)));
  }
  // What nearly all messages are takes the short way.
  if (!delivery.handle && !delivery.internal && next_messages.empty()) {
    return on_message.fire(loop, Message(std::move(delivery.message)));
  }
  auto message = make_message(delivery);
  if (!message) return report(message.error());
  if (delivery.internal) {
    if (on_internal) {
      on_internal.fire(loop, std::move(*message));
    } else if (message->has_handle()) {
      report(Error(make_error_code(Errc::handle_unclaimed), "receive", message->handle_type()));
    }
    return;
  }
  if (somebody_takes_messages() && !next_messages.empty()) {
    next_messages.front().resolve(std::move(*message));
    next_messages.pop_front();
    return;
  }
  on_message.fire(loop, std::move(*message));
}

Result<Message> Channel::State::make_message(wire::Delivery& delivery) {
  if (!delivery.handle) return Message(std::move(delivery.message));
  net::Native native = handles.take(*delivery.handle);
  if (delivery.type == "net.Server") {
    auto server = net::Server::adopt(loop, native.release());
    if (!server) return std::unexpected(server.error());
    return Message(std::move(delivery.message), std::move(delivery.type), std::move(*server));
  }
  native.set_unread(std::move(delivery.ahead));
  if (delivery.type == "dgram.Socket") {
    auto socket = net::UdpSocket::adopt(loop, native.release());
    if (!socket) return std::unexpected(socket.error());
    return Message(std::move(delivery.message), std::move(delivery.type), std::move(*socket));
  }
  if (delivery.type == "net.BoundSocket") {
    auto socket = net::BoundSocket::adopt(native.release());
    if (!socket) return std::unexpected(socket.error());
    return Message(std::move(delivery.message), std::move(delivery.type), std::move(*socket));
  }
  if (delivery.type == "net.Socket") {
    auto socket = net::Socket::adopt(loop, std::move(native));
    if (!socket) return std::unexpected(socket.error());
    if (!delivery.key.empty()) {
      socket->on_gone([weak = weak_from_this(), key = delivery.key] {
        const auto self = weak.lock();
        if (!self) return;
        self->machine.socket_closed(key);
        self->schedule_flush();
      });
    }
    return Message(std::move(delivery.message), std::move(delivery.type), std::move(*socket));
  }
  return Message(std::move(delivery.message), std::move(delivery.type), std::move(native));
}

void Channel::State::deliver_end(bool unread) {
  end_told = true;
  // What was sent until now still goes out if the peer reads on.
  machine.disconnect();
  for (auto& wait : std::exchange(disconnect_waits, {})) wait.resolve({});
  if (calls_) calls_->ended();
  on_disconnect.fire_once(loop, unread);
  if (detached) return;
  restart_deadline();
  flush();
}

}  // namespace baton
