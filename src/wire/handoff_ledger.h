#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace baton::wire {

/// A descriptor, as far as a machine without I/O knows it: a number that its driver chose.
using HandleId = uint32_t;

/// Who owns what was handed over: every handle that was offered to the peer and not yet settled is an entry
/// here, and our copy of it stays open. The peer answers offers in their order.
///
///   state     | accepted     | refused                | channel ended | holder gone
///   ----------+--------------+------------------------+---------------+------------
///   offered   | the peer's   | refused (or ours again)| in doubt      |
///   refused   |              |                        | ours again    |
///   in doubt  |              |                        |               | ours again
///
/// Never is a handle ours again while the peer may have it and may still live.
///
/// An entry that is offered once only (`once`) leaves at its first refusal. Its copy is somebody else's to
/// keep and to close: all that counts here is that the peer's answers find their offers.
class HandoffLedger {
 public:
  enum class State { offered, refused, in_doubt };
  struct Entry {
    HandleId handle;
    uint64_t sequence;  // of the message it rides on
    std::string frame;  // the bytes to offer it with again
    uint64_t end;       // of these bytes in the output
    unsigned refusals;
    bool watched;  // somebody waits for its fate
    State state;
    bool once = false;  // never offered again
  };

  /// How often a refused handle is offered again.
  static constexpr unsigned retries = 3;

  void offer(HandleId handle, uint64_t sequence, std::string frame, uint64_t end);
  void offer_once(HandleId handle, uint64_t sequence, uint64_t end);
  /// The oldest offer was accepted: the entry is gone from here, our copy is to be closed. Nothing if there
  /// is none. An offer that is not wholly in the kernel, where `written` bytes are, cannot be answered yet.
  [[nodiscard]] std::optional<Entry> accepted(uint64_t written);
  /// The oldest offer was refused. The entry if it is ours again, as it was offered often enough; nothing if
  /// it waits to be offered again, or (`had_offer` false) nothing was on offer.
  [[nodiscard]] std::optional<Entry> refused(uint64_t written, bool& had_offer);
  /// Marks every refused entry as offered again, and returns them in order. Their bytes must be sent now,
  /// from `position` of the output on.
  [[nodiscard]] std::vector<const Entry*> offer_again(uint64_t position);
  /// No answer will come any more: returns what is ours again, the rest is in doubt.
  [[nodiscard]] std::vector<Entry> channel_ended();
  /// The peer's process is dead: everything that was in doubt is ours again.
  [[nodiscard]] std::vector<Entry> holder_gone();
  /// Whether some of the bytes it was offered with are not in the kernel yet.
  [[nodiscard]] bool unsent(HandleId handle, uint64_t written) const;
  /// Marks the entry of that message; false if it is settled.
  bool watch(uint64_t sequence);

  [[nodiscard]] size_t size() const noexcept { return entries_.size(); }
  /// Of all frames that are kept here.
  [[nodiscard]] size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// How many times the most refused entry was refused; 0 when none waits.
  [[nodiscard]] unsigned worst_refusals() const noexcept;
  [[nodiscard]] const std::deque<Entry>& entries() const noexcept { return entries_; }

 private:
  std::deque<Entry>::iterator oldest_offer(uint64_t written);

  // In the order of the latest offer.
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace baton::wire
