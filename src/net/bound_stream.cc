#include "net/bound_stream.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/sockaddr.h"

namespace baton::net {
namespace {

// The file of a Unix-domain socket outlives its listener; only a refused connection tells that it is stale.
bool is_stale(const SocketAddress& address) {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), address.get(), address.length()) != 0 && errno == ECONNREFUSED;
}

void set_option(const Fd& descriptor, int level, int name, bool on) {
  const int value = on ? 1 : 0;
  ::setsockopt(descriptor.get(), level, name, &value, sizeof value);
}

}  // namespace

Fd bound_stream(const Endpoint& endpoint, const ListenOptions& options, const std::string& operation) {
  const SocketAddress address(endpoint);
  Fd descriptor(::socket(address.domain(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) throw Error(errno, operation, "socket");
  const bool unix_domain = address.domain() == AF_UNIX;
  if (!unix_domain) set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, true);
  if (options.reuse_port()) set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, true);
  if (address.domain() == AF_INET6) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only());

  int status = ::bind(descriptor.get(), address.get(), address.length());
  if (status != 0 && errno == EADDRINUSE && unix_domain && is_stale(address)) {
    ::unlink(endpoint.path().c_str());
    status = ::bind(descriptor.get(), address.get(), address.length());
  }
  if (status != 0) throw Error(errno, operation, "bind");
  return descriptor;
}

}  // namespace baton::net
