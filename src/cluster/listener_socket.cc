#include "cluster/listener_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <utility>

#include "baton/base/descriptor_kind.h"
#include "baton/net/endpoint.h"
#include "baton/net/server.h"
#include "baton/net/udp.h"
#include "net/sockaddr.h"

namespace baton::cluster {
namespace {

using net::Endpoint;

// The bits of libuv's that Node puts into `flags`.
constexpr int64_t flag_ipv6_only = 1;
constexpr int64_t flag_reuse_address = 4;
constexpr std::size_t longest_path = 107;

int limited(int64_t backlog) {
  return static_cast<int>(std::clamp<int64_t>(backlog, 1, std::numeric_limits<int>::max()));
}

bool has_flag(const wire::ListenQuery& query, int64_t flag) { return (query.flags.value_or(0) & flag) != 0; }

void set_option(const Fd& descriptor, int level, int name, bool on) {
  const int value = on ? 1 : 0;
  ::setsockopt(descriptor.get(), level, name, &value, sizeof value);
}

std::string subject(const wire::ListenQuery& query) {
  const std::string what = query.is_udp() ? "bind " : "listen ";
  if (query.fd.value_or(-1) >= 0) return what + "descriptor " + std::to_string(*query.fd);
  if (query.type == wire::AddressType::unix_path) return what + "unix:" + query.address.value_or("");
  const std::string port = std::to_string(query.port.value_or(0));
  const bool v6 = query.type == wire::AddressType::tcp6 || query.type == wire::AddressType::udp6;
  if (!query.address) return what + "*:" + port;
  return what + (v6 ? "[" + *query.address + "]:" : *query.address + ":") + port;
}

// The address that was asked for; the worker has looked names up.
Result<Endpoint> endpoint_of(const wire::ListenQuery& query, std::string_view any) {
  const int64_t port = query.port.value_or(0);
  if (port < 0 || port > 65535) return failure(EINVAL, subject(query), "port");
  try {
    return Endpoint(query.address ? std::string_view(*query.address) : any, static_cast<uint16_t>(port));
  } catch (const std::invalid_argument&) {
    return failure(EINVAL, subject(query), "address");
  }
}

Result<Fd> listen_at(Loop& loop, const Endpoint& endpoint, const wire::ListenQuery& query, int64_t backlog) {
  const auto options =
      net::ListenOptions().backlog(limited(backlog)).ipv6_only(has_flag(query, flag_ipv6_only));
  try {
    return net::listen(loop, endpoint, options).release();
  } catch (const Error& error) {
    return std::unexpected(error);
  }
}

Result<Fd> open_tcp(Loop& loop, const wire::ListenQuery& query, int64_t backlog) {
  if (!query.address) {
    const auto all = endpoint_of(query, "::");
    if (!all) return std::unexpected(all.error());
    if (auto both = listen_at(loop, *all, query, backlog)) return both;
  }
  const auto endpoint = endpoint_of(query, "0.0.0.0");
  if (!endpoint) return std::unexpected(endpoint.error());
  return listen_at(loop, *endpoint, query, backlog);
}

Result<Fd> open_udp(Loop& loop, const wire::ListenQuery& query) {
  const auto endpoint = endpoint_of(query, query.type == wire::AddressType::udp6 ? "::" : "0.0.0.0");
  if (!endpoint) return std::unexpected(endpoint.error());
  const auto options = net::UdpOptions()
                           .reuse_address(has_flag(query, flag_reuse_address))
                           .ipv6_only(has_flag(query, flag_ipv6_only));
  try {
    return net::bind_udp(loop, *endpoint, options).release();
  } catch (const Error& error) {
    return std::unexpected(error);
  }
}

// A long path may fit when it is told from here.
std::string shortest(const std::string& path) {
  if (path.size() <= longest_path || path.front() != '/') return path;
  std::error_code error;
  std::string relative = std::filesystem::relative(path, error).string();
  return !error && !relative.empty() && relative.size() < path.size() ? relative : path;
}

}  // namespace

ListenerSocket::ListenerSocket(ListenerSocket&& other) noexcept
    : descriptor_(std::move(other.descriptor_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ListenerSocket::~ListenerSocket() {
  if (path_.empty()) return;
  struct stat now{};
  // The name may be somebody else's by now.
  if (::lstat(path_.c_str(), &now) != 0 || now.st_dev != device_ || now.st_ino != inode_) return;
  ::unlink(path_.c_str());
}

void ListenerSocket::remember_file(std::string path) {
  struct stat made{};
  if (::lstat(path.c_str(), &made) != 0) return;
  path_ = std::move(path);
  device_ = made.st_dev;
  inode_ = made.st_ino;
}

Result<ListenerSocket> ListenerSocket::open(Loop& loop, const wire::ListenQuery& query, Sharing sharing,
                                            int64_t backlog) {
  if (query.fd.value_or(-1) >= 0) return open_inherited(query, backlog);
  if (query.type == wire::AddressType::unix_path) return open_path(loop, query, backlog);
  auto opened = query.is_udp() ? open_udp(loop, query) : open_tcp(loop, query, backlog);
  if (!opened) return std::unexpected(opened.error());
  // Only now, so that the port of another program is not taken for one of ours.
  if (sharing == Sharing::a_socket_each) set_option(*opened, SOL_SOCKET, SO_REUSEPORT, true);
  return ListenerSocket(std::move(*opened));
}

Result<ListenerSocket> ListenerSocket::open_path(Loop& loop, const wire::ListenQuery& query,
                                                 int64_t backlog) {
  const std::string path = shortest(query.address.value_or(""));
  if (path.empty()) return failure(EINVAL, subject(query), "path");
  if (path.size() > longest_path) return failure(ENAMETOOLONG, subject(query), "path");
  if (path.contains('\0')) return failure(EINVAL, subject(query), "path");
  auto opened = listen_at(loop, Endpoint::unix_path(path), query, backlog);
  if (!opened) return std::unexpected(opened.error());
  ListenerSocket socket(std::move(*opened));
  socket.remember_file(path);
  mode_t more = 0;
  if (query.readable_all) more |= S_IRUSR | S_IRGRP | S_IROTH;
  if (query.writable_all) more |= S_IWUSR | S_IWGRP | S_IWOTH;
  struct stat made{};
  if (more != 0 && ::stat(path.c_str(), &made) == 0) {
    if (::chmod(path.c_str(), made.st_mode | more) != 0) return failure(errno, subject(query), "chmod");
  }
  return socket;
}

// A worker may name only what this process was started with (or marked as inheritable), and none of the
// sockets that it made for itself.
Result<ListenerSocket> ListenerSocket::open_inherited(const wire::ListenQuery& query, int64_t backlog) {
  const int64_t number = *query.fd;
  const int flags =
      number <= std::numeric_limits<int>::max() ? ::fcntl(static_cast<int>(number), F_GETFD) : -1;
  if (flags < 0 || (flags & FD_CLOEXEC) != 0) return failure(EBADF, subject(query));
  Fd copy(::fcntl(static_cast<int>(number), F_DUPFD_CLOEXEC, 3));
  if (!copy) return failure(errno, subject(query), "dup");
  const DescriptorKind kind = descriptor_kind(copy.get());
  if (query.is_udp()) {
    if (kind != DescriptorKind::udp) return failure(EINVAL, subject(query), describe(kind));
  } else if (kind != DescriptorKind::tcp_listener && kind != DescriptorKind::unix_listener) {
    if (kind != DescriptorKind::tcp && kind != DescriptorKind::unix_stream) {
      return failure(EINVAL, subject(query), describe(kind));
    }
    if (::listen(copy.get(), limited(backlog)) != 0) return failure(errno, subject(query), "listen");
  }
  ::fcntl(copy.get(), F_SETFL, ::fcntl(copy.get(), F_GETFL) | O_NONBLOCK);
  return ListenerSocket(std::move(copy));
}

Result<ListenerSocket> ListenerSocket::beside(int64_t backlog) const {
  const Endpoint endpoint = net::local_endpoint(descriptor_.get());
  const std::string operation = "listen " + endpoint.to_string();
  const net::SocketAddress address(endpoint);
  Fd descriptor(::socket(address.domain(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) return failure(errno, operation, "socket");
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, true);
  set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, true);
  if (address.domain() == AF_INET6) {
    int only = 0;
    socklen_t length = sizeof only;
    ::getsockopt(descriptor_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, &length);
    set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, only != 0);
  }
  if (::bind(descriptor.get(), address.get(), address.length()) != 0)
    return failure(errno, operation, "bind");
  if (::listen(descriptor.get(), limited(backlog)) != 0) return failure(errno, operation, "listen");
  return ListenerSocket(std::move(descriptor));
}

std::optional<wire::Sockname> ListenerSocket::sockname() const {
  const Endpoint endpoint = net::local_endpoint(descriptor_.get());
  if (endpoint.family() != 4 && endpoint.family() != 6) return std::nullopt;
  wire::Sockname name;
  name.address = endpoint.address();
  name.family = endpoint.family() == 6 ? "IPv6" : "IPv4";
  name.port = endpoint.port();
  return name;
}

}  // namespace baton::cluster
