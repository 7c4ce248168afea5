// What comes in: frames, the handles that belong to them, and the order in which the program gets it all.
#include <utility>

#include "base/excerpt.h"
#include "base/visible.h"
#include "wire/call.h"
#include "wire/channel_frames.h"
#include "wire/channel_machine.h"
#include "wire/peer_value.h"

namespace baton::wire {
namespace {

constexpr size_t most_quoted = 64;  // of what a peer says, in a report

}  // namespace

void ChannelMachine::received(std::string_view bytes, std::span<const ReceivedHandle> handles,
                              bool truncated) {
  read_.begin = received_;
  read_.handles.assign(handles.begin(), handles.end());
  read_.claimed = handles.empty();
  received_ += bytes.size();
  if (truncated)
    report(Error(make_error_code(Errc::handle_lost), "receive", "recvmsg: control data cut off"));
  codec_.feed(bytes);
  go_on();
}

void ChannelMachine::open_batch() {
  batch_ = Batch{received_, read_.handles.front()};
  read_.claimed = true;
  for (const ReceivedHandle& surplus : std::span(read_.handles).subspan(1)) unclaimed(surplus);
}

void ChannelMachine::go_on() {
  while (input_ == Input::open) {
    const auto frame = codec_.next();
    if (!frame) break;
    if (batch_ && frame->start() >= batch_->end) finish_batch();
    if (!read_.claimed && frame->start() >= read_.begin) open_batch();
    on_frame(*frame);
    if (!large_) continue;
    read_.rest = codec_.rest();
    return;
  }
  if (codec_.overflowed() && input_ == Input::open) {
    refuse_input(Error(make_error_code(Errc::message_too_large), "receive",
                       "a frame of over " + std::to_string(limits_.message) + " bytes"));
  }
  // Handles that are offered again may go over the limit too, and are no fault of the peer's.
  if (unsent() > limits_.queue + limits_.message + ledger_.bytes() && input_ == Input::open) {
    refuse_input(Error(make_error_code(Errc::queue_full), "receive", "answers that the peer does not read"));
  }
  const bool whole = codec_.position() == received_ || input_ != Input::open;
  if (batch_ && (whole || codec_.position() >= batch_->end)) finish_batch();
  if (read_.claimed) return;
  // Only a frame that begins in this read may still claim what the read brought.
  if (!whole && codec_.position() >= read_.begin) {
    open_batch();
  } else {
    read_.claimed = true;
    for (const ReceivedHandle& handle : read_.handles) unclaimed(handle);
  }
}

void ChannelMachine::on_frame(const Frame& frame) {
  std::string_view text = frame.text();
  const bool marked = codec_.take_mark(text);
  if (!batch_ && codec_.is_ack(text)) {
    bad_in_a_row_ = 0;
    on_answer(true);
    return;
  }
  auto message = codec_.read_at_once(text, limits_);
  if (limits_.reads_elsewhere() && !message && message.error().code() == Errc::message_too_large) {
    const size_t size = frame.text().size() + 1;
    large_ = Large{std::make_shared<const std::string>(codec_.take_text(text)), frame.start(), size, marked};
  } else if (message) {
    Parsed parsed{std::move(*message), text, frame.start(), frame.text().size() + 1, marked};
    on_read(parsed);
  } else {
    bad_frame(frame.text(), frame.start(), message.error());
  }
}

void ChannelMachine::read_large(Result<Value>&& message) {
  if (!large_) return;
  Large large = *std::exchange(large_, std::nullopt);
  if (message) {
    Parsed parsed{std::move(*message), *large.text, large.start, large.size, large.marked};
    on_read(parsed);
  } else {
    bad_frame(*large.text, large.start, message.error());
  }
  const std::string rest = std::exchange(read_.rest, {});
  codec_.feed(rest);
  go_on();
}

void ChannelMachine::on_read(Parsed& parsed) {
  bad_in_a_row_ = 0;
  if (batch_) {
    std::string kept(inbox_.keeps_frame(parsed.size) ? parsed.text : std::string_view());
    held_.push_back({std::move(parsed), std::move(kept)});
  } else {
    on_message(parsed, std::nullopt);
  }
}

void ChannelMachine::bad_frame(std::string_view text, uint64_t start, const Error& error) {
  const std::string where = "frame at byte " + std::to_string(start);
  if (error.code() == Errc::message_too_deep) {
    report(Error(error.code(), "receive", where));
    return;
  }
  report(Error(error.code(), "receive", where + ": " + codec_.excerpt(text) + ": " + error.step()));
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
  const Batch batch = *batch_;
  batch_.reset();
  std::vector<Held> held = std::exchange(held_, {});
  size_t claimant = held.size();
  for (size_t i = 0; i < held.size(); ++i) {
    if (internal_command(held[i].parsed.message) == "NODE_HANDLE") claimant = i;
    held[i].parsed.text = held[i].text;
  }
  if (claimant == held.size()) unclaimed(batch.handle);
  for (size_t i = 0; i < held.size(); ++i) {
    auto handle = i == claimant ? std::optional(batch.handle) : std::nullopt;
    on_message(held[i].parsed, handle);
  }
}

void ChannelMachine::close_handle(const ReceivedHandle& handle) {
  Notice closed = notice(Notice::Kind::close_handle);
  closed.handle = handle.id;
  notices_.push_back(std::move(closed));
}

void ChannelMachine::unclaimed(const ReceivedHandle& handle) {
  close_handle(handle);
  report(Error(make_error_code(Errc::handle_unclaimed), "receive", describe(handle.kind)));
}

void ChannelMachine::on_message(Parsed& parsed, std::optional<ReceivedHandle> handle) {
  const std::string_view command = internal_command(parsed.message);
  if (command == "NODE_HANDLE") {
    on_handle_message(std::move(parsed), handle);
  } else if (command.empty() || !on_command(command, parsed.message)) {
    const bool internal = parsed.marked || !command.empty();  // `command` lies in the message that moves
    const CallKind call = internal ? CallKind::none : call_kind(parsed.message);
    inbox_.add({.message = std::move(parsed.message), .internal = internal, .call = call}, parsed.text,
               parsed.size, 0);
  }
}

void ChannelMachine::on_handle_message(Parsed&& parsed, std::optional<ReceivedHandle> handle) {
  const auto where = [&] { return "frame at byte " + std::to_string(parsed.start); };
  if (broken_ || shut_down_) {
    // Without an acknowledgement it stays the sender's.
    if (handle) close_handle(*handle);
    report(Error(make_error_code(Errc::disconnected), "receive", where() + ": a handle after the end"));
    return;
  }
  if (!handle || unacknowledged_.size() >= limits_.offers) return refuse_handle(std::move(parsed), handle);
  put(codec_.ack());
  HandleMessage envelope(std::move(parsed.message));
  const bool fits = envelope.fits(handle->kind);
  const bool bad_ahead = peer_is_baton_ && !envelope.ahead();
  if (!fits || bad_ahead) {
    close_handle(*handle);
    const std::string type =
        envelope.type().empty() ? "without a type" : envelope.type().substr(0, most_quoted);
    const std::string what = std::string(describe(handle->kind)) + " sent as " + type;
    report(fits ? Error(make_error_code(Errc::bad_message), "receive", where() + ": the bytes read ahead")
                : Error(make_error_code(Errc::wrong_handle), "receive", where() + ": " + what));
    refuse_internal(envelope.take_message());
    return;
  }
  Delivery delivery{.handle = handle->id};
  Inbox::fill(delivery, std::move(envelope), peer_is_baton_);
  delivery.internal = parsed.marked || !internal_command(delivery.message).empty();
  if (!delivery.key.empty()) counts_.opened(delivery.key);
  unacknowledged_.push_back(generated_);
  inbox_.add(std::move(delivery), parsed.text, parsed.size, generated_);
}

// It has not come, or more wait than may: the sender keeps it, and offers it again.
void ChannelMachine::refuse_handle(Parsed&& parsed, std::optional<ReceivedHandle> handle) {
  if (handle) close_handle(*handle);
  put(codec_.nack());
  report(Error(make_error_code(handle ? Errc::queue_full : Errc::handle_lost), "receive",
               "frame at byte " + std::to_string(parsed.start)));
  refuse_internal(HandleMessage(std::move(parsed.message)).take_message());
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
  const std::string* key = early_member(message, "key").get_if_string();
  if (key == nullptr) return true;
  if (command == "NODE_SOCKET_GET_COUNT") {
    if (const auto count = counts_.count(*key)) {
      send_internal(codec_.frame(socket_message("NODE_SOCKET_COUNT", *key).set("count", *count)));
    }
  } else if (command == "NODE_SOCKET_NOTIFY_CLOSE") {
    if (counts_.tell_when_closed(*key))
      send_internal(codec_.frame(socket_message("NODE_SOCKET_ALL_CLOSED", *key)));
  } else if (command == "NODE_SOCKET_COUNT" || command == "NODE_SOCKET_ALL_CLOSED") {
    const bool is_count = command == "NODE_SOCKET_COUNT";
    Notice answer = notice(is_count ? Notice::Kind::socket_count : Notice::Kind::sockets_closed);
    answer.text = *key;
    const int64_t count = early_member(message, "count").get_if_integer().value_or(0);
    answer.count = count > 0 ? static_cast<uint64_t>(count) : 0;
    notices_.push_back(std::move(answer));
  } else {
    return false;
  }
  return true;
}

void ChannelMachine::on_hello(const Value& message) {
  if (const std::string* what = early_member(message, "died").get_if_string()) {
    Notice died = notice(Notice::Kind::peer_died);
    died.text = visible(excerpt(*what));
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
  large_.reset();
  read_.rest.clear();
  if (batch_) finish_batch();
  if (!std::exchange(read_.claimed, true)) {
    for (const ReceivedHandle& handle : read_.handles) unclaimed(handle);
  }
  if (input_ == Input::open) input_ = Input::ended;
  for (const auto& entry : ledger_.channel_ended()) {
    give_back(entry, Error(make_error_code(Errc::disconnected), "send"));
  }
  release_queue();
  shut_down_if_done();
  Delivery end;
  end.ended = true;
  end.unread = reset;
  inbox_.add(std::move(end), {}, 0, 0);
}

std::optional<Notice> ChannelMachine::next_notice() {
  if (notices_.empty()) return std::nullopt;
  std::optional<Notice> next(std::move(notices_.front()));
  notices_.pop_front();
  return next;
}

void ChannelMachine::report(const Error& error) {
  Notice told = notice(Notice::Kind::report);
  told.error = error;
  notices_.push_back(std::move(told));
}

}  // namespace baton::wire
