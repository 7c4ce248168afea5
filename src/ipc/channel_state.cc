#include "ipc/channel_state.h"

#include <sys/socket.h>

#include <chrono>
#include <cstdio>

namespace baton {
namespace {

constexpr size_t flush_at = size_t{64} << 10;
constexpr auto starved_pause = std::chrono::milliseconds(10);
constexpr auto report_interval = std::chrono::seconds(1);
constexpr int most_reports = 1000;
// Reads that bring descriptors are acknowledged together, up to so many.
constexpr int reads_together = 32;
constexpr int reads_a_turn = 64;
// Up to so much the kernel takes whole or not at all, so that no part of a length is left behind.
constexpr size_t longest_run = size_t{32} << 10;

}  // namespace

Channel::State::State(Loop& owner, Fd fd, ChannelOptions channel_options)
    : loop(owner),
      descriptor(std::move(fd)),
      options(channel_options),
      machine(wire::ChannelLimits(), channel_options.serialization()) {
  poll = Poll(loop, descriptor.get(), [this](int events) { on_event(events); });
}

void Channel::State::start() {
  if (options.announce()) {
    machine.announce();
    schedule_flush();
  }
  update_interest();
  update_ref();
}

// --- what the program does

Result<uint64_t> Channel::State::send(const Value& message) {
  auto sent = machine.send(message);
  if (sent) was_accepted();
  return sent;
}

Result<uint64_t> Channel::State::send(const Value& message, Parcel parcel) {
  const std::string ahead = parcel.handle.unread();
  const wire::HandleId id = handles.add(std::move(parcel.handle), parcel.shared);
  const wire::ChannelMachine::Outgoing outgoing{id, parcel.type, parcel.key, false, parcel.dgram_type, ahead};
  auto sent = machine.send(message, &outgoing);
  if (sent) {
    was_accepted();
  } else if (parcel.shared) {
    handles.take(id);
  } else {
    loop.defer([self = shared_from_this(), id, error = sent.error()] {
      net::Native back = self->handles.take_back(id);
      if (self->on_unsent) self->on_unsent.fire(std::move(back), error);
    });
  }
  return sent;
}

void Channel::State::was_accepted() {
  if (machine.above_high_water()) drain_wanted = true;
  // Large amounts go in pieces that stay in the processor's cache.
  if (machine.unsent() - queue.size() >= flush_at && !blocked) write_out();
  schedule_flush();
}

Result<uint64_t> Channel::State::offer(const Value& message, std::string_view type, net::Native& handle) {
  const wire::HandleId id = handles.add(std::move(handle));
  const wire::ChannelMachine::Outgoing outgoing{id, type, {}, true};
  auto sent = machine.send(message, &outgoing);
  if (!sent) {
    handle = handles.take(id);
    return sent;
  }
  was_accepted();
  return id;
}

net::Native Channel::State::take_back(uint64_t offer) {
  const auto id = static_cast<wire::HandleId>(offer);
  machine.take_back(id);
  // The queue knows the descriptor by its number.
  if (machine.output_over()) queue.clear();
  schedule_flush();
  return handles.take(id);
}

Op<> Channel::State::watch(uint64_t sequence) {
  Promise<> promise(loop);
  auto op = promise.op();
  promise.on_orphan([weak = weak_from_this()](const Error& error) {
    if (const auto self = weak.lock()) self->report(error);
  });
  watched.emplace(sequence, std::move(promise));
  machine.watch(sequence);
  schedule_flush();
  return op;
}

void Channel::State::disconnect() {
  if (!descriptor) return;
  machine.disconnect();
  restart_deadline();
  schedule_flush();
}

void Channel::State::restart_deadline() {
  if (machine.accepts()) return;
  if (deadline.active()) {
    deadline.restart();
    return;
  }
  deadline = Timer(loop, options.disconnect_timeout(), [this] {
    const auto self = shared_from_this();
    report(Error(make_error_code(Errc::timed_out), "disconnect"));
    input_over = true;
    machine.end_of_input(false);
    carry_out_notices();
    pump();
    finish();
  });
  deadline.unref();
}

// The owner is gone: what is in our hands goes to the kernel if it takes it, and that is all.
void Channel::State::detach() {
  const auto self = shared_from_this();
  detached = true;
  flush_waits.clear();
  on_message.clear();
  on_internal.clear();
  on_disconnect.clear();
  on_drain.clear();
  on_close.clear();
  on_error.clear();
  on_unsent.clear();
  on_refused.clear();
  on_internal_refused.clear();
  on_peer_baton.clear();
  on_peer_death.clear();
  next_messages.clear();
  disconnect_waits.clear();
  if (descriptor) {
    enqueue(machine.take_output());
    queue.flush(descriptor.get());
  }
  finish();
  handles.clear();
}

bool Channel::State::listening() const {
  return on_message || on_disconnect || !next_messages.empty() || !disconnect_waits.empty();
}

void Channel::State::update_ref() {
  if (!poll) return;
  const bool unfinished = !queue.empty() || flush_scheduled || !machine.accepts();
  const bool wanted = fixed_ref.value_or(!options.ref_while_listening() || listening());
  if (wanted || unfinished) {
    poll.ref();
  } else {
    poll.unref();
  }
}

// --- what happens

void Channel::State::update_interest() {
  if (!descriptor) return;
  int events = Poll::nothing;
  if (!input_over && !machine.saturated()) events |= Poll::readable;
  if (blocked) events |= Poll::writable;
  poll.want(events);
}

void Channel::State::on_event(int events) {
  const auto self = shared_from_this();
  if ((events & Poll::writable) != 0) {
    blocked = false;
    flush();
    pump();
  }
  if ((events & Poll::readable) != 0) read();
}

// True: its share of the loop's turn is over, and more may be there.
bool Channel::State::read() {
  DescriptorRead read;
  int unanswered = 0;
  bool more = true;
  for (int i = 0; i < reads_a_turn && descriptor && !input_over && !machine.saturated(); ++i) {
    more = read_once(read);
    // Handles are acknowledged together; everything else is delivered while it is warm.
    if (more && !read.descriptors().empty() && ++unanswered < reads_together) continue;
    unanswered = 0;
    flush();
    pump();
    if (!more) break;
  }
  if (unanswered > 0) {
    flush();
    pump();
  }
  update_interest();
  return more && descriptor && !input_over && !machine.saturated();
}

// False: nothing more is to be read for now.
bool Channel::State::read_once(DescriptorRead& read) {
  const auto outcome = read.from(descriptor.get());
  if (outcome == DescriptorRead::Outcome::nothing) return false;
  if (outcome != DescriptorRead::Outcome::data) {
    input_over = true;
    machine.end_of_input(outcome == DescriptorRead::Outcome::reset);
    return false;
  }
  std::vector<wire::ReceivedHandle> received;
  received.reserve(read.descriptors().size());
  for (Fd& fd : read.descriptors()) {
    const DescriptorKind kind = descriptor_kind(fd.get());
    received.push_back({handles.add(std::move(fd), kind), kind});
  }
  machine.received(read.bytes(), received, read.truncated());
  if (machine.input_refused()) input_over = true;
  if (!machine.accepts()) restart_deadline();
  return !read.emptied();
}

void Channel::State::schedule_flush() {
  if (flush_scheduled) return;
  flush_scheduled = true;
  loop.defer([self = shared_from_this()] {
    self->flush_scheduled = false;
    self->flush();
    self->pump();
    self->update_ref();
  });
}

void Channel::State::enqueue(wire::Output&& output) {
  if (output.bytes.empty()) return;
  if (queue.empty()) run_ = 0;
  if (output.marks.empty()) {
    run_ += output.bytes.size();
    if (run_ <= longest_run || !keeps_lengths_whole()) return queue.append(std::move(output.bytes));
    run_ -= output.bytes.size();
    if (wire::LengthFramer::whole_size(output.bytes) < output.bytes.size())
      return append_frames(output.bytes);
    queue.cut();
    run_ = output.bytes.size();
    return queue.append(std::move(output.bytes));
  }
  const std::string_view bytes = output.bytes;
  size_t begin = 0;
  for (const auto& mark : output.marks) {
    append_frames(bytes.substr(begin, mark.offset - begin));
    queue.attach(handles.get(mark.handle));
    run_ = 0;
    begin = mark.offset;
  }
  append_frames(bytes.substr(begin));
}

// Node 18 hears nothing more from a channel of which it once read a part of a length.
bool Channel::State::keeps_lengths_whole() const noexcept {
  return options.serialization() == Serialization::advanced && !machine.peer_is_baton();
}

void Channel::State::append_frames(std::string_view bytes) {
  if (!keeps_lengths_whole()) return queue.append(bytes);
  while (!bytes.empty()) {
    size_t length = 0;
    while (length < bytes.size()) {
      const size_t frame = wire::LengthFramer::whole_size(bytes.substr(length));
      if (run_ > 0 && run_ + frame > longest_run) break;
      run_ += frame;
      length += frame;
    }
    queue.append(bytes.substr(0, length));
    bytes.remove_prefix(length);
    if (bytes.empty()) return;
    queue.cut();
    run_ = 0;
  }
}

// To the kernel, and nothing else: no callback runs here.
void Channel::State::write_out() {
  if (!descriptor) return;
  enqueue(machine.take_output());
  if (!blocked && !starved_timer.active()) {
    switch (queue.flush(descriptor.get())) {
      case net::WriteQueue::State::empty:
        break;
      case net::WriteQueue::State::blocked:
        blocked = true;
        break;
      case net::WriteQueue::State::starved:
        starved_timer = Timer(loop, starved_pause, [this] {
          const auto self = shared_from_this();
          starved_timer.stop();
          flush();
          pump();
        });
        break;
      case net::WriteQueue::State::failed:
        // What went before the failure counts: an acknowledgement in the kernel binds us.
        machine.written(queue.written());
        machine.output_broken(Error(queue.error(), "send", "sendmsg"));
        break;
    }
    machine.written(queue.written());
  }
}

void Channel::State::flush() {
  write_out();
  carry_out_notices();
  if (!descriptor) return;
  settle_flush_waits();
  update_interest();
  if (drain_wanted && descriptor && !machine.above_high_water()) {
    drain_wanted = false;
    on_drain.fire();
  }
}

// A wait that was given up takes nothing.
bool Channel::State::somebody_takes_messages() {
  while (!next_messages.empty() && !next_messages.front().wanted()) next_messages.pop_front();
  return on_message || !next_messages.empty();
}

void Channel::State::pump() {
  carry_out_notices();
  // A message may wait for a listener; what the layers above say to each other does not, nor does the end.
  while (!detached) {
    const bool messages = somebody_takes_messages();
    if (!messages && !on_internal) break;
    auto delivery = machine.next_delivery(!messages);
    if (!delivery) break;
    deliver(std::move(*delivery));
  }
  const bool internal_first = on_internal && machine.has_internals();
  if (!detached && input_over && !end_told && !on_message && !internal_first) {
    deliver_end(machine.end_was_reset());
  }
  if (detached) return;
  if (end_told && (queue.empty() || !descriptor)) finish();
  update_ref();
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
      const bool shared = handles.shared(notice.handle);
      net::Native back = handles.take_back(notice.handle);
      if (on_unsent && !shared) {
        on_unsent.fire(std::move(back), *notice.error);
      } else if (!detached) {
        report(*notice.error);
      }
      break;
    }
    case Kind::offer_refused:
      on_refused.fire(notice.handle);
      break;
    case Kind::internal_refused:
      on_internal_refused.fire(std::move(notice.message));
      break;
    case Kind::peer_is_baton:
      on_peer_baton.fire();
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
      on_peer_death.fire(notice.text);
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

void Channel::State::settle_flush_waits() {
  if (flush_waits.empty()) return;
  if (!descriptor) {
    for (auto& wait : std::exchange(flush_waits, {})) wait.resolve(failure(Errc::disconnected, "flush"));
  } else if (machine.idle() && queue.empty()) {
    for (auto& wait : std::exchange(flush_waits, {})) wait.resolve({});
  }
}

void Channel::State::shut_down() {
  if (descriptor) ::shutdown(descriptor.get(), SHUT_WR);
}

void Channel::State::deliver(wire::Delivery&& delivery) {
  if (delivery.ended) {
    if (!end_told) deliver_end(delivery.unread);
    return;
  }
  // What nearly all messages are takes the short way.
  if (!delivery.handle && !delivery.internal && next_messages.empty()) {
    on_message.fire(Message(std::move(delivery.message)));
    return;
  }
  auto message = make_message(delivery);
  if (!message) {
    report(message.error());
    return;
  }
  if (delivery.internal) {
    if (on_internal) {
      on_internal.fire(std::move(*message));
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
  on_message.fire(std::move(*message));
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
  for (auto& wait : std::exchange(disconnect_waits, {})) wait.resolve({});
  on_disconnect.fire_once(unread);
  if (detached) return;
  for (auto& waiter : std::exchange(next_messages, {}))
    waiter.resolve(failure(Errc::disconnected, "next message"));
  // What was sent until now still goes out if the peer reads on.
  machine.disconnect();
  restart_deadline();
  flush();
}

void Channel::State::report(const Error& error) {
  if (on_error) return on_error.fire(error);
  if (detached) return;
  // A process at its limit of descriptors would say the same for each that did not come.
  if (loop.now() - reports_since >= report_interval) {
    if (reports > most_reports) {
      std::fprintf(stderr, "baton: channel: and %d more such lines\n", reports - most_reports);
    }
    reports_since = loop.now();
    reports = 0;
  }
  if (++reports > most_reports) return;
  std::fprintf(stderr, "baton: channel: %s\n", error.what());
}

// Everything is over. What is on offer stays open until the peer's fate is known.
void Channel::State::finish() {
  if (!descriptor) return;
  machine.output_broken(Error(make_error_code(Errc::disconnected), "send"));
  carry_out_notices();
  poll.close();
  descriptor.reset();
  queue.clear();
  deadline.stop();
  retry_timer.stop();
  starved_timer.stop();
  count_waits.clear();
  close_waits.clear();
  for (auto& [sequence, promise] : std::exchange(watched, {})) {
    promise.resolve(failure(Errc::disconnected, "send"));
  }
  settle_flush_waits();
  loop.defer([self = shared_from_this()] { self->on_close.fire_once(); });
}

}  // namespace baton
