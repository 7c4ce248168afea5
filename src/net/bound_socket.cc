#include "baton/net/bound_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include "baton/base/descriptor_kind.h"
#include "net/bound_stream.h"
#include "net/sockaddr.h"

namespace baton::net {
namespace {

bool is_connected(int descriptor) {
  tcp_info info{};
  socklen_t length = sizeof info;
  return ::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 || info.tcpi_state != TCP_CLOSE;
}

}  // namespace

Result<BoundSocket> BoundSocket::adopt(Fd descriptor) {
  const std::string operation = "adopt a bound socket";
  Native native(std::move(descriptor));
  const DescriptorKind kind = descriptor_kind(native.descriptor());
  if (kind == DescriptorKind::closed) return failure(EBADF, operation);
  if (kind != DescriptorKind::tcp) return failure(Errc::wrong_handle, operation, describe(kind));
  if (is_connected(native.descriptor())) {
    return failure(Errc::wrong_handle, operation, "a connected TCP socket");
  }
  if (local_endpoint(native.descriptor()).port() == 0) {
    return failure(Errc::wrong_handle, operation, "a TCP socket without an address");
  }
  // Whoever sent it need not have been so kind.
  ::fcntl(native.descriptor(), F_SETFL, ::fcntl(native.descriptor(), F_GETFL) | O_NONBLOCK);
  return BoundSocket(native.release());
}

Endpoint BoundSocket::local() const { return local_endpoint(descriptor()); }

BoundSocket bind(const Endpoint& endpoint, const ListenOptions& options) {
  if (endpoint.family() != 4 && endpoint.family() != 6) {
    throw std::invalid_argument("no address for TCP: " + endpoint.to_string());
  }
  return BoundSocket(bound_stream(endpoint, options, "bind " + endpoint.to_string()));
}

}  // namespace baton::net
