#include "wire/channel_machine.h"

// What goes out; what comes in is in channel_machine_input.cc.

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/drop_memory.h"
#include "base/spare_text.h"
#include "wire/channel_frames.h"
#include "wire/handle_message.h"

namespace baton::wire {
ChannelMachine::ChannelMachine(ChannelLimits limits, Serialization serialization)
    : limits_(limits), codec_(serialization, limits.message), inbox_(limits, serialization) {}

// --- outgoing

void ChannelMachine::announce() {
  if (std::exchange(announced_, true)) return;
  put(codec_.frame(hello()));
}

Result<uint64_t> ChannelMachine::send(const Value& message, const Outgoing* handle) {
  const bool answered = input_ == Input::open;
  if (!accepting_ || broken_ || (handle != nullptr && !answered)) {
    return failure(Errc::disconnected, "send");
  }
  if (handle != nullptr && !handle->ahead.empty() && !peer_is_baton_) {
    return failure(ENOTSUP, "send", "bytes read ahead, to a peer that has not said that it is Baton");
  }
  if (handle != nullptr && handle->ahead.size() > most_ahead) {
    return failure(Errc::message_too_large, "send",
                   std::to_string(handle->ahead.size()) + " bytes read ahead");
  }
  std::string& out = output_.bytes;
  if (out.empty()) out = take_spare_text();
  const size_t start = out.size();
  const auto envelope =
      handle == nullptr ? Envelope{} : Envelope{handle->type, handle->key, handle->dgram_type, handle->ahead};
  const auto written = codec_.append(out, message, limits_.depth, handle == nullptr ? nullptr : &envelope);
  if (!written) {
    out.resize(start);
    return failure(static_cast<Errc>(written.error().code().value()), "send", written.error().step());
  }
  return accept(start, *written, handle);
}

Result<uint64_t> ChannelMachine::send(const WrittenMessage& message) {
  if (!accepting_ || broken_) return failure(Errc::disconnected, "send");
  const size_t start = output_.bytes.size();
  output_.bytes += message.frame();
  return accept(start, message.size(), nullptr);
}

// A frame that stands at the end of the output.
Result<uint64_t> ChannelMachine::accept(size_t start, size_t written, const Outgoing* handle) {
  std::string& out = output_.bytes;
  auto undo = [&](std::unexpected<Error> error) {
    out.resize(start);
    return error;
  };
  const size_t size = out.size() - start;
  if (written > limits_.message) {
    return undo(failure(Errc::message_too_large, "send", std::to_string(written) + " bytes"));
  }
  if (unsent() + written > limits_.queue) return undo(failure(Errc::queue_full, "send"));

  const uint64_t sequence = ++sequence_;
  if (!queue_.empty() || must_queue(handle != nullptr)) {
    Queued queued{out.substr(start), sequence, std::nullopt, false};
    out.resize(start);
    if (handle != nullptr) {
      queued.handle = handle->id;
      queued.offer = handle->offer;
    }
    queued_bytes_ += queued.frame.size();
    queue_.push_back(std::move(queued));
  } else {
    if (handle != nullptr) {
      output_.marks.push_back({start, handle->id});
      const uint64_t end = generated_ + size;
      if (handle->offer) {
        ledger_.offer_once(handle->id, sequence, end);
      } else {
        ledger_.offer(handle->id, sequence, out.substr(start), end);
      }
    }
    generated_ += size;
  }
  return sequence;
}

void ChannelMachine::watch(uint64_t sequence) {
  if (ledger_.watch(sequence)) return;
  const auto queued = std::ranges::lower_bound(queue_, sequence, {}, &Queued::sequence);
  if (queued != queue_.end() && queued->sequence == sequence) {
    queued->watched = true;
    return;
  }
  if (broken_ && sequence > sent_through_) {
    lose(sequence, Error(make_error_code(Errc::disconnected), "send"));
    return;
  }
  // It is in the output, and so are all before it.
  waiting_.push_back({sequence, generated_});
  settle_written();
}

bool ChannelMachine::must_queue(bool with_handle) const noexcept {
  if (input_ != Input::open) return false;  // no answer will come that would end the wait
  if (peer_is_baton_) {
    return with_handle && (ledger_.size() >= limits_.offers || ledger_.bytes() >= limits_.queue);
  }
  return !ledger_.empty();
}

void ChannelMachine::release_queue() {
  while (!queue_.empty() && !must_queue(queue_.front().handle.has_value())) {
    Queued next = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= next.frame.size();
    if (!next.handle) {
      put(next.frame);
      if (next.watched) waiting_.push_back({next.sequence, generated_});
    } else if (input_ == Input::open) {
      put_offer(next.frame, *next.handle);
      if (next.offer) {
        ledger_.offer_once(*next.handle, next.sequence, generated_);
      } else {
        ledger_.offer(*next.handle, next.sequence, std::move(next.frame), generated_);
      }
      if (next.watched) ledger_.watch(next.sequence);
    } else {
      give_back(next, Error(make_error_code(Errc::disconnected), "send"));
    }
  }
  settle_written();
}

void ChannelMachine::put(std::string_view frame) {
  if (broken_) return;
  output_.bytes += frame;
  generated_ += frame.size();
}

void ChannelMachine::put_offer(std::string_view frame, HandleId handle) {
  output_.marks.push_back({output_.bytes.size(), handle});
  put(frame);
}

void ChannelMachine::send_internal(std::string frame) {
  if (broken_ || shut_down_) return;
  if (!queue_.empty() || must_queue(false)) {
    queued_bytes_ += frame.size();
    queue_.push_back({std::move(frame), ++sequence_, std::nullopt, false});
  } else {
    put(frame);
  }
}

Output ChannelMachine::take_output() { return std::exchange(output_, {}); }

void ChannelMachine::written(uint64_t total) {
  if (broken_) return;
  written_ = total;
  if (generated_ == written_ && queue_.empty()) sent_through_ = sequence_;
  while (!unacknowledged_.empty() && unacknowledged_.front() <= written_) unacknowledged_.pop_front();
  settle_written();
  shut_down_if_done();
}

void ChannelMachine::settle_written() {
  while (!waiting_.empty() && waiting_.front().end <= written_) {
    Notice done = notice(Notice::Kind::settled);
    done.sequence = waiting_.front().sequence;
    notices_.push_back(std::move(done));
    waiting_.pop_front();
  }
}

void ChannelMachine::output_broken(const Error& error) {
  if (std::exchange(broken_, true)) return;
  accepting_ = false;
  drop_memory(output_);
  generated_ = written_;
  for (const Waiting& waiting : std::exchange(waiting_, {})) lose(waiting.sequence, error);
  for (const Queued& queued : std::exchange(queue_, {})) give_back(queued, error);
  queued_bytes_ = 0;
  drop_unacknowledged();
}

// Handles whose ACK never reached the kernel still are the sender's.
void ChannelMachine::drop_unacknowledged() {
  unacknowledged_.clear();
  for (const Delivery& delivery : inbox_.drop_unacknowledged(written_)) {
    Notice dropped = notice(Notice::Kind::close_handle);
    dropped.handle = delivery.handle.value_or(0);
    notices_.push_back(std::move(dropped));
    if (!delivery.key.empty()) (void)counts_.closed(delivery.key);
  }
}

void ChannelMachine::disconnect() {
  accepting_ = false;
  disconnecting_ = true;
  shut_down_if_done();
}

void ChannelMachine::shut_down_if_done() {
  if (!disconnecting_ || shut_down_ || broken_ || generated_ != written_ || !queue_.empty()) return;
  if (!ledger_.empty() && input_ == Input::open) return;
  shut_down_ = true;
  notices_.push_back(notice(Notice::Kind::shut_down));
}

void ChannelMachine::retry_due() {
  if (input_ != Input::open || broken_) return;
  for (const HandoffLedger::Entry* entry : ledger_.offer_again(generated_))
    put_offer(entry->frame, entry->handle);
}

void ChannelMachine::peer_gone() {
  if (input_ == Input::open) return;
  // What comes back must not be in the output any more.
  output_broken(Error(make_error_code(Errc::disconnected), "send"));
  for (const auto& entry : ledger_.holder_gone()) {
    give_back(entry, Error(make_error_code(Errc::disconnected), "send"));
  }
}

void ChannelMachine::take_back(HandleId offer) {
  const auto queued = std::ranges::find(queue_, std::optional(offer), &Queued::handle);
  if (queued != queue_.end()) {
    if (queued->watched) lose(queued->sequence, Error(make_error_code(Errc::cancelled), "send"));
    queued_bytes_ -= queued->frame.size();
    queue_.erase(queued);
    shut_down_if_done();
  } else if (!broken_ && ledger_.unsent(offer, written_)) {
    output_broken(Error(make_error_code(Errc::disconnected), "take back an offer"));
  }
}

void ChannelMachine::give_back(const HandoffLedger::Entry& entry, const Error& error) {
  if (!entry.once) {
    Notice back = notice(Notice::Kind::handle_ours);
    back.handle = entry.handle;
    back.sequence = entry.sequence;
    back.error = error;
    notices_.push_back(std::move(back));
  }
  if (entry.watched) lose(entry.sequence, error);
}

void ChannelMachine::give_back(const Queued& queued, const Error& error) {
  using State = HandoffLedger::State;
  if (queued.handle) {
    give_back({*queued.handle, queued.sequence, {}, 0, 0, queued.watched, State::refused, queued.offer},
              error);
  } else if (queued.watched) {
    lose(queued.sequence, error);
  }
}

void ChannelMachine::lose(uint64_t sequence, const Error& error) {
  Notice lost = notice(Notice::Kind::settled);
  lost.sequence = sequence;
  lost.error = error;
  notices_.push_back(std::move(lost));
}

void ChannelMachine::socket_closed(const std::string& key) {
  if (counts_.closed(key)) send_internal(codec_.frame(socket_message("NODE_SOCKET_ALL_CLOSED", key)));
}
bool ChannelMachine::ask_socket_count(const std::string& key) {
  return ask(codec_.frame(socket_message("NODE_SOCKET_GET_COUNT", key)));
}
bool ChannelMachine::ask_sockets_closed(const std::string& key) {
  return ask(codec_.frame(socket_message("NODE_SOCKET_NOTIFY_CLOSE", key)));
}
bool ChannelMachine::ask(std::string frame) {
  if (unsent() + frame.size() > limits_.queue) return false;
  send_internal(std::move(frame));
  return true;
}
void ChannelMachine::tell_death(std::string_view what) {
  if (!announced_) return;
  send_internal(codec_.frame(Value::object().set("cmd", "NODE_BATON").set("died", what)));
}

}  // namespace baton::wire
