#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/loop/serving.h"
#include "baton/net/endpoint.h"

namespace baton::net {

/// How a UDP socket is made; mirrors the options of Node's `dgram.createSocket`. A class with setters, so
/// that it may stand inside a `co_await` expression.
class UdpOptions {
 public:
  /// SO_REUSEADDR (Node's `reuseAddr`): all who ask for it may bind the address. A multicast datagram goes to
  /// each of them, any other one to the last.
  UdpOptions& reuse_address(bool on = true) { return reuse_address_ = on, *this; }
  /// SO_REUSEPORT (Node's `reusePort`): all who ask for it may bind the address, and the kernel spreads the
  /// senders over them by hash.
  UdpOptions& reuse_port(bool on = true) { return reuse_port_ = on, *this; }
  /// On "::" take IPv6 only (Node's `ipv6Only`); by default IPv4 too (dual stack), whose addresses are then
  /// written "::ffff:127.0.0.1".
  UdpOptions& ipv6_only(bool on = true) { return ipv6_only_ = on, *this; }
  /// @{
  /// Bytes of the kernel's buffers (Node's `recvBufferSize`, `sendBufferSize`); 0: its default.
  UdpOptions& receive_buffer(int bytes) { return receive_buffer_ = bytes, *this; }
  UdpOptions& send_buffer(int bytes) { return send_buffer_ = bytes, *this; }
  /// @}

  /// @{
  /// What was set.
  [[nodiscard]] bool reuse_address() const noexcept { return reuse_address_; }
  [[nodiscard]] bool reuse_port() const noexcept { return reuse_port_; }
  [[nodiscard]] bool ipv6_only() const noexcept { return ipv6_only_; }
  [[nodiscard]] int receive_buffer() const noexcept { return receive_buffer_; }
  [[nodiscard]] int send_buffer() const noexcept { return send_buffer_; }
  /// @}

 private:
  int receive_buffer_ = 0;
  int send_buffer_ = 0;
  bool reuse_address_ = false;
  bool reuse_port_ = false;
  bool ipv6_only_ = false;
};

/// A bound UDP socket; mirrors Node's `dgram.Socket`. It owns its descriptor. Its callbacks run from the
/// loop; any of them may destroy the socket, and none is called after that.
///
/// Datagrams are kept or lost whole: the kernel's buffer holds those that nobody has read yet, and drops what
/// it has no room for. No error ends a socket: each is told to `on_error`, and the socket goes on; so it does
/// when an exception leaves a callback: what was read or queued with that datagram follows.
///
/// While it receives or has something to send it keeps `Loop::run` from returning, unless unref'd. Destroying
/// it gives to the kernel what that takes at once, and drops the rest.
class UdpSocket {
 public:
  /// No socket: every call but assignment, destruction, `operator bool`, `close`, `release`, `connected` and
  /// `descriptor` (-1) throws std::logic_error.
  UdpSocket() noexcept;
  /// @{
  /// Moves; the other is empty afterwards.
  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) noexcept;
  /// @}
  ~UdpSocket();

  /// Takes over a UDP socket, connected or not, and makes it non-blocking; an error that says what it is for
  /// anything else. Mirrors `socket.bind({fd})`.
  [[nodiscard]] static Result<UdpSocket> adopt(Loop& loop, Fd descriptor);

  /// Whether there is a socket.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The loop that it lives on.
  [[nodiscard]] Loop& loop() const;

  /// Each datagram, an empty one too, and who sent it; both are valid during the call. Up to 16 are read with
  /// one call of the kernel (recvmmsg). Setting it starts receiving. An exception that leaves it, or the task
  /// that it returns, is its datagram's: see `Serving`. Mirrors 'message'.
  void on_message(Serving<std::string_view, const Endpoint&> callback);
  /// What went wrong with one datagram: too long (EMSGSIZE), no way there, refused by the machine it went to
  /// (ECONNREFUSED; connected sockets only hear of that), no place in the queue (Errc::queue_full); an
  /// exception that ended what served it. Without a handler, one line on standard error, at most one a
  /// second. Mirrors 'error' and the callback of `send`.
  void on_error(Handler<const Error&> callback);
  /// The queue is empty again after a `send` that returned false.
  void on_drain(Handler<> callback);

  /// Queues one datagram; it goes out at the end of the running callback, together with others (sendmmsg).
  /// False: more than 64 KiB wait, or this one was dropped; better go on at on_drain, which comes after
  /// either. Dropped, and reported, is one of more than 64 KiB (EMSGSIZE), and one that finds 16 MiB waiting
  /// (Errc::queue_full; each counts 128 bytes more than it has). Throws std::logic_error on a connected
  /// socket. Mirrors `socket.send(message, port, address)`.
  bool send(std::string_view bytes, const Endpoint& to);
  /// The same on a connected socket; throws std::logic_error on any other.
  bool send(std::string_view bytes);
  /// @{
  /// Sends now or not at all: EAGAIN when the kernel takes none, or others wait; EMSGSIZE and the like as the
  /// kernel says. Mirrors uv_udp_try_send.
  [[nodiscard]] Result<void> try_send(std::string_view bytes, const Endpoint& to);
  [[nodiscard]] Result<void> try_send(std::string_view bytes);
  /// @}
  /// @{
  /// What waits, as `socket.getSendQueueSize()` (bytes) and `getSendQueueCount()`.
  [[nodiscard]] size_t queued() const;
  [[nodiscard]] size_t queued_datagrams() const;
  /// @}
  /// Settles when everything that is queued now was given to the kernel, or reported.
  [[nodiscard]] Op<> flushed();

  /// From now on sends to `peer` and hears of nobody else; and is told when that refuses. Throws
  /// std::logic_error if it is connected. Mirrors `socket.connect`.
  [[nodiscard]] Result<void> connect(const Endpoint& peer);
  /// Hears of everybody again; throws std::logic_error unless connected. Mirrors `socket.disconnect()`.
  [[nodiscard]] Result<void> disconnect();
  /// Whether it is connected.
  [[nodiscard]] bool connected() const noexcept;

  /// @{
  /// Joins and leaves a multicast group. `interface`: its name ("eth0"), or one of its addresses; empty: the
  /// kernel chooses. Mirrors `socket.addMembership` and `dropMembership`.
  [[nodiscard]] Result<void> join(std::string_view group, std::string_view interface = {});
  [[nodiscard]] Result<void> leave(std::string_view group, std::string_view interface = {});
  /// @}
  /// @{
  /// The same for what `source` alone sends to the group. Mirrors `socket.addSourceSpecificMembership` and
  /// `dropSourceSpecificMembership`.
  [[nodiscard]] Result<void> join_source(std::string_view source, std::string_view group,
                                         std::string_view interface = {});
  [[nodiscard]] Result<void> leave_source(std::string_view source, std::string_view group,
                                          std::string_view interface = {});
  /// @}
  /// Over which interface multicast goes out. Mirrors `socket.setMulticastInterface`.
  [[nodiscard]] Result<void> multicast_interface(std::string_view interface);
  /// How many routers a multicast datagram passes, 0 to 255; 1 at first. Mirrors `socket.setMulticastTTL`.
  [[nodiscard]] Result<void> multicast_ttl(int hops);
  /// Whether members on this machine get what is sent here; they do at first. Mirrors
  /// `socket.setMulticastLoopback`.
  [[nodiscard]] Result<void> multicast_loopback(bool on);
  /// How many routers any other datagram passes, 1 to 255. Mirrors `socket.setTTL`.
  [[nodiscard]] Result<void> ttl(int hops);
  /// Whether it may send to broadcast addresses. Mirrors `socket.setBroadcast`.
  [[nodiscard]] Result<void> broadcast(bool on);
  /// @{
  /// The kernel's buffers, in bytes; the kernel rounds, and doubles what it was told. Mirror
  /// `socket.setRecvBufferSize`, `getRecvBufferSize` and so on.
  [[nodiscard]] Result<void> receive_buffer(int bytes);
  [[nodiscard]] Result<void> send_buffer(int bytes);
  [[nodiscard]] int receive_buffer() const;
  [[nodiscard]] int send_buffer() const;
  /// @}

  /// @{
  /// Stops and resumes receiving. What was read together with the datagram at hand is kept for `resume`.
  void pause();
  void resume();
  /// @}
  /// Closes at once; no callback is called any more.
  void close() noexcept;
  /// Gives the descriptor away; fails with EBUSY while datagrams are queued, EBADF when closed. The socket is
  /// empty afterwards, and what `pause` kept is lost.
  [[nodiscard]] Result<Fd> release();
  /// The descriptor, still owned here.
  [[nodiscard]] int descriptor() const noexcept;

  /// Where it is bound; mirrors `socket.address()`.
  [[nodiscard]] Endpoint local() const;
  /// Whom it is connected to; mirrors `socket.remoteAddress()`.
  [[nodiscard]] Endpoint remote() const;

  /// @{
  /// Whether the socket keeps the loop running.
  void ref();
  void unref();
  /// @}

  // For the layers above, not for programs.

  /// Called once when the descriptor is closed or given away, whoever does it.
  void on_gone(Handler<> callback);

 private:
  struct State;
  [[nodiscard]] State& state() const;
  [[nodiscard]] int expect_descriptor() const;
  explicit UdpSocket(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// A UDP socket that is bound to `endpoint`: "0.0.0.0" or "::" with port 0 for one that only asks others.
/// Throws Error: "bind 127.0.0.1:53: bind: permission denied"; std::invalid_argument for a path. Mirrors
/// `dgram.createSocket` with `socket.bind`.
[[nodiscard]] UdpSocket bind_udp(Loop& loop, const Endpoint& endpoint,
                                 const UdpOptions& options = UdpOptions());

}  // namespace baton::net
