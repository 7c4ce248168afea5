#pragma once

namespace baton::net {

/// Whether a TCP socket that listens gives connections that are shut down already: it was shut down while it
/// did not listen. Only the kernel's socket diagnosis tells; false where there is none.
[[nodiscard]] bool gives_dead_connections(int listener) noexcept;

}  // namespace baton::net
