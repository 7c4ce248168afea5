#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fifo.h"
#include "baton/wire/serialization.h"
#include "baton/wire/value.h"
#include "wire/call.h"
#include "wire/channel_limits.h"
#include "wire/handle_message.h"
#include "wire/handoff_ledger.h"
#include "wire/kept_frames.h"

namespace baton::wire {

/// What the program gets, in order.
struct Delivery {
  Value message{};
  std::optional<HandleId> handle{};
  std::string type{};     // of the handle, as on the wire
  std::string key{};      // of the server that accepted it
  std::string ahead{};    // bytes that were read from it already
  bool internal = false;  // a message of the NODE_ kind that is not the channel's own
  CallKind call = CallKind::none;
  bool ended = false;   // no message: the peer's direction has ended
  bool unread = false;  // with ended: the peer left bytes of ours unread
};

/// What was received and not yet delivered, in the order of arrival.
///
/// A value may take seventy times the memory of its frame. Only one frame, or some of few bytes
/// (`ChannelLimits::values`), wait as values therefore: what comes behind them waits as the bytes that it
/// came in, and is read a second time when it is delivered (elsewhere, if that takes long). So messages count
/// by their bytes, as the sender's queue does; and of whatever else costs something (an entry for each run of
/// plain messages, and one for each message with a handle; the handles) there is a limit of its own. Handles
/// whose ACK is not written must be fewer than those, or two ends could wait for each other.
class Inbox {
 public:
  using Frame = std::shared_ptr<const std::string>;

  Inbox(const ChannelLimits& limits, Serialization serialization)
      : limits_(limits), serialization_(serialization) {}

  /// Whether a frame of so many bytes, if it came now, would be kept as it came.
  [[nodiscard]] bool keeps_frame(size_t size) const noexcept {
    return bytes_ > 0 && bytes_ + size > limits_.values;
  }
  /// `frame`: the text that the message was read from, of `size` bytes on the wire; if it is empty, the value
  /// is kept in any case. A message with a handle is delivered when `after_output` bytes are written.
  void add(Delivery&& delivery, std::string_view frame, size_t size, uint64_t after_output) {
    if (frame.empty() || !keeps_frame(size)) {
      put(std::move(delivery), Form::value, size, after_output);
    } else {
      keep(std::move(delivery), frame, size, after_output);
    }
  }
  /// Fills in what a NODE_HANDLE message says. `ahead`: it may have brought bytes that were read ahead.
  static void fill(Delivery& delivery, HandleMessage&& envelope, bool ahead);

  /// What somebody takes beside messages of the NODE_ kind. Who takes messages takes requests and replies
  /// among them.
  struct Wanted {
    bool messages = true;
    bool requests = true;
    bool replies = true;
  };
  /// See ChannelMachine::next_delivery.
  [[nodiscard]] std::optional<Delivery> next(Wanted wanted, uint64_t written);
  /// What is to be read elsewhere before it can be next; null: nothing.
  [[nodiscard]] Frame unread() const noexcept {
    for (const Waiting* waiting : {&internals_, &requests_, &replies_, &messages_}) {
      if (waiting->first && !waiting->read) return waiting->first;
    }
    return nullptr;
  }
  /// It says that.
  void was_read(const Frame& frame, Value&& message);
  /// Takes out what was to wait for more output than that.
  [[nodiscard]] std::vector<Delivery> drop_unacknowledged(uint64_t written);

  [[nodiscard]] bool has_internals() const noexcept { return !internals_.entries.empty(); }
  [[nodiscard]] bool empty() const noexcept {
    return messages_.entries.empty() && requests_.entries.empty() && replies_.entries.empty() &&
           !has_internals();
  }
  /// No more should come.
  [[nodiscard]] bool full() const noexcept {
    // A delivery may wait for an ACK behind a full queue. Were there no more room than in a queue, two ends
    // could each wait for the other to read.
    return bytes_ > limits_.queue + limits_.message ||
           messages_.entries.size() + internals_.entries.size() + requests_.entries.size() +
                   replies_.entries.size() >
               limits_.entries ||
           handles_ > limits_.handles;
  }

 private:
  enum class Form : uint8_t {
    value,
    frame,            // its message is, as a string, the frame of a NODE_HANDLE message
    frame_and_ahead,  // which may have brought bytes that were read ahead
    run,              // of messages without handles, whose frames lie beside
  };
  struct Entry {
    Delivery delivery;
    uint64_t after_output;
    size_t size;     // in bytes; of a run in frames
    uint64_t place;  // in the order of arrival, of the first
    Form form;
  };
  // What is taken by one listener.
  struct Waiting {
    Fifo<Entry> entries;
    KeptFrames frames;
    Frame first{};  // taken out of them, to be read elsewhere
    std::optional<Value> read{};
  };

  Waiting& waiting_for(const Delivery& delivery) noexcept {
    if (delivery.internal) return internals_;
    if (delivery.call == CallKind::none) return messages_;
    return delivery.call == CallKind::request ? requests_ : replies_;
  }
  void put(Delivery&& delivery, Form form, size_t size, uint64_t after_output) {
    bytes_ += size;
    if (delivery.handle) ++handles_;
    Fifo<Entry>& entries = waiting_for(delivery).entries;
    entries.emplace_back(std::move(delivery), after_output, size, ++arrived_, form);
  }
  void keep(Delivery&& delivery, std::string_view frame, size_t size, uint64_t after_output);
  void add_to_run(Waiting& waiting, std::string_view frame);
  // What a kept frame says, and how long it was on the wire.
  struct Read {
    Value message;
    size_t size;
  };
  Delivery next_of_run(Waiting& waiting, Read&& read);
  static std::string take_frame(Waiting& waiting);
  std::optional<Read> read_first(Waiting& waiting) const;

  ChannelLimits limits_;
  Serialization serialization_;
  Waiting messages_;
  Waiting internals_;
  Waiting requests_;
  Waiting replies_;
  uint64_t arrived_ = 0;
  size_t bytes_ = 0;
  size_t handles_ = 0;
};

}  // namespace baton::wire
