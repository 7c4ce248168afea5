#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "baton/base/error.h"
#include "baton/wire/value.h"
#include "wire/channel_codec.h"
#include "wire/channel_limits.h"
#include "wire/handle_message.h"
#include "wire/handoff_ledger.h"
#include "wire/inbox.h"
#include "wire/socket_counts.h"
#include "wire/written_message.h"

namespace baton::wire {

/// A descriptor that a read brought.
struct ReceivedHandle {
  HandleId id;
  DescriptorKind kind;
};

/// What the driver has to do at once, whether or not the program listens.
struct Notice {
  enum class Kind {
    close_handle,      // our copy of `handle` is to be closed
    handle_ours,       // `handle`, which rode on message `sequence`, was not taken and is the program's again
                       // (`error`)
    offer_refused,     // `handle`, which was offered once, was not taken
    settled,           // the watched message `sequence` has met its fate (`error` if it was bad)
    internal_refused,  // `message` of the NODE_ kind was dropped, as its handle did not come or is useless
    peer_is_baton,     // it has said so
    report,            // `error` is to be reported
    retry_later,       // call retry_due() after `milliseconds`
    shut_down,         // everything is sent and settled after disconnect(): finish our direction
    peer_died,         // the peer says which exception ends it (`text`)
    socket_count,      // the peer has `count` sockets of the server `text` open
    sockets_closed,    // the peer has closed all sockets of the server `text`
  };
  Kind kind;
  HandleId handle = 0;
  uint64_t sequence = 0;
  uint64_t count = 0;
  unsigned milliseconds = 0;
  std::string text{};
  std::optional<Error> error{};
  Value message{};
};

/// Bytes for the kernel, with the handles that ride on some of them.
struct Output {
  struct Mark {
    size_t offset;
    HandleId handle;
  };
  std::string bytes;
  std::vector<Mark> marks;
};

/// One end of a channel, as a state machine: frames, order, handles and their acknowledgements,
/// notices about sockets, the end. It has no descriptor, no clock and no loop: a driver feeds events in, then
/// takes out output, notices and deliveries until there are none.
///
/// Towards Node (wire rules of Node): after a handle everything waits for its ACK or NACK. Towards another
/// Baton, once it has said so, up to `offers` handles are on offer at a time and nothing waits.
///
/// A message with a handle is delivered only after its ACK is in the kernel: from then on the sender may not
/// take the handle back, and until then the program has not seen it. Who does not read its ACKs has handles
/// refused, when as many wait as another Baton would have on offer.
///
/// Of the descriptors of one read only the first can be claimed; the others are closed at once.
///
/// An offer is a handle that stays with the driver whatever the peer answers, until take_back: whoever offers
/// it has an answer of his own to wait for, and decides whose it is.
class ChannelMachine {
 public:
  explicit ChannelMachine(ChannelLimits limits = {}, Serialization serialization = Serialization::json);

  /// A handle to send: its number, its type on the wire, and what else is said of it: the key of the server
  /// it was accepted by, a UDP socket's kind as Node calls it, the bytes that were read from it ahead.
  struct Outgoing {
    HandleId id;
    std::string_view type;
    std::string_view key;
    bool offer = false;
    std::string_view dgram_type{};
    std::string_view ahead{};
  };

  // Events.

  /// Says that this end is Baton. The first thing to call, if at all.
  void announce();
  /// Accepts a message: its sequence number, from 1. On failure nothing has happened. After the end of input
  /// no handle is accepted: nobody could say whether it was taken. Nor is one with bytes that were read ahead
  /// before the peer has said that it is Baton: Node would lose them.
  Result<uint64_t> send(const Value& message, const Outgoing* handle = nullptr);
  /// The same for a message of our serialization that is written already.
  Result<uint64_t> send(const WrittenMessage& message);
  /// A settled notice will come for this message.
  void watch(uint64_t sequence);
  /// The driver takes an offer out. One that is queued is not sent any more; if it is partly sent, nothing
  /// more can be written.
  void take_back(HandleId offer);
  /// One read: its bytes, the descriptors it brought, and whether the kernel had to drop some.
  void received(std::string_view bytes, std::span<const ReceivedHandle> handles, bool truncated = false);
  /// What the large frame says, or what is wrong with it.
  void read_large(Result<Value>&& message);
  /// What the kept frame says.
  void read_kept(const Inbox::Frame& frame, Value&& message) { inbox_.was_read(frame, std::move(message)); }
  /// The peer's direction has ended; `reset`: it left bytes of ours unread.
  void end_of_input(bool reset);
  /// `total` bytes of the output are in the kernel by now. To be said before output_broken, as far as it
  /// went.
  void written(uint64_t total);
  /// Nothing more can be written.
  void output_broken(const Error& error);
  /// Accept no more messages; send what was accepted, then finish our direction.
  void disconnect();
  /// The time of a retry_later notice has come.
  void retry_due();
  /// The peer's process is dead. Counts only after the end of input; then nothing more can be written
  /// either.
  void peer_gone();
  /// A delivered handle with that key was closed.
  void socket_closed(const std::string& key);
  /// Ask the peer; notices answer. False: not asked, as the queue is full.
  bool ask_socket_count(const std::string& key);
  bool ask_sockets_closed(const std::string& key);
  /// Tells the peer which exception ends this process, if this end has said that it is Baton.
  void tell_death(std::string_view what);

  // Actions.

  [[nodiscard]] Output take_output();
  /// A frame that is to be read elsewhere, by `read_message` under these limits: until `read_large` nothing
  /// may be received. Null: there is none.
  [[nodiscard]] std::shared_ptr<const std::string> large_frame() const noexcept {
    return large_ ? large_->text : nullptr;
  }
  /// The same of what came before and is the next to be delivered, which it is not until `read_kept`.
  [[nodiscard]] Inbox::Frame kept_frame() const noexcept { return inbox_.unread(); }
  [[nodiscard]] const ChannelLimits& limits() const noexcept { return limits_; }
  [[nodiscard]] std::optional<Notice> next_notice();
  /// What somebody takes, in order of arrival; messages include the end, requests and replies.
  /// Nothing while the first one of it waits for its ACK to be written, or has to be read elsewhere.
  [[nodiscard]] std::optional<Delivery> next_delivery(Inbox::Wanted wanted = {true, true, true}) {
    return inbox_.next(wanted, written_);
  }
  /// Messages of the NODE_ kind wait for delivery.
  [[nodiscard]] bool has_internals() const noexcept { return inbox_.has_internals(); }

  // State.

  /// Bytes accepted and not yet in the kernel.
  [[nodiscard]] size_t unsent() const noexcept {
    return queued_bytes_ + static_cast<size_t>(generated_ - written_);
  }
  /// Whoever sends had better wait: much is unsent, or messages wait behind the handle that Node has yet to
  /// acknowledge; of those it keeps one without complaint.
  [[nodiscard]] bool behind() const noexcept { return unsent() >= limits_.high_water || queue_.size() > 1; }
  /// More was received than may wait for delivery: read no more for now.
  [[nodiscard]] bool saturated() const noexcept { return inbox_.full() || large_; }
  /// All that was received is delivered, and was whole.
  [[nodiscard]] bool nothing_waits() const noexcept {
    return inbox_.empty() && held_.empty() && !large_ && codec_.position() == received_;
  }
  /// The peer broke the rules too often or too much: nothing that it sends counts any more.
  [[nodiscard]] bool input_refused() const noexcept { return input_ == Input::refused; }
  /// Whether the peer, at its end, left bytes of ours unread.
  [[nodiscard]] bool end_was_reset() const noexcept { return reset_; }
  /// Nothing more is to be written: the driver drops what it has taken.
  [[nodiscard]] bool output_over() const noexcept { return broken_; }
  [[nodiscard]] bool accepts() const noexcept { return accepting_; }
  [[nodiscard]] bool peer_is_baton() const noexcept { return peer_is_baton_; }
  [[nodiscard]] const HandoffLedger& ledger() const noexcept { return ledger_; }
  /// Everything that was accepted is in the kernel and settled.
  [[nodiscard]] bool idle() const noexcept {
    return queue_.empty() && ledger_.empty() && generated_ == written_;
  }

 private:
  struct Queued {
    std::string frame;
    uint64_t sequence;
    std::optional<HandleId> handle;
    bool watched;
    bool offer = false;
  };
  struct Waiting {
    uint64_t sequence;
    uint64_t end;  // of its bytes in the output
  };
  // The first descriptor of one read, until it is known which frame of that read it belongs to.
  struct Batch {
    uint64_t end;
    ReceivedHandle handle;
  };
  struct Parsed {
    Value message;
    std::string_view text;  // that it was read from, if that may be needed
    uint64_t start;
    size_t size;
    bool marked;  // as internal, whatever it says
  };
  struct Held {
    Parsed parsed;
    std::string text;
  };
  // One that is read elsewhere.
  struct Large {
    std::shared_ptr<const std::string> text;
    uint64_t start;
    size_t size;
    bool marked;
  };
  // What a read has brought, as far as it is not looked at.
  struct Read {
    uint64_t begin = 0;
    std::vector<ReceivedHandle> handles{};
    bool claimed = true;
    std::string rest{};
  };
  enum class Input { open, ended, refused };

  void go_on();
  void open_batch();
  void on_frame(const Frame& frame);
  void on_read(Parsed& parsed);
  void bad_frame(std::string_view text, uint64_t start, const Error& error);
  void refuse_input(const Error& error);
  void finish_batch();
  void unclaimed(const ReceivedHandle& handle);
  void on_message(Parsed& parsed, std::optional<ReceivedHandle> handle);
  void on_handle_message(Parsed&& parsed, std::optional<ReceivedHandle> handle);
  void close_handle(const ReceivedHandle& handle);
  void refuse_handle(Parsed&& parsed, std::optional<ReceivedHandle> handle);
  bool on_command(std::string_view command, const Value& message);
  void on_answer(bool accepted);
  void on_hello(const Value& message);
  void refuse_internal(Value&& message);
  void drop_unacknowledged();

  [[nodiscard]] bool handles_wait() const noexcept;
  [[nodiscard]] bool must_queue(bool with_handle) const noexcept;
  void release_queue();
  void put(std::string_view frame);
  void put_offer(std::string_view frame, HandleId handle);
  bool ask(std::string frame);
  Result<uint64_t> accept(size_t start, size_t written, const Outgoing* handle);
  void send_internal(std::string frame);
  void give_back(const HandoffLedger::Entry& entry, const Error& error);
  void give_back(const Queued& queued, const Error& error);
  void lose(uint64_t sequence, const Error& error);
  void settle_written();
  void shut_down_if_done();
  void report(const Error& error);

  ChannelLimits limits_;

  // Outgoing.
  std::deque<Queued> queue_;
  size_t queued_bytes_ = 0;
  Output output_;
  uint64_t generated_ = 0;
  uint64_t written_ = 0;
  uint64_t sequence_ = 0;
  uint64_t sent_through_ = 0;  // every message up to this one is known to be in the kernel
  HandoffLedger ledger_;
  std::deque<Waiting> waiting_;
  bool accepting_ = true;
  bool broken_ = false;
  bool disconnecting_ = false;
  bool shut_down_ = false;
  bool announced_ = false;
  bool peer_is_baton_ = false;

  // Incoming.
  ChannelCodec codec_;
  uint64_t received_ = 0;
  Read read_;
  std::optional<Large> large_;
  std::optional<Batch> batch_;
  std::vector<Held> held_;
  std::deque<uint64_t> unacknowledged_;  // where the ACK of each handle ends that is not in the kernel yet
  SocketCounts counts_;
  unsigned bad_in_a_row_ = 0;
  Input input_ = Input::open;
  bool reset_ = false;
  bool ended_ = false;  // and the program is to be told, after what came before

  std::deque<Notice> notices_;
  Inbox inbox_;
};

}  // namespace baton::wire
