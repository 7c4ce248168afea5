// How a UDP socket is made, and everything that is set on one.

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

#include "baton/net/udp.h"
#include "net/datagrams.h"
#include "net/interface.h"
#include "net/sockaddr.h"

namespace baton::net {
namespace {

template <class T>
Result<void> set(int descriptor, int level, int name, const T& value, const std::string& operation) {
  if (::setsockopt(descriptor, level, name, &value, sizeof value) == 0) return {};
  return failure(errno, operation, "setsockopt");
}

bool is_version_6(int descriptor) { return local_endpoint(descriptor).family() == 6; }

int asked(int descriptor, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : 0;
}

Result<sockaddr_storage> address_of(std::string_view text, const std::string& operation) {
  try {
    const SocketAddress address(Endpoint(text, 0));
    sockaddr_storage storage{};
    std::copy_n(reinterpret_cast<const char*>(address.get()), address.length(),
                reinterpret_cast<char*>(&storage));
    return storage;
  } catch (const std::invalid_argument&) {
    return failure(EINVAL, operation, "address " + std::string(text));
  }
}

// The calls of RFC 3678, which are the same for both versions of IP.
Result<void> change_membership(int descriptor, int call, std::string_view group, std::string_view interface,
                               const std::string& operation) {
  const auto index = interface_index(interface);
  if (!index) return failure(index.error().code().value(), operation, index.error().operation());
  const auto address = address_of(group, operation);
  if (!address) return std::unexpected(address.error());
  group_req request{};
  request.gr_interface = *index;
  request.gr_group = *address;
  return set(descriptor, is_version_6(descriptor) ? IPPROTO_IPV6 : IPPROTO_IP, call, request, operation);
}

Result<void> change_source(int descriptor, int call, std::string_view source, std::string_view group,
                           std::string_view interface, const std::string& operation) {
  const auto index = interface_index(interface);
  if (!index) return failure(index.error().code().value(), operation, index.error().operation());
  const auto group_address = address_of(group, operation);
  if (!group_address) return std::unexpected(group_address.error());
  const auto source_address = address_of(source, operation);
  if (!source_address) return std::unexpected(source_address.error());
  group_source_req request{};
  request.gsr_interface = *index;
  request.gsr_group = *group_address;
  request.gsr_source = *source_address;
  return set(descriptor, is_version_6(descriptor) ? IPPROTO_IPV6 : IPPROTO_IP, call, request, operation);
}

// Where the two versions of IP call the same thing by two names.
Result<void> set_either(int descriptor, int name_of_4, int name_of_6, int value,
                        const std::string& operation) {
  const bool v6 = is_version_6(descriptor);
  return set(descriptor, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? name_of_6 : name_of_4, value, operation);
}

// The kernel would take -1 for its default.
Result<void> set_hops(int descriptor, int name_of_4, int name_of_6, int hops, int least,
                      const std::string& operation) {
  if (hops < least || hops > 255) return failure(EINVAL, operation);
  return set_either(descriptor, name_of_4, name_of_6, hops, operation);
}

std::string named(const char* what, std::string_view subject) { return what + std::string(subject); }

}  // namespace

Fd bound_udp(const Endpoint& endpoint, const UdpOptions& options) {
  if (endpoint.family() != 4 && endpoint.family() != 6) {
    throw std::invalid_argument("no address for UDP: " + endpoint.to_string());
  }
  const std::string operation = "bind " + endpoint.to_string();
  const SocketAddress address(endpoint);
  Fd descriptor(::socket(address.domain(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) throw Error(errno, operation, "socket");
  const auto must = [](const Result<void>& result) {
    if (!result) throw Error(result.error());
  };
  const int fd = descriptor.get();
  if (options.reuse_address()) must(set(fd, SOL_SOCKET, SO_REUSEADDR, 1, operation));
  if (options.reuse_port()) must(set(fd, SOL_SOCKET, SO_REUSEPORT, 1, operation));
  if (endpoint.family() == 6) {
    must(set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only() ? 1 : 0, operation));
  }
  if (options.receive_buffer() != 0)
    must(set(fd, SOL_SOCKET, SO_RCVBUF, options.receive_buffer(), operation));
  if (options.send_buffer() != 0) must(set(fd, SOL_SOCKET, SO_SNDBUF, options.send_buffer(), operation));
  if (::bind(fd, address.get(), address.length()) != 0) throw Error(errno, operation, "bind");
  return descriptor;
}

UdpSocket bind_udp(Loop& loop, const Endpoint& endpoint, const UdpOptions& options) {
  auto socket = UdpSocket::adopt(loop, bound_udp(endpoint, options));
  if (!socket) throw Error(socket.error());
  return std::move(*socket);
}

Result<void> UdpSocket::join(std::string_view group, std::string_view interface) {
  return change_membership(expect_descriptor(), MCAST_JOIN_GROUP, group, interface, named("join ", group));
}
Result<void> UdpSocket::leave(std::string_view group, std::string_view interface) {
  return change_membership(expect_descriptor(), MCAST_LEAVE_GROUP, group, interface, named("leave ", group));
}
Result<void> UdpSocket::join_source(std::string_view source, std::string_view group,
                                    std::string_view interface) {
  return change_source(expect_descriptor(), MCAST_JOIN_SOURCE_GROUP, source, group, interface,
                       named("join ", group) + named(" of ", source));
}
Result<void> UdpSocket::leave_source(std::string_view source, std::string_view group,
                                     std::string_view interface) {
  return change_source(expect_descriptor(), MCAST_LEAVE_SOURCE_GROUP, source, group, interface,
                       named("leave ", group) + named(" of ", source));
}

Result<void> UdpSocket::multicast_interface(std::string_view interface) {
  const std::string operation = named("set the multicast interface ", interface);
  const auto index = interface_index(interface);
  if (!index) return failure(index.error().code().value(), operation, index.error().operation());
  if (is_version_6(expect_descriptor())) {
    return set(expect_descriptor(), IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(*index), operation);
  }
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(*index);
  return set(expect_descriptor(), IPPROTO_IP, IP_MULTICAST_IF, request, operation);
}
Result<void> UdpSocket::multicast_ttl(int hops) {
  return set_hops(expect_descriptor(), IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, hops, 0,
                  "set the multicast TTL " + std::to_string(hops));
}
Result<void> UdpSocket::multicast_loopback(bool on) {
  return set_either(expect_descriptor(), IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, on ? 1 : 0,
                    "set the multicast loopback");
}
Result<void> UdpSocket::ttl(int hops) {
  return set_hops(expect_descriptor(), IP_TTL, IPV6_UNICAST_HOPS, hops, 1,
                  "set the TTL " + std::to_string(hops));
}
Result<void> UdpSocket::broadcast(bool on) {
  return set(expect_descriptor(), SOL_SOCKET, SO_BROADCAST, on ? 1 : 0, "allow broadcast");
}
Result<void> UdpSocket::receive_buffer(int bytes) {
  return set(expect_descriptor(), SOL_SOCKET, SO_RCVBUF, bytes, "set the receive buffer");
}
Result<void> UdpSocket::send_buffer(int bytes) {
  return set(expect_descriptor(), SOL_SOCKET, SO_SNDBUF, bytes, "set the send buffer");
}
int UdpSocket::receive_buffer() const { return asked(expect_descriptor(), SO_RCVBUF); }
int UdpSocket::send_buffer() const { return asked(expect_descriptor(), SO_SNDBUF); }

}  // namespace baton::net
