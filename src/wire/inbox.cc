#include "wire/inbox.h"

#include <utility>

#include "wire/channel_codec.h"

namespace baton::wire {
namespace {

// Alike when it comes and when it goes.
size_t size_in_run(std::string_view frame) noexcept { return frame.size() + 1; }

}  // namespace

void Inbox::fill(Delivery& delivery, HandleMessage&& envelope, bool ahead) {
  delivery.type = envelope.type();
  delivery.key = envelope.key();
  if (ahead) delivery.ahead = envelope.ahead().value_or(std::string());
  delivery.message = envelope.take_message();
}

void Inbox::keep(Delivery&& delivery, std::string_view frame, size_t size, uint64_t after_output) {
  if (!delivery.handle) return add_to_run(waiting_for(delivery), frame);
  const Form form = delivery.ahead.empty() ? Form::frame : Form::frame_and_ahead;
  put({.message = frame,
       .handle = delivery.handle,
       .key = std::move(delivery.key),
       .internal = delivery.internal},
      form, size, after_output);
}

void Inbox::add_to_run(Waiting& waiting, std::string_view frame) {
  waiting.frames.push(frame);
  bytes_ += size_in_run(frame);
  const uint64_t place = ++arrived_;
  if (!waiting.entries.empty()) {
    Entry& last = waiting.entries.back();
    // Nothing of the other kind has come in between.
    if (last.form == Form::run && last.place + last.size == place) {
      ++last.size;
      return;
    }
  }
  waiting.entries.emplace_back(Delivery(), uint64_t{0}, size_t{1}, place, Form::run);
}

std::optional<Delivery> Inbox::next(Wanted wanted, uint64_t written) {
  Waiting* first = nullptr;
  const auto look = [&first](Waiting& waiting) {
    if (waiting.entries.empty()) return;
    if (first == nullptr || waiting.entries.front().place < first->entries.front().place) first = &waiting;
  };
  look(internals_);
  if (wanted.messages || wanted.requests) look(requests_);
  if (wanted.messages || wanted.replies) look(replies_);
  if (wanted.messages) look(messages_);
  if (first == nullptr) return std::nullopt;
  Waiting& waiting = *first;
  Entry& entry = waiting.entries.front();
  if (entry.after_output > written) return std::nullopt;
  std::optional<Delivery> next(std::in_place);
  if (entry.form == Form::value) {
    *next = std::move(entry.delivery);
  } else {
    auto read = read_first(waiting);
    if (!read) return std::nullopt;
    if (entry.form == Form::run) return next_of_run(waiting, std::move(*read));
    *next = std::move(entry.delivery);
    fill(*next, HandleMessage(std::move(read->message)), entry.form == Form::frame_and_ahead);
  }
  bytes_ -= entry.size;
  if (next->handle) --handles_;
  waiting.entries.pop_front();
  return next;
}

Delivery Inbox::next_of_run(Waiting& waiting, Read&& read) {
  bytes_ -= read.size;
  Entry& run = waiting.entries.front();
  ++run.place;
  if (--run.size == 0) waiting.entries.pop_front();
  return {.message = std::move(read.message),
          .internal = &waiting == &internals_,
          .call = &waiting == &requests_  ? CallKind::request
                  : &waiting == &replies_ ? CallKind::reply
                                          : CallKind::none};
}

std::string Inbox::take_frame(Waiting& waiting) {
  Entry& entry = waiting.entries.front();
  if (entry.form == Form::run) return waiting.frames.pop();
  return std::exchange(entry.delivery.message, Value()).as_string();
}

// It has been read before.
std::optional<Inbox::Read> Inbox::read_first(Waiting& waiting) const {
  if (!waiting.first) {
    std::string frame = take_frame(waiting);
    auto message = read_at_once(serialization_, frame, limits_);
    if (message || !limits_.reads_elsewhere())
      return Read{std::move(message).value_or(Value()), size_in_run(frame)};
    waiting.first = std::make_shared<const std::string>(std::move(frame));
  }
  if (!waiting.read) return std::nullopt;
  const Frame frame = std::exchange(waiting.first, nullptr);
  return Read{*std::exchange(waiting.read, std::nullopt), size_in_run(*frame)};
}

void Inbox::was_read(const Frame& frame, Value&& message) {
  for (Waiting* waiting : {&internals_, &requests_, &replies_, &messages_}) {
    if (!frame || waiting->first != frame) continue;
    waiting->read = std::move(message);
    return;
  }
}

std::vector<Delivery> Inbox::drop_unacknowledged(uint64_t written) {
  std::vector<Delivery> dropped;
  for (Waiting* waiting : {&messages_, &internals_}) {
    const auto waits = [written](const Entry& entry) { return entry.after_output > written; };
    for (Entry& entry : waiting->entries) {
      if (!waits(entry)) continue;
      bytes_ -= entry.size;
      --handles_;
      dropped.push_back(std::move(entry.delivery));
    }
    waiting->entries.erase_if(waits);
  }
  return dropped;
}

}  // namespace baton::wire
