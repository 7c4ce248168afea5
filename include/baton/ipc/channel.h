#pragma once

#include <sys/types.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/ipc/answer.h"
#include "baton/ipc/message.h"
#include "baton/ipc/sender.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/wire/serialization.h"

namespace baton {

namespace wire {
class WrittenMessage;
}

/// How an end of a channel behaves. A class with setters, so that it may stand inside a `co_await`
/// expression.
class ChannelOptions {
 public:
  /// Says to the peer that this end is Baton, so that both may do better than Node (no waiting for each
  /// handle).
  ChannelOptions& announce(bool on = true) { return announce_ = on, *this; }
  /// The channel keeps the loop running only while somebody listens (Node's child side) instead of always.
  ChannelOptions& ref_while_listening(bool on = true) { return ref_while_listening_ = on, *this; }
  /// After `disconnect`, how long nothing may arrive before the channel is closed without the peer's end; 30
  /// s.
  ChannelOptions& disconnect_timeout(std::chrono::milliseconds time) {
    return disconnect_timeout_ = time, *this;
  }

  /// How messages are written, which must be the same at the other end; JSON unless set.
  ChannelOptions& serialization(Serialization how) { return serialization_ = how, *this; }

  /// The longest frame, in bytes, either way; 64 MiB. What is read of one may take eight times its size, and
  /// at least so much.
  ChannelOptions& longest_message(size_t bytes) { return longest_message_ = bytes, *this; }

  /// @{
  /// What was set.
  [[nodiscard]] bool announce() const noexcept { return announce_; }
  [[nodiscard]] Serialization serialization() const noexcept { return serialization_; }
  [[nodiscard]] size_t longest_message() const noexcept { return longest_message_; }
  [[nodiscard]] bool ref_while_listening() const noexcept { return ref_while_listening_; }
  [[nodiscard]] std::chrono::milliseconds disconnect_timeout() const noexcept { return disconnect_timeout_; }
  /// @}

 private:
  std::chrono::milliseconds disconnect_timeout_{30000};
  size_t longest_message_ = size_t{64} << 20;
  bool announce_ = false;
  bool ref_while_listening_ = false;
  Serialization serialization_ = Serialization::json;
};

/// How a handle is sent; mirrors the options of Node's `subprocess.send`.
class SendOptions {
 public:
  /// The connection stays open here, too (Node's `keepOpen`).
  SendOptions& keep_open(bool on = true) { return keep_open_ = on, *this; }
  /// What was set.
  [[nodiscard]] bool keep_open() const noexcept { return keep_open_; }

 private:
  bool keep_open_ = false;
};

/// One end of Node's IPC channel: values and open sockets, both ways, in order, to another Baton or to Node.
///
/// Limits, of the frame on the wire and both ways: 64 MiB (`ChannelOptions::longest_message`), nested 512
/// deep. The sender refuses more; a receiver ends the channel for size and drops the message for depth. A
/// value that would take more than eight times its frame's size, and more than 64 MiB, is a bad message. Up
/// to 256 MiB may be queued; for handles that the peer has not answered yet as much again is kept, to offer
/// them once more. Whatever the peer sends costs at most the channel: a bad frame is reported and dropped,
/// sixteen in a row end it; a descriptor that no message claims, or that is not what its message says, is
/// closed and reported.
///
/// Messages that nobody takes yet wait as the bytes that they came in: when they are more than 320 MiB (or
/// more than 131,072 that came with handles or between others, or 256 handles) nothing more is read, and the
/// peer has to wait. Only the first one, or the first 32 KiB, wait as values, which may take much more than
/// their bytes.
///
/// What a peer sends is worked on for a millisecond, then others on the loop have their turn. A frame that
/// would take the loop longer is read in a thread beside it, and what comes after it waits: the order stays.
///
/// Callbacks run from the loop, and each of them may destroy the channel. Destroying it closes it at once;
/// what is not in the kernel by then is lost: `disconnect` loses nothing.
class Channel {
  struct State;
  struct Parcel;

 public:
  /// What became of a `send`. May be ignored: a failure then goes to `on_error`.
  class Sent {
   public:
    /// Moves; the other is empty afterwards.
    Sent(Sent&&) noexcept = default;
    Sent& operator=(Sent&&) = delete;
    ~Sent();
    /// Node's return value. False: the message was refused, 128 KiB and more wait, or it is not the only one
    /// that waits for Node to acknowledge a handle: better go on at `on_drain`.
    explicit operator bool() const noexcept { return keep_going_; }
    /// Why the message was refused; null if it was accepted.
    [[nodiscard]] const Error* error() const noexcept { return error_ ? &*error_ : nullptr; }
    /// Settles when the message is in the kernel; one with a handle when the peer has acknowledged that.
    /// Fails if that can no longer happen. May be asked at any time, also when it is over; once, else
    /// std::logic_error.
    Op<> op() &&;
    /// @{
    /// `op()`, received by a callback or by `co_await`.
    void then(Handler<Result<void>> receiver) && { std::move(*this).op().then(std::move(receiver)); }
    Op<>::Awaiter operator co_await() && { return std::move(*this).op().operator co_await(); }
    /// @}

   private:
    friend class Channel;
    Sent(std::shared_ptr<State> state, Result<uint64_t> outcome, bool keep_going);
    std::shared_ptr<State> state_;
    uint64_t sequence_ = 0;
    std::optional<Error> error_;
    bool keep_going_;
  };

  /// No channel: `connected()` is false, and every call but that, assignment, destruction and `operator bool`
  /// throws std::logic_error.
  Channel() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  /// @}
  ~Channel();

  /// Takes over a connected Unix-domain stream socket (as made by socketpair). An error for anything else.
  [[nodiscard]] static Result<Channel> adopt(Loop& loop, Fd descriptor,
                                             ChannelOptions options = ChannelOptions());

  /// Whether there is a channel, connected or not.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The loop that it lives on.
  [[nodiscard]] Loop& loop() const;
  /// How its messages are written.
  [[nodiscard]] Serialization serialization() const;

  /// Sends a value; mirrors `subprocess.send(message)`. It is copied now, and goes out at the end of the
  /// running callback. Refused: undefined, what the serialization cannot say (a BigInt in JSON), over a
  /// limit, after `disconnect` or the end.
  Sent send(const Value& message);

  // With a handle: what is moved away and cannot be handed over comes back through `on_unsent`. Of what is
  // shared this end keeps its own; of each connection or datagram one of the two processes gets.

  /// A server, shared (net.Server). This end goes on accepting if it did.
  Sent send(const Value& message, const net::Server& server);
  /// A connection, which moves away (net.Socket): what its peer has sent and nobody has read yet goes with
  /// it. Throws std::logic_error for a terminal, and for one that is closed or has bytes queued for writing.
  /// Bytes that were read and put back (`Socket::unread`) go along to a Baton. They are refused (ENOTSUP)
  /// while the peer has not said that it is one, as Node would lose them: with its first message it has, if
  /// it will.
  Sent send(const Value& message, net::Socket socket);
  /// The same; with `keep_open` a shared one instead, where both may write, and one should read. Bytes that
  /// were put back or are queued for writing stay here.
  Sent send(const Value& message, net::Socket& socket, const SendOptions& options);
  /// A UDP socket, shared (dgram.Socket).
  Sent send(const Value& message, const net::UdpSocket& socket);
  /// A bound socket, which moves away (net.BoundSocket). Only Node 26 and Baton know what to do with it: an
  /// older Node reports it as an uncaught exception.
  Sent send(const Value& message, net::BoundSocket socket);
  /// A struct without BATON_FIELDS (`wire/payload.h`) is no message: does not compile.
  template <class T, class... Handle>
    requires(!std::convertible_to<const T&, Value>)
  Sent send(const T& /*message*/, Handle&&... /*handle*/) {
    detail::refuse_message<T>();
  }
  /// @{
  /// A socket or pipe as it is (dgram.Native if it is UDP, else net.Native): one that is moved in moves away,
  /// any other is shared, as Node never closes raw handles. Refused: what is neither socket nor pipe, which
  /// would kill a Node at the other end.
  Sent send(const Value& message, net::Native&& handle);
  Sent send(const Value& message, const net::Native& handle);
  /// @}

  /// Each message, in order. Messages that came before are kept for the first listener. Mirrors 'message'.
  void on_message(Handler<Message> callback);
  /// The next message, for programs that pull; nothing after the last one, however the channel ended.
  ///
  ///   while (auto message = co_await child.next_message()) work_on(message->value());
  ///
  /// What `on_message` gets, this does not get. Fails with Errc::cancelled if the channel is destroyed.
  [[nodiscard]] Op<std::optional<Message>> next_message();
  /// Asks the peer, and settles with its reply: a message too, with a number (docs/channel.md shows the lines
  /// for any other end). Fails with Errc::peer_failed and what the peer says if it has no answer, with
  /// Errc::disconnected when the peer is gone, and as `send` does. There is no limit of time but your own;
  /// a reply that comes too late is dropped:
  ///
  ///   Value area = co_await child.request(Value::object().set("file", "a.png")).within(5s);
  ///
  /// At most 65,536 wait at a time (Errc::queue_full); Errc::cancelled if the channel is destroyed. Who waits
  /// keeps the loop running, as who listens does. Replies come in their order among the messages: while so
  /// many of these wait for a listener that no more is read, none does.
  [[nodiscard]] Op<Value> request(const Value& message);
  /// As for `send`.
  template <class T>
    requires(!std::convertible_to<const T&, Value>)
  Op<Value> request(const T& /*message*/) {
    detail::refuse_message<T>();
  }
  /// Answers the peer's requests, up to 1,024 at a time, of those that are read beside the loop 16 (each may
  /// take eight times `ChannelOptions::longest_message` of memory); more are refused. An answer that cannot
  /// be sent is refused too, and told to `on_error` if not even that can be. Without it requests are messages
  /// like any.
  void on_request(Answer answer);
  /// The peer's direction has ended, once, after the last message (or, if nobody takes messages, before they
  /// are). True: the peer left bytes of ours unread. What is sent from here still goes out if the peer
  /// lives.
  void on_disconnect(Handler<bool> callback);
  /// Settles at that moment.
  [[nodiscard]] Op<> disconnected();
  /// Less than 128 KiB are waiting again after a `send` that was false.
  void on_drain(Handler<> callback);
  /// What was wrong with what the peer sent, and failures that nobody waits for. Without it each is one line
  /// on standard error, at most a thousand a second.
  void on_error(Handler<const Error&> callback);
  /// A handle that moved away and was not taken (refused four times, or the channel ended and the peer is
  /// dead or never got it), and why: it is this program's again. Without this it is closed and the error
  /// reported.
  void on_unsent(Handler<net::Native, const Error&> callback);

  /// Accepts no more messages, sends what was accepted, waits for the acknowledgements, finishes this
  /// direction, and goes on reading to the peer's end. Loses nothing in either direction. May be called
  /// again.
  void disconnect();
  /// Settles when everything that was accepted is in the kernel and every handle acknowledged; fails when
  /// that can no longer happen.
  [[nodiscard]] Op<> flushed();
  /// Whether messages are accepted; not in `on_disconnect` any more. Mirrors `subprocess.connected`.
  [[nodiscard]] bool connected() const noexcept;

  /// How many connections of `server` that were sent have not been closed by the peer; fails when the channel
  /// ends. A peer that got none never answers. Part of Node's `server.getConnections`.
  [[nodiscard]] Op<uint64_t> count_sockets(const net::Server& server);
  /// Settles when the peer has closed all connections of `server`; the same conditions.
  [[nodiscard]] Op<> sockets_closed(const net::Server& server);

  /// Called once, when the descriptor has been closed: both directions are over.
  void on_close(Handler<> callback);

  /// @{
  /// Fixes whether the channel keeps the loop running. Mirrors `process.channel.ref()/unref()`.
  void ref();
  void unref();
  /// @}

  // For the layers above, not for programs.

  /// Gives to the kernel now what was sent; no callback runs. Whether all of it is there.
  bool write_now();
  /// The peer's process is dead: what it has sent is still delivered, and there this direction ends, whoever
  /// else holds the other end; what it had not acknowledged is this program's again. `heard` is called when
  /// all of that is delivered, as far as somebody takes it: perhaps at once, else by the loop, which it keeps
  /// running.
  void peer_gone(Callback heard = {});
  /// Which process has written what was read last, of those that hold the other end; 0: not known. The socket
  /// tells if it has SO_PASSCRED.
  [[nodiscard]] pid_t sender() const;
  /// Whoever may have written what is delivered at this moment: all who have written anything since nothing
  /// was left to deliver. One without a process stands for those that are too many.
  [[nodiscard]] const std::vector<Sender>& senders() const;
  /// Which exception ends the peer, as a Baton says just before.
  void on_peer_death(Handler<std::string_view> callback);
  /// Tells the peer at once which exception ends this process; nothing unless this end has said that it is a
  /// Baton.
  void tell_death(std::string_view what);
  /// Messages of the NODE_ kind that are not the channel's own, and Bun's internal ones. They come at once,
  /// whether or not anybody takes messages, and do not keep the loop running; as far as messages are taken,
  /// in order with them. Without this they are kept like messages, and ignored as soon as messages are taken.
  void on_internal(Handler<Message> callback);
  /// Such a message was dropped, because its handle did not come (this process has too many descriptors; the
  /// peer has been told so) or is not of the kind that it says.
  void on_internal_refused(Handler<const Value&> callback);

  /// `send` of what is written already, for this channel's serialization; std::logic_error for another's.
  Sent send_written(const wire::WrittenMessage& message);
  /// While it is held nothing is delivered but internal messages, as if nobody took any: what comes waits, as
  /// does the end.
  void hold(bool on);
  /// While it is paused nothing is read, and nothing is delivered of what was, internal messages and the end
  /// neither; unless the peer's process is dead, then all is read.
  void pause(bool on);
  /// Whether it is.
  [[nodiscard]] bool paused() const;

  /// Sends a socket with a message and keeps our copy of it, for a protocol with an answer of its own: what
  /// the channel's acknowledgement means is left to that. Returns a number for `take_back`. Sent once only:
  /// when the peer refuses, `on_refused` says so, and nothing else happens. On failure `handle` is the
  /// caller's as before. It must not block: a Node would wait in it. Bytes that were read from it ahead go
  /// along, under the conditions of `send`.
  Result<uint64_t> offer(const Value& message, net::Native&& handle);
  /// Takes the copy out of the channel, to keep or to close; empty if it was taken before. While it is not
  /// yet in the kernel it is not sent any more, or, where that is too late, nothing more can be sent at all.
  /// Whether the peer may still have it, the caller must know. All that were not taken close with the channel
  /// object.
  [[nodiscard]] net::Native take_back(uint64_t offer);
  /// The peer could not take the offer of that number. It stays here until it is taken back.
  void on_refused(Handler<uint64_t> callback);

  /// @{
  /// Whether the peer has said that it is a Baton, and the moment it says so.
  [[nodiscard]] bool peer_is_baton() const;
  void on_peer_baton(Handler<> callback);
  /// @}

  /// Drops everything that a channel holds which is over, and its callbacks: from here on it only says so.
  void forget();

 private:
  explicit Channel(std::shared_ptr<State> state) noexcept;
  [[nodiscard]] State& state() const;
  Sent send_parcel(const Value& message, Parcel parcel);
  Sent send_copy(const Value& message, Parcel parcel, int descriptor);
  std::shared_ptr<State> state_;
};

}  // namespace baton
