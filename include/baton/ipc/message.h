#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "baton/net/bound_socket.h"
#include "baton/net/native.h"
#include "baton/net/server.h"
#include "baton/net/socket.h"
#include "baton/net/udp.h"
#include "baton/wire/payload.h"
#include "baton/wire/value.h"

namespace baton {

/// What arrived on a channel: a value, and perhaps an open socket with it. A handle that is not taken is
/// closed with the message.
class Message {
 public:
  /// Everything that may come with a message; std::monostate: nothing.
  using Handle =
      std::variant<std::monostate, net::Server, net::Socket, net::Native, net::UdpSocket, net::BoundSocket>;

  Message() = default;
  /// @{
  /// For the layers above: a message that has come.
  explicit Message(Value value) : value_(std::move(value)) {}
  Message(Value value, std::string handle_type, Handle handle)
      : value_(std::move(value)), handle_type_(std::move(handle_type)), handle_(std::move(handle)) {}
  /// @}

  /// What the peer said; undefined if it sent a handle with nothing.
  [[nodiscard]] const Value& value() const noexcept { return value_; }
  /// Moves the value out.
  [[nodiscard]] Value take_value() { return std::move(value_); }
  /// What the peer said as a struct with BATON_FIELDS (`wire/payload.h`); the error names the member that
  /// does not fit.
  template <detail::described T>
  [[nodiscard]] Result<T> as() const {
    return from_value<T>(value_);
  }

  /// The handle's type as on the wire: "net.Server", "net.Socket", "net.BoundSocket", "dgram.Socket" come as
  /// what they are called (a net::UdpSocket the last), "net.Native" and "dgram.Native" as a net::Native;
  /// empty if none came.
  [[nodiscard]] const std::string& handle_type() const noexcept { return handle_type_; }
  /// Whether a handle came and was not taken yet.
  [[nodiscard]] bool has_handle() const noexcept { return !std::holds_alternative<std::monostate>(handle_); }
  /// The handle, if it is a H (net::Server, Socket, BoundSocket, UdpSocket or Native), still owned by the
  /// message; else null.
  template <class H>
  [[nodiscard]] H* get_if() noexcept {
    return std::get_if<H>(&handle_);
  }
  /// Takes the handle. Throws std::logic_error if none of that kind came, or it was taken before.
  template <class H>
  [[nodiscard]] H take() {
    H* handle = get_if<H>();
    if (handle == nullptr) {
      throw std::logic_error("this message has " +
                             (has_handle() ? "a handle of type " + handle_type_ : "no such handle"));
    }
    H taken = std::move(*handle);
    handle_ = std::monostate();
    return taken;
  }

 private:
  Value value_;
  std::string handle_type_;
  Handle handle_;
};

}  // namespace baton
