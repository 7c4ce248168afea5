#include "net/bound_stream.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/sockaddr.h"
#include "net/socket_file.h"

namespace baton::net {
namespace {

void set_option(const Fd& descriptor, int level, int name, bool on) {
  const int value = on ? 1 : 0;
  ::setsockopt(descriptor.get(), level, name, &value, sizeof value);
}

Fd stream_for(const SocketAddress& address, const ListenOptions& options, const std::string& operation) {
  Fd descriptor(::socket(address.domain(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) throw Error(errno, operation, "socket");
  if (address.domain() != AF_UNIX) set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, true);
  if (options.reuse_port()) set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, true);
  if (address.domain() == AF_INET6) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only());
  return descriptor;
}

FileMode mode_of(const ListenOptions& options) {
  if (const auto mode = options.file_mode()) return {*mode, *mode};
  if (options.owner_only()) return FileMode::owner_only();
  FileMode mode;
  if (options.readable_all()) mode.at_least |= 0444;
  if (options.writable_all()) mode.at_least |= 0222;
  return mode;
}

}  // namespace

Fd bound_stream(const Endpoint& endpoint, const ListenOptions& options, const std::string& operation,
                const std::function<void(int)>& bound) {
  const SocketAddress address(endpoint);
  Fd descriptor = stream_for(address, options, operation);
  const bool file = address.domain() == AF_UNIX && !endpoint.path().starts_with('\0');
  const int status = file ? bind_file(descriptor, endpoint.path(), mode_of(options), bound)
                          : ::bind(descriptor.get(), address.get(), address.length());
  if (status != 0) throw Error(errno, operation, "bind");
  if (address.domain() == AF_UNIX || endpoint.port() != 0) return descriptor;
  // The socket gives a port that the kernel chose up when anybody who shares it shuts it down, and could be
  // bound to another; a port that was asked for it keeps.
  const SocketAddress chosen(local_endpoint(descriptor.get()));
  Fd keeping = stream_for(chosen, options, operation);
  if (::bind(keeping.get(), chosen.get(), chosen.length()) != 0) return descriptor;
  return keeping;
}

Fd listening_stream(const Endpoint& endpoint, const ListenOptions& options, const ListenCall& call) {
  const std::string operation = "listen " + endpoint.to_string();
  const auto listen = [&](int socket) { return call(socket, options.backlog()); };
  Fd descriptor = bound_stream(endpoint, options, operation, listen);
  if (listen(descriptor.get()) != 0) throw Error(errno, operation, "listen");
  return descriptor;
}

}  // namespace baton::net
