#include "wire/channel_machine.h"

#include <algorithm>
#include <utility>

#include "baton/wire/json.h"

namespace baton::wire {
namespace {

constexpr size_t quoted_of_a_bad_frame = 64;

Notice notice(Notice::Kind kind) { return Notice{.kind = kind}; }

void append_quoted(std::string& out, std::string_view text) { (void)write_json(Value(text), out); }

// A frame {"cmd":<command>,"key":<key>} that may go on.
std::string socket_frame(std::string_view command, const std::string& key) {
  std::string frame = R"({"cmd":")";
  frame += command;
  frame += R"(","key":)";
  append_quoted(frame, key);
  return frame;
}

Result<void> append_frame(std::string& out, const Value& message, const ChannelMachine::Outgoing* handle,
                          unsigned depth) {
  if (handle == nullptr) return write_json(message, out, JsonLimits().depth(depth));
  out += R"({"cmd":"NODE_HANDLE","type":)";
  append_quoted(out, handle->type);
  out += R"(,"msg":)";
  if (auto written = write_json(message, out, JsonLimits().depth(depth - 1)); !written) return written;
  if (!handle->key.empty()) {
    out += R"(,"key":)";
    append_quoted(out, handle->key);
  }
  out += '}';
  return {};
}

}  // namespace

ChannelMachine::ChannelMachine(ChannelLimits limits) : limits_(limits), framer_(limits.message) {}

// --- outgoing

void ChannelMachine::announce() {
  if (std::exchange(announced_, true)) return;
  put(std::string(hello_frame) + '\n');
}

Result<uint64_t> ChannelMachine::send(const Value& message, const Outgoing* handle) {
  const bool answered = input_ == Input::open;
  if (!accepting_ || broken_ || (handle != nullptr && !answered)) {
    return failure(Errc::disconnected, "send");
  }
  std::string& out = output_.bytes;
  const size_t start = out.size();
  auto undo = [&](std::unexpected<Error> error) {
    out.resize(start);
    return error;
  };
  if (auto written = append_frame(out, message, handle, limits_.depth); !written) {
    return undo(failure(static_cast<Errc>(written.error().code().value()), "send", written.error().step()));
  }
  const size_t size = out.size() - start;
  if (size > limits_.message) {
    return undo(failure(Errc::message_too_large, "send", std::to_string(size) + " bytes"));
  }
  if (unsent() + size > limits_.queue) return undo(failure(Errc::queue_full, "send"));
  out += '\n';

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
      const uint64_t end = generated_ + size + 1;
      if (handle->offer) {
        ledger_.offer_once(handle->id, sequence, end);
      } else {
        ledger_.offer(handle->id, sequence, out.substr(start), end);
      }
    }
    generated_ += size + 1;
  }
  return sequence;
}

void ChannelMachine::watch(uint64_t sequence) {
  if (ledger_.watch(sequence)) return;
  for (Queued& queued : queue_) {
    if (queued.sequence != sequence) continue;
    queued.watched = true;
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
  if (peer_is_baton_) return with_handle && ledger_.size() >= limits_.offers;
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
  frame += "}\n";
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
  output_ = {};
  generated_ = written_;
  for (const Waiting& waiting : std::exchange(waiting_, {})) lose(waiting.sequence, error);
  for (const Queued& queued : std::exchange(queue_, {})) give_back(queued, error);
  queued_bytes_ = 0;
  drop_unacknowledged(deliveries_);
  drop_unacknowledged(internals_);
}

// Handles whose ACK never reached the kernel still are the sender's.
void ChannelMachine::drop_unacknowledged(Fifo<Pending>& deliveries) {
  deliveries.erase_if([this](const Pending& pending) {
    if (pending.after_output <= written_) return false;
    Notice dropped = notice(Notice::Kind::close_handle);
    dropped.handle = pending.delivery.handle.value_or(0);
    notices_.push_back(std::move(dropped));
    if (!pending.delivery.key.empty()) (void)counts_.closed(pending.delivery.key);
    undelivered_bytes_ -= pending.size;
    return true;
  });
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
  if (counts_.closed(key)) send_internal(socket_frame("NODE_SOCKET_ALL_CLOSED", key));
}
bool ChannelMachine::ask_socket_count(const std::string& key) {
  return ask(socket_frame("NODE_SOCKET_GET_COUNT", key));
}
bool ChannelMachine::ask_sockets_closed(const std::string& key) {
  return ask(socket_frame("NODE_SOCKET_NOTIFY_CLOSE", key));
}
bool ChannelMachine::ask(std::string frame) {
  if (unsent() + frame.size() > limits_.queue) return false;
  send_internal(std::move(frame));
  return true;
}
void ChannelMachine::tell_death(std::string_view what) {
  if (!announced_) return;
  std::string frame = R"({"cmd":"NODE_BATON","died":)";
  append_quoted(frame, what);
  send_internal(std::move(frame));
}

// --- incoming

void ChannelMachine::received(std::string_view bytes, std::span<const ReceivedHandle> handles,
                              bool truncated) {
  const uint64_t begin = received_;
  received_ += bytes.size();
  if (truncated)
    report(Error(make_error_code(Errc::handle_lost), "receive", "recvmsg: control data cut off"));
  bool claimed = handles.empty();
  auto open_batch = [&] {
    batch_ = Batch{received_, {handles.begin(), handles.end()}};
    claimed = true;
  };

  framer_.feed(bytes);
  while (input_ == Input::open) {
    const auto frame = framer_.next();
    if (!frame) break;
    if (batch_ && frame->start() >= batch_->end) finish_batch();
    if (!claimed && frame->start() >= begin) open_batch();
    on_frame(*frame);
  }
  if (framer_.overflowed() && input_ == Input::open) {
    refuse_input(Error(make_error_code(Errc::message_too_large), "receive",
                       "a frame of over " + std::to_string(limits_.message) + " bytes"));
  }
  // Handles that are offered again may go over the limit too, and are no fault of the peer's.
  if (unsent() > limits_.queue + limits_.message + ledger_.bytes() && input_ == Input::open) {
    refuse_input(Error(make_error_code(Errc::queue_full), "receive", "answers that the peer does not read"));
  }
  const bool whole = framer_.position() == received_ || input_ != Input::open;
  if (batch_ && (whole || framer_.position() >= batch_->end)) finish_batch();
  if (claimed) return;
  // Only a frame that begins in this read may still claim what the read brought.
  if (!whole && framer_.position() >= begin) {
    open_batch();
  } else {
    for (const ReceivedHandle& handle : handles) unclaimed(handle);
  }
}

void ChannelMachine::on_frame(const Frame& frame) {
  std::string_view text = frame.text();
  const bool marked = text.starts_with(internal_mark);
  if (marked) text.remove_prefix(1);
  if (!batch_ && text == ack_frame) {
    bad_in_a_row_ = 0;
    on_answer(true);
    return;
  }
  auto message = read_json(text, JsonLimits().depth(limits_.depth));
  if (!message) {
    bad_frame(frame, message.error());
    return;
  }
  bad_in_a_row_ = 0;
  Parsed parsed{std::move(*message), frame.start(), frame.text().size() + 1, marked};
  if (batch_) {
    held_.push_back(std::move(parsed));
  } else {
    on_message(std::move(parsed), std::nullopt);
  }
}

void ChannelMachine::bad_frame(const Frame& frame, const Error& error) {
  const std::string where = "frame at byte " + std::to_string(frame.start());
  if (error.code() == Errc::message_too_deep) {
    report(Error(error.code(), "receive", where));
    return;
  }
  std::string begins;
  append_quoted(begins, frame.text().substr(0, quoted_of_a_bad_frame));
  report(Error(make_error_code(Errc::bad_message), "receive", where + ": " + begins + ": " + error.step()));
  if (++bad_in_a_row_ < limits_.bad_frames) return;
  refuse_input(Error(make_error_code(Errc::too_many_bad_frames), "receive"));
}

// From here on the peer counts as disconnected.
void ChannelMachine::refuse_input(const Error& error) {
  report(error);
  if (batch_) finish_batch();
  input_ = Input::refused;
  end_of_input(false);
}

void ChannelMachine::finish_batch() {
  const Batch batch = std::move(*batch_);
  batch_.reset();
  std::vector<Parsed> held = std::exchange(held_, {});
  size_t claimant = held.size();
  for (size_t i = 0; i < held.size(); ++i) {
    if (internal_command(held[i].message) == "NODE_HANDLE") claimant = i;
  }
  for (size_t i = 0; i < batch.handles.size(); ++i) {
    if (i == 0 && claimant < held.size()) continue;
    unclaimed(batch.handles[i]);
  }
  for (size_t i = 0; i < held.size(); ++i) {
    auto handle = i == claimant ? std::optional(batch.handles.front()) : std::nullopt;
    on_message(std::move(held[i]), handle);
  }
}

void ChannelMachine::unclaimed(const ReceivedHandle& handle) {
  Notice stray = notice(Notice::Kind::close_handle);
  stray.handle = handle.id;
  notices_.push_back(std::move(stray));
  report(Error(make_error_code(Errc::handle_unclaimed), "receive", describe(handle.kind)));
}

void ChannelMachine::on_message(Parsed&& parsed, std::optional<ReceivedHandle> handle) {
  const std::string_view command = internal_command(parsed.message);
  if (command == "NODE_HANDLE") {
    on_handle_message(std::move(parsed), handle);
  } else if (command.empty() || !on_command(command, parsed.message)) {
    const bool internal = parsed.marked || !command.empty();  // `command` lies in the message that moves
    deliver({.message = std::move(parsed.message), .internal = internal}, parsed.size, 0);
  }
}

void ChannelMachine::on_handle_message(Parsed&& parsed, std::optional<ReceivedHandle> handle) {
  const auto where = [&] { return "frame at byte " + std::to_string(parsed.start); };
  if (broken_ || shut_down_) {
    // Without an acknowledgement it stays the sender's.
    if (handle) {
      Notice refused = notice(Notice::Kind::close_handle);
      refused.handle = handle->id;
      notices_.push_back(std::move(refused));
    }
    report(Error(make_error_code(Errc::disconnected), "receive", where() + ": a handle after the end"));
    return;
  }
  if (!handle) {
    put(std::string(nack_frame) + '\n');
    report(Error(make_error_code(Errc::handle_lost), "receive", where()));
    refuse_internal(HandleMessage(std::move(parsed.message)).take_message());
    return;
  }
  put(std::string(ack_frame) + '\n');
  HandleMessage envelope(std::move(parsed.message));
  if (!envelope.fits(handle->kind)) {
    Notice useless = notice(Notice::Kind::close_handle);
    useless.handle = handle->id;
    notices_.push_back(std::move(useless));
    const std::string type = envelope.type().empty() ? "without a type" : envelope.type();
    report(Error(make_error_code(Errc::wrong_handle), "receive",
                 where() + ": " + std::string(describe(handle->kind)) + " sent as " + type));
    refuse_internal(envelope.take_message());
    return;
  }
  Delivery delivery;
  delivery.message = envelope.take_message();
  delivery.internal = parsed.marked || !internal_command(delivery.message).empty();
  delivery.handle = handle->id;
  delivery.type = envelope.type();
  delivery.key = envelope.key();
  if (!delivery.key.empty()) counts_.opened(delivery.key);
  deliver(std::move(delivery), parsed.size, generated_);
}

// Whoever sent it may wait for more than the answer to the handle.
void ChannelMachine::refuse_internal(Value&& message) {
  if (internal_command(message).empty()) return;
  Notice refused = notice(Notice::Kind::internal_refused);
  refused.message = std::move(message);
  notices_.push_back(std::move(refused));
}

// False: not a command of the channel itself.
bool ChannelMachine::on_command(std::string_view command, const Value& message) {
  if (command == "NODE_HANDLE_ACK" || command == "NODE_HANDLE_NACK") {
    on_answer(command == "NODE_HANDLE_ACK");
    return true;
  }
  if (command == "NODE_BATON") {
    on_hello(message);
    return true;
  }
  if (!command.starts_with("NODE_SOCKET_")) return false;
  const std::string* key = message["key"].get_if_string();
  if (key == nullptr) return true;
  if (command == "NODE_SOCKET_GET_COUNT") {
    if (const auto count = counts_.count(*key)) {
      send_internal(socket_frame("NODE_SOCKET_COUNT", *key) + ",\"count\":" + std::to_string(*count));
    }
  } else if (command == "NODE_SOCKET_NOTIFY_CLOSE") {
    if (counts_.tell_when_closed(*key)) send_internal(socket_frame("NODE_SOCKET_ALL_CLOSED", *key));
  } else if (command == "NODE_SOCKET_COUNT" || command == "NODE_SOCKET_ALL_CLOSED") {
    const bool is_count = command == "NODE_SOCKET_COUNT";
    Notice answer = notice(is_count ? Notice::Kind::socket_count : Notice::Kind::sockets_closed);
    answer.text = *key;
    const int64_t count = message["count"].get_if_integer().value_or(0);
    answer.count = count > 0 ? static_cast<uint64_t>(count) : 0;
    notices_.push_back(std::move(answer));
  } else {
    return false;
  }
  return true;
}

void ChannelMachine::on_hello(const Value& message) {
  if (const std::string* what = message["died"].get_if_string()) {
    Notice died = notice(Notice::Kind::peer_died);
    died.text = *what;
    notices_.push_back(std::move(died));
    return;
  }
  if (!std::exchange(peer_is_baton_, true)) notices_.push_back(notice(Notice::Kind::peer_is_baton));
  if (!shut_down_) announce();
  release_queue();
}

void ChannelMachine::on_answer(bool accepted) {
  const auto unexpected = [accepted] {
    return Error(make_error_code(Errc::unexpected_message), "receive",
                 accepted ? "NODE_HANDLE_ACK" : "NODE_HANDLE_NACK");
  };
  if (accepted) {
    const auto entry = ledger_.accepted(written_);
    if (!entry) {
      report(unexpected());
      return;
    }
    if (!entry->once) {
      Notice taken = notice(Notice::Kind::close_handle);
      taken.handle = entry->handle;
      notices_.push_back(std::move(taken));
    }
    if (entry->watched) {
      Notice settled = notice(Notice::Kind::settled);
      settled.sequence = entry->sequence;
      notices_.push_back(std::move(settled));
    }
  } else {
    bool had_offer = false;
    const bool already_waiting = ledger_.worst_refusals() > 0;
    const auto ours = ledger_.refused(written_, had_offer);
    if (!had_offer) {
      report(unexpected());
      return;
    }
    if (ours && ours->once) {
      Notice refused = notice(Notice::Kind::offer_refused);
      refused.handle = ours->handle;
      notices_.push_back(std::move(refused));
    }
    if (ours) {
      give_back(*ours, Error(make_error_code(Errc::handle_lost), "send"));
    } else if (!already_waiting) {
      unsigned delay = 1;
      for (unsigned i = 0; i < ledger_.worst_refusals(); ++i) delay *= 10;
      Notice later = notice(Notice::Kind::retry_later);
      later.milliseconds = delay;
      notices_.push_back(std::move(later));
    }
  }
  release_queue();
  shut_down_if_done();
}

void ChannelMachine::end_of_input(bool reset) {
  if (std::exchange(ended_, true)) return;
  reset_ = reset;
  if (batch_) finish_batch();
  if (input_ == Input::open) input_ = Input::ended;
  for (const auto& entry : ledger_.channel_ended()) {
    give_back(entry, Error(make_error_code(Errc::disconnected), "send"));
  }
  release_queue();
  shut_down_if_done();
  Delivery end;
  end.ended = true;
  end.unread = reset;
  deliver(std::move(end), 0, 0);
}

void ChannelMachine::deliver(Delivery&& delivery, size_t size, uint64_t after_output) {
  undelivered_bytes_ += size;
  auto& waiting = delivery.internal ? internals_ : deliveries_;
  waiting.emplace_back(std::move(delivery), after_output, size, ++arrived_);
}

std::optional<Notice> ChannelMachine::next_notice() {
  if (notices_.empty()) return std::nullopt;
  std::optional<Notice> next(std::move(notices_.front()));
  notices_.pop_front();
  return next;
}

std::optional<Delivery> ChannelMachine::next_delivery(bool internals_only) {
  const bool message = !internals_only && !deliveries_.empty();
  const bool internal = !internals_.empty();
  if (!message && !internal) return std::nullopt;
  const bool first = internal && (!message || internals_.front().place < deliveries_.front().place);
  Fifo<Pending>& waiting = first ? internals_ : deliveries_;
  if (waiting.front().after_output > written_) return std::nullopt;
  undelivered_bytes_ -= waiting.front().size;
  std::optional<Delivery> next(std::move(waiting.front().delivery));
  waiting.pop_front();
  return next;
}

void ChannelMachine::report(const Error& error) {
  Notice told = notice(Notice::Kind::report);
  told.error = error;
  notices_.push_back(std::move(told));
}

}  // namespace baton::wire
