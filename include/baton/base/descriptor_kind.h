#pragma once

#include <string_view>

namespace baton {

/// What the open file behind a descriptor is, as far as it matters for serving or passing it on.
enum class DescriptorKind {
  closed,         ///< no open descriptor
  tcp_listener,   ///< a listening TCP socket, v4 or v6
  tcp,            ///< any other TCP socket: connected, bound, or reset meanwhile
  unix_listener,  ///< a listening Unix-domain stream socket
  unix_stream,    ///< any other Unix-domain stream socket
  pipe,           ///< a pipe or FIFO
  udp,            ///< a UDP socket
  terminal,       ///< a terminal: a stream, but nothing that may travel
  other,          ///< a file, an eventfd, ...: nothing that may travel
};

/// Asks the kernel (fstat, SO_DOMAIN, SO_TYPE, SO_ACCEPTCONN) what `descriptor` is.
[[nodiscard]] DescriptorKind descriptor_kind(int descriptor) noexcept;

/// "a listening TCP socket", for messages.
[[nodiscard]] std::string_view describe(DescriptorKind kind) noexcept;

}  // namespace baton
