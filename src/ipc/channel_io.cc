// The descriptor: what is read from it goes into the machine, and what the machine has goes out.
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "base/spare_text.h"
#include "ipc/channel_state.h"

namespace baton {
namespace {

constexpr auto starved_pause = std::chrono::milliseconds(10);
// So often in a row reading may fail before the channel is given up: some seconds.
constexpr unsigned most_failed_reads = 300;
// Reads that bring descriptors are acknowledged together, up to so many.
constexpr int reads_together = 32;
// Up to so much the kernel takes whole or not at all, so that no part of a length is left behind.
constexpr size_t longest_run = size_t{32} << 10;

}  // namespace

void Channel::State::update_interest() {
  if (!descriptor) return;
  int events = Poll::nothing;
  if (!input_over && !machine.saturated() && !failed_timer.active() && !held_up()) events |= Poll::readable;
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

// What it has sent takes its time to be closed: nothing more of it comes in before. At its end all of that
// does.
bool Channel::State::held_up() {
  if (rest_) return false;
  if (paused) return true;
  if (!handles.aside().full()) return false;
  if (!held_up_timer.active()) {
    held_up_timer = Timer(loop, starved_pause, [this] {
      held_up_timer.stop();
      update_interest();
    });
  }
  return true;
}

// For a share of the loop's turn.
void Channel::State::read() {
  DescriptorRead read;
  int unanswered = 0;
  turn.begin();
  for (bool on = true; on && descriptor && !input_over && !machine.saturated() && !held_up();
       on = turn.go_on()) {
    const bool more = read_once(read);
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
}

// A message may be made of what several have written, and one that waits is not of who wrote last.
void Channel::State::note(const Sender& one) {
  sender = one.process;
  if (machine.nothing_waits()) senders.clear();
  if (std::ranges::find(senders, one) != senders.end()) return;
  if (senders.size() < most_senders) {
    senders.push_back(one);
  } else {
    senders.back() = {};
  }
}

// False: nothing more is to be read for now.
bool Channel::State::read_once(DescriptorRead& read) {
  const auto outcome = read.from(descriptor.get(), std::min(turn.size(), rest_.value_or(turn.size())));
  if (outcome == DescriptorRead::Outcome::failed && try_again_after(errno)) return false;
  failed_reads_ = 0;
  if (outcome == DescriptorRead::Outcome::nothing && !rest_) return false;
  if (outcome != DescriptorRead::Outcome::data) {
    end_input(outcome == DescriptorRead::Outcome::reset || outcome == DescriptorRead::Outcome::failed);
    return false;
  }
  note(read.sender());
  std::vector<wire::ReceivedHandle> received;
  received.reserve(read.descriptors().size());
  for (Fd& fd : read.descriptors()) {
    const DescriptorKind kind = descriptor_kind(fd.get());
    received.push_back({handles.add_received(std::move(fd), kind), kind});
  }
  machine.received(read.bytes(), received, read.truncated());
  read_large();
  if (machine.input_refused()) input_over = true;
  // What nobody can claim is not kept while more is read.
  if (received.size() > 1) {
    carry_out_notices();
    if (!descriptor) return false;
  }
  if (!machine.accepts()) restart_deadline();
  if (rest_) {
    *rest_ -= std::min(*rest_, read.bytes().size());
    if (input_over || (*rest_ == 0 && !machine.large_frame())) {
      end_input(false);
      return false;
    }
  }
  // A read ends where another process has written on; after the end nobody comes back for the rest.
  return rest_ || !read.emptied();
}

// An error that says nothing about the channel costs it nothing but time.
bool Channel::State::try_again_after(int error) {
  if (failed_reads_++ == 0) report(Error(error, "receive", "recvmsg"));
  if (!descriptor || failed_reads_ >= most_failed_reads) return !descriptor;
  failed_timer = Timer(loop, starved_pause, [this] {
    const auto self = shared_from_this();
    failed_timer.stop();
    read();
  });
  return true;
}

// A large frame costs others on the loop no time.
Work Channel::State::read_beside(const wire::Inbox::Frame& frame,
                                 std::move_only_function<void(Result<Value>&&)> done) {
  const auto outcome = std::make_shared<std::optional<Result<Value>>>();
  auto job = [frame, outcome, how = options.serialization(), limits = machine.limits()] {
    outcome->emplace(wire::read_message(how, *frame, limits));
    if (**outcome) (**outcome)->mark_large();
  };
  return {loop, std::move(job), [outcome, done = std::move(done)]() mutable {
            if (!*outcome) outcome->emplace(failure(ENOMEM, "read a message"));
            done(std::move(**outcome));
          }};
}

void Channel::State::read_large() {
  const auto frame = machine.large_frame();
  if (!frame || reading_large) return;
  reading_large = read_beside(frame, [this](Result<Value>&& message) {
    const auto self = shared_from_this();
    machine.read_large(std::move(message));
    if (machine.input_refused()) input_over = true;
    if (rest_ && (input_over || (*rest_ == 0 && !machine.large_frame()))) end_input(false);
    flush();
    pump();
    read_large();
    update_interest();
  });
}

void Channel::State::read_kept() {
  const auto frame = machine.kept_frame();
  if (!frame || reading_kept) return;
  reading_kept = read_beside(frame, [this, frame](Result<Value>&& message) {
    const auto self = shared_from_this();
    if (!message) report(message.error());
    machine.read_kept(frame, std::move(message).value_or(Value()));
    pump();
  });
}

void Channel::State::end_input(bool reset) {
  input_over = true;
  machine.end_of_input(reset);
  if (rest_) machine.peer_gone();
}

// Whoever else holds the other end, by whatever way it came to him, has nothing to say here: what is in the
// socket now is all that is heard, and as it may be much it is heard in turns.
void Channel::State::peer_gone(Callback heard) {
  if (heard) heard_ = std::move(heard);
  int waiting = 0;
  if (descriptor && !input_over && ::ioctl(descriptor.get(), SIOCINQ, &waiting) != 0) waiting = 0;
  if (!rest_) rest_ = static_cast<size_t>(std::max(waiting, 0));
  if (!descriptor || input_over) {
    machine.peer_gone();
    return pump();
  }
  if (machine.large_frame()) return update_ref();  // what follows it is read when it is
  if (*rest_ == 0) {
    end_input(false);
    flush();
    return pump();
  }
  read();
  update_ref();
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
  if (output.bytes.empty()) return keep_spare_text(std::move(output.bytes));
  if (queue.empty()) run_ = 0;
  if (output.marks.empty()) {
    run_ += output.bytes.size();
    if (run_ <= longest_run || !keeps_lengths_whole()) return queue.append(std::move(output.bytes));
    run_ -= output.bytes.size();
    if (wire::LengthFramer::whole_size(output.bytes) < output.bytes.size()) {
      append_frames(output.bytes);
      return keep_spare_text(std::move(output.bytes));
    }
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
  keep_spare_text(std::move(output.bytes));
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
  if (drain_wanted && descriptor && !machine.behind()) {
    drain_wanted = false;
    on_drain.fire(loop);
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
