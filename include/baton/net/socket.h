#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "baton/base/descriptor_kind.h"
#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/net/endpoint.h"
#include "baton/net/native.h"

namespace baton::net {

/// A byte stream: a TCP connection, a Unix-domain one, a pipe or a terminal. Mirrors Node's `net.Socket`. It
/// owns its descriptor. Its callbacks run from the loop; any of them may destroy the socket, and none is
/// called after that.
///
/// Reading begins when `on_data` (or `on_end`) is set, so a socket that is only passed on loses no byte.
/// While it reads or writes it keeps `Loop::run` from returning, unless unref'd.
///
/// Destroying it closes it at once and drops what is not yet in the kernel; after `end()` what was written
/// still goes out in the background, for at most 30 s.
class Socket {
 public:
  /// No connection: every call but assignment, destruction, `operator bool`, `close`, `release` and
  /// `descriptor` (-1) throws std::logic_error.
  Socket() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  /// @}
  ~Socket();

  /// Takes over a descriptor that must be a stream (not a listener); otherwise an error that says what it is,
  /// and the descriptor is closed. Makes it non-blocking.
  [[nodiscard]] static Result<Socket> adopt(Loop& loop, Fd descriptor);
  /// The same, with what was read from it already.
  [[nodiscard]] static Result<Socket> adopt(Loop& loop, Native handle);

  /// Whether this holds a connection that is not closed yet.
  explicit operator bool() const noexcept;
  /// The loop that it lives on.
  [[nodiscard]] Loop& loop() const;

  /// Each piece that arrives; it is valid during the call. Setting it starts reading.
  void on_data(Handler<std::string_view> callback);
  /// The peer has finished its direction, once, after the last data. Who sets it answers with `end()` in his
  /// own time (Node's allowHalfOpen); without it this direction is ended too. Setting it starts reading.
  void on_end(Handler<> callback);
  /// What broke the connection, once, before on_close.
  void on_error(Handler<const Error&> callback);
  /// The connection is over: both directions ended, or an error. The descriptor is closed. Not called for
  /// `close()` or the destructor.
  void on_close(Handler<> callback);
  /// The write queue is empty again after a `write` that returned false.
  void on_drain(Handler<> callback);

  /// @{
  /// Queues bytes; they go to the kernel at the end of the running callback, joined with others. False: more
  /// than 64 KiB are waiting, better wait for on_drain. Over 256 MiB the connection fails with
  /// Errc::queue_full. Bytes written after `end()` or on a broken connection are dropped.
  bool write(std::string_view bytes);
  bool write(std::string&& bytes);
  bool write(const char* text) { return write(std::string_view(text)); }
  /// @}
  /// `write` for the last words of a callback: what the kernel takes at once is neither copied nor waits for
  /// the callback's end.
  bool write_through(std::string_view bytes);
  /// Finishes our direction once everything queued is in the kernel (SHUT_WR).
  void end();
  /// Writes `bytes`, then ends.
  void end(std::string_view bytes);
  /// How many bytes are waiting.
  [[nodiscard]] size_t queued() const;
  /// Settles when everything that is queued now is in the kernel.
  [[nodiscard]] Op<> flushed();

  /// @{
  /// Stops and resumes reading; the kernel then slows the peer down.
  void pause();
  void resume();
  /// @}
  /// Puts bytes back in front of what is still to come: on_data gets them before the next piece, joined with
  /// it, or as soon as reading begins anew (`on_data`, `resume`). A socket that is sent to another Baton
  /// takes them along. Throws std::length_error over 1 MiB in all. Mirrors `readable.unshift`.
  void unread(std::string_view bytes);
  /// Takes them out again.
  [[nodiscard]] std::string take_unread();

  /// Closes at once; no callback is called any more.
  void close() noexcept;

  /// Gives the descriptor away, with what the peer sends from now on; fails with EBUSY while bytes are queued
  /// for writing or were put back, EBADF when closed. The socket is empty afterwards, the descriptor does not
  /// block.
  [[nodiscard]] Result<Fd> release();
  /// The descriptor, still owned here.
  [[nodiscard]] int descriptor() const noexcept;

  /// @{
  /// The two ends of the connection; an empty endpoint where the kernel names none.
  [[nodiscard]] Endpoint local() const;
  [[nodiscard]] Endpoint remote() const;
  /// @}
  /// TCP_NODELAY; on from the beginning. Does nothing on other streams.
  void no_delay(bool on);
  /// The key of the server that accepted this connection, as Node writes it ("4:127.0.0.1:0"); empty if none
  /// did.
  [[nodiscard]] const std::string& server_key() const;

  /// @{
  /// Whether the socket keeps the loop running.
  void ref();
  void unref();
  /// @}

  // For the layers above, not for programs.

  /// `adopt` for a descriptor whose kind is known to be a stream.
  [[nodiscard]] static Result<Socket> adopt(Loop& loop, Fd descriptor, DescriptorKind kind);
  /// Sets `server_key()`.
  void set_server_key(std::string key);
  /// Something is probably there already: whoever begins to read is given it without asking the kernel first
  /// to tell when there is. To be called before that.
  void expect_data();
  /// Whether it is a terminal, which nobody else can be given.
  [[nodiscard]] bool is_terminal() const noexcept;
  /// Whether somebody reads (paused or not) and the peer has not finished yet.
  [[nodiscard]] bool reading() const noexcept;
  /// Called once when the descriptor is closed or given away, whoever does it.
  void on_gone(Handler<> callback);
  /// Called once if the peer breaks the connection while nobody reads (paused, or after the peer's end),
  /// which nothing else would tell. It is for the callee to close it.
  void on_broken(Handler<> callback);
  /// Called once, when the queue is empty and the kernel takes more; for who writes to the descriptor
  /// himself.
  void when_writable(Handler<> callback);
  /// Takes off every callback but on_gone and stops reading, for a socket that goes to somebody else: as new.
  void forget_callbacks();

 private:
  struct State;
  [[nodiscard]] State& state() const;
  explicit Socket(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// Connects to `endpoint` (TCP or Unix-domain). Fails with what connect(2) says. Giving the wait up, or
/// dropping the Op, ends it. `net/name.h` has the same for the name of a host.
[[nodiscard]] Op<Socket> connect(Loop& loop, const Endpoint& endpoint);

}  // namespace baton::net
