#include "ipc/channel_state.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace baton {
namespace {

// What takes more as a value takes the loop long.
constexpr size_t read_at_once = size_t{256} << 10;
// Of a value, where only short frames are taken; and how many of the longest frames may wait.
constexpr size_t least_memory = size_t{8} << 20;
constexpr size_t frames_that_wait = 16;
constexpr size_t flush_at = size_t{64} << 10;

// Of a channel without a handler for errors, in a second.
constexpr unsigned most_reports = 1000;

wire::ChannelLimits limits_of(const ChannelOptions& options) {
  wire::ChannelLimits limits;
  limits.message = options.longest_message();
  limits.memory = std::max(options.longest_message(), least_memory);
  limits.queue = std::min(limits.queue, frames_that_wait * options.longest_message());
  limits.at_once = std::min(read_at_once, limits.message);
  return limits;
}

}  // namespace

Channel::State::State(Loop& owner, Fd fd, ChannelOptions channel_options)
    : loop(owner),
      descriptor(std::move(fd)),
      options(channel_options),
      machine(limits_of(channel_options), channel_options.serialization()),
      reports(
          owner, [&owner](std::string_view line) { owner.report("channel: " + std::string(line)); },
          ReportLimit(most_reports, most_reports)) {
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

Result<uint64_t> Channel::State::send(const wire::WrittenMessage& message) {
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
    unasked.emplace(*sent, std::nullopt);
    was_accepted();
  } else if (parcel.shared) {
    handles.take(id);
  } else {
    loop.defer([self = shared_from_this(), id, error = sent.error()] {
      net::Native back = self->handles.take_back(id);
      if (self->on_unsent) self->on_unsent.fire(self->loop, std::move(back), error);
    });
  }
  return sent;
}

void Channel::State::was_accepted() {
  if (machine.behind()) drain_wanted = true;
  // Large amounts go in pieces that stay in the processor's cache.
  if (machine.unsent() - queue.size() >= flush_at && !blocked) write_out();
  schedule_flush();
}

Result<uint64_t> Channel::State::offer(const Value& message, std::string_view type, net::Native& handle) {
  const std::string ahead = handle.unread();
  const wire::HandleId id = handles.add(std::move(handle));
  const wire::ChannelMachine::Outgoing outgoing{id, type, {}, true, {}, ahead};
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
  Promise<> promise(loop, "send a message");
  auto op = promise.op();
  promise.on_orphan([weak = weak_from_this()](const Error& error) {
    if (const auto self = weak.lock()) self->report(error);
  });
  if (auto fate = unasked.extract(sequence); !fate.empty() && fate.mapped()) {
    promise.resolve(std::unexpected(*fate.mapped()));
    return op;
  }
  watched.emplace(sequence, std::move(promise));
  machine.watch(sequence);
  schedule_flush();
  return op;
}

void Channel::State::forget(uint64_t sequence) {
  if (!unasked.empty()) unasked.erase(sequence);
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
  calls_.reset();
  heard_ = nullptr;
  reading_kept = Work();
  if (descriptor) {
    enqueue(machine.take_output());
    queue.flush(descriptor.get());
  }
  finish();
  handles.clear();
}

bool Channel::State::listening() const {
  return on_message || on_disconnect || !next_messages.empty() || !disconnect_waits.empty() ||
         (calls_ && (calls_->answering() || calls_->waiting()));
}

Calls& Channel::State::calls() {
  if (!calls_) {
    calls_ = std::make_unique<Calls>(loop, *this);
    if (end_told || !descriptor) calls_->ended();
  }
  return *calls_;
}

Result<void> Channel::State::send_call(const Value& message) {
  auto sent = send(message);
  if (!sent) return std::unexpected(std::move(sent).error());
  return {};
}

void Channel::State::update_ref() {
  if (!poll) return;
  const bool unfinished = !queue.empty() || flush_scheduled || !machine.accepts() || heard_;
  const bool wanted = fixed_ref.value_or(!options.ref_while_listening() || listening());
  if (wanted || unfinished) {
    poll.ref();
  } else {
    poll.unref();
  }
}

void Channel::State::report(const Error& error) {
  if (on_error) return on_error.fire(loop, error);
  if (!detached) reports.report(error);
}

// Everything is over. What is on offer stays open until the peer's fate is known.
void Channel::State::finish() {
  if (!descriptor) return;
  machine.output_broken(Error(make_error_code(Errc::disconnected), "send"));
  carry_out_notices();
  poll.close();
  // With what lies unread in it, which may be descriptors.
  const net::Native closed(std::move(descriptor), DescriptorKind::unix_stream);
  queue.clear();
  reading_large = Work();
  deadline.stop();
  retry_timer.stop();
  starved_timer.stop();
  failed_timer.stop();
  held_up_timer.stop();
  count_waits.clear();
  close_waits.clear();
  fail_waits();
  loop.defer([self = shared_from_this()] { self->on_close.fire_once(self->loop); });
}

// Nothing can be sent or answered any more.
void Channel::State::fail_waits() {
  for (auto& [sequence, promise] : std::exchange(watched, {})) {
    promise.resolve(failure(Errc::disconnected, "send"));
  }
  settle_flush_waits();
}

}  // namespace baton
