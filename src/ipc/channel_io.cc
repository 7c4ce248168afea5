// The descriptor: what is read from it goes into the machine, and what the machine has goes out.
#include <sys/socket.h>

#include <chrono>
#include <utility>

#include "ipc/channel_state.h"

namespace baton {
namespace {

constexpr auto starved_pause = std::chrono::milliseconds(10);
// Reads that bring descriptors are acknowledged together, up to so many.
constexpr int reads_together = 32;
constexpr int reads_a_turn = 64;
// Up to so much the kernel takes whole or not at all, so that no part of a length is left behind.
constexpr size_t longest_run = size_t{32} << 10;

}  // namespace

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
  if (!descriptor) return fail_waits();
  settle_flush_waits();
  update_interest();
  if (drain_wanted && descriptor && !machine.above_high_water()) {
    drain_wanted = false;
    on_drain.fire();
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

}  // namespace baton
