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
  if (!delivery.handle) return add_to_run(delivery.internal ? internals_ : messages_, frame);
  const Form form = delivery.ahead.empty() ? Form::frame : Form::frame_and_ahead;
  put({.message = frame, .handle = delivery.handle, .internal = delivery.internal}, form, size, after_output);
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

std::optional<Delivery> Inbox::next(bool internals_only, uint64_t written) {
  const bool message = !internals_only && !messages_.entries.empty();
  const bool internal = has_internals();
  if (!message && !internal) return std::nullopt;
  const bool first =
      internal && (!message || internals_.entries.front().place < messages_.entries.front().place);
  Waiting& waiting = first ? internals_ : messages_;
  Entry& entry = waiting.entries.front();
  if (entry.after_output > written) return std::nullopt;
  if (entry.form == Form::run) return next_of_run(waiting);
  bytes_ -= entry.size;
  if (entry.delivery.handle) --handles_;
  std::optional<Delivery> next(std::move(entry.delivery));
  complete(*next, entry.form);
  waiting.entries.pop_front();
  return next;
}

Delivery Inbox::next_of_run(Waiting& waiting) {
  const std::string frame = waiting.frames.pop();
  bytes_ -= size_in_run(frame);
  Entry& run = waiting.entries.front();
  ++run.place;
  if (--run.size == 0) waiting.entries.pop_front();
  return {.message = read(frame), .internal = &waiting == &internals_};
}

void Inbox::complete(Delivery& delivery, Form form) const {
  if (form == Form::value) return;
  const Value frame = std::move(delivery.message);
  fill(delivery, HandleMessage(read(frame.as_string())), form == Form::frame_and_ahead);
}

// It has been read before.
Value Inbox::read(std::string_view frame) const {
  return read_message(serialization_, frame, limits_).value_or(Value());
}

std::vector<Delivery> Inbox::drop_unacknowledged(uint64_t written) {
  std::vector<Delivery> dropped;
  for (Waiting* waiting : {&messages_, &internals_}) {
    const auto waits = [written](const Entry& entry) { return entry.after_output > written; };
    for (Entry& entry : waiting->entries) {
      if (!waits(entry)) continue;
      bytes_ -= entry.size;
      --handles_;
      complete(entry.delivery, entry.form);
      dropped.push_back(std::move(entry.delivery));
    }
    waiting->entries.erase_if(waits);
  }
  return dropped;
}

}  // namespace baton::wire
