#include "cluster/listener_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <utility>

#include "baton/base/descriptor_kind.h"
#include "baton/net/endpoint.h"
#include "baton/net/server.h"
#include "baton/net/udp.h"
#include "net/bound_stream.h"
#include "net/datagrams.h"
#include "net/last_call.h"
#include "net/sockaddr.h"

namespace baton::cluster {
namespace {

using net::Endpoint;

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
  if (query.type == wire::AddressType::unix_path) return what + "unix:" + query.path_text();
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

Result<Fd> listen_at(const Endpoint& endpoint, const wire::ListenQuery& query, int64_t backlog,
                     const net::ListenCall& call = ::listen) {
  const auto options = net::ListenOptions()
                           .backlog(limited(backlog))
                           .ipv6_only(has_flag(query, wire::ListenQuery::ipv6_only))
                           .readable_all(query.readable_all)
                           .writable_all(query.writable_all);
  try {
    return net::listening_stream(endpoint, options, call);
  } catch (const Error& error) {
    return std::unexpected(error);
  }
}

Result<Fd> open_tcp(const wire::ListenQuery& query, int64_t backlog) {
  if (!query.address) {
    const auto all = endpoint_of(query, "::");
    if (!all) return std::unexpected(all.error());
    if (auto both = listen_at(*all, query, backlog)) return both;
  }
  const auto endpoint = endpoint_of(query, "0.0.0.0");
  if (!endpoint) return std::unexpected(endpoint.error());
  return listen_at(*endpoint, query, backlog);
}

Result<Fd> open_udp(const wire::ListenQuery& query) {
  const auto endpoint = endpoint_of(query, query.type == wire::AddressType::udp6 ? "::" : "0.0.0.0");
  if (!endpoint) return std::unexpected(endpoint.error());
  const auto options = net::UdpOptions()
                           .reuse_address(has_flag(query, wire::ListenQuery::reuse_address))
                           .ipv6_only(has_flag(query, wire::ListenQuery::ipv6_only));
  try {
    return net::bound_udp(*endpoint, options);
  } catch (const Error& error) {
    return std::unexpected(error);
  }
}

// Whether who asks so is served by a socket that is bound there.
bool asks_for(const wire::ListenQuery& query, const Endpoint& bound, bool udp) {
  if (query.fd.value_or(-1) >= 0 || query.is_udp() != udp) return false;
  if (query.type == wire::AddressType::unix_path)
    return bound.family() == -1 && !bound.path().empty() && query.address == bound.path();
  if (bound.family() == -1 || query.port != int64_t{bound.port()}) return false;
  if (!query.address) return bound.address() == "::" || bound.address() == "0.0.0.0";
  const auto asked = endpoint_of(query, "");
  return asked && asked->to_string() == bound.to_string();
}

// A long path may fit when it is told from here.
std::string shortest(const std::string& path) {
  if (path.size() <= longest_path || path.front() != '/') return path;
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  if (error) return path;
  // No link is followed: it is the path that was asked for.
  std::string relative = std::filesystem::path(path).lexically_relative(here).string();
  return !relative.empty() && relative.size() < path.size() ? relative : path;
}

}  // namespace

ListenerSocket& ListenerSocket::operator=(ListenerSocket&& other) noexcept {
  if (this == &other) return *this;
  remove_file();
  descriptor_ = std::move(other.descriptor_);
  file_ = std::move(other.file_);
  rights_ = std::move(other.rights_);
  inherited_ = other.inherited_;
  return *this;
}

ListenerSocket::~ListenerSocket() { remove_file(); }

void ListenerSocket::take_file_away() {
  if (!file_) return;
  if (!rights_) return file_.remove();
  (void)rights_->to_files([this]() -> Result<void> {
    file_.remove();
    return {};
  });
}

void ListenerSocket::remove_file() {
  take_file_away();
  file_.forget();
}

void ListenerSocket::turn_newcomers_away() noexcept {
  if (inherited_) return;
  take_file_away();
  net::turn_newcomers_away(descriptor_.get());
}

void ListenerSocket::let_newcomers_in() noexcept {
  if (!inherited_) net::let_newcomers_in(descriptor_.get());
}

bool ListenerSocket::somebody_waits() const noexcept {
  return !inherited_ && net::somebody_waits(descriptor_.get());
}

Result<void> ListenerSocket::open_anew(const wire::ListenQuery& query, Sharing sharing, int64_t backlog) {
  if (inherited_ || file_) return failure(EOPNOTSUPP, subject(query));
  if (query.type != wire::AddressType::unix_path) descriptor_.reset();
  auto opened = open(query, sharing, backlog, rights_);
  if (!opened) return std::unexpected(opened.error());
  *this = std::move(*opened);
  return {};
}

std::function<void()> ListenerSocket::file_removal() const {
  auto removal = file_.removal();
  if (!rights_) return removal;
  return [rights = *rights_, removal = std::move(removal)] {
    (void)rights.to_files([&]() -> Result<void> {
      removal();
      return {};
    });
  };
}

void ListenerSocket::close_aside(const spawner::Lane& lane) {
  descriptor_.reset();
  // Where there is no thread, or too many wait, the file stays; it is nobody's then.
  if (file_) (void)lane.post(file_removal());
  file_.forget();
}

// Who removes a "stale" file first has nobody connect to the old socket.
bool ListenerSocket::is_at_its_path() const {
  const std::string path = net::local_endpoint(descriptor_.get()).path();
  std::error_code ignored;
  return path.empty() || path.starts_with('\0') || std::filesystem::is_socket(path, ignored);
}

Result<ListenerSocket> ListenerSocket::open(const wire::ListenQuery& query, Sharing sharing, int64_t backlog,
                                            const std::optional<spawner::Rights>& rights) {
  if (query.fd.value_or(-1) >= 0) return open_inherited(query, backlog);
  if (!rights) return open_as_asked(query, sharing, backlog, rights);
  std::optional<Result<ListenerSocket>> opened;
  const auto open = [&]() -> Result<void> {
    opened.emplace(open_as_asked(query, sharing, backlog, rights));
    return {};
  };
  const bool path = query.type == wire::AddressType::unix_path && !query.is_abstract();
  const auto taken = path ? rights->to_files(open) : rights->to_ports(open);
  if (!taken) return failure(taken.error().code().value(), subject(query), taken.error().operation());
  if (opened->has_value()) (*opened)->rights_ = rights;
  return std::move(*opened);
}

Result<ListenerSocket> ListenerSocket::open_as_asked(const wire::ListenQuery& query, Sharing sharing,
                                                     int64_t backlog,
                                                     const std::optional<spawner::Rights>& rights) {
  if (query.type == wire::AddressType::unix_path) return open_path(query, backlog, rights);
  auto opened = query.is_udp() ? open_udp(query) : open_tcp(query, backlog);
  if (!opened) return std::unexpected(opened.error());
  // Only now, so that the port of another program is not taken for one of ours.
  if (sharing == Sharing::a_socket_each) set_option(*opened, SOL_SOCKET, SO_REUSEPORT, true);
  return ListenerSocket(std::move(*opened));
}

Result<ListenerSocket> ListenerSocket::open_path(const wire::ListenQuery& query, int64_t backlog,
                                                 const std::optional<spawner::Rights>& rights) {
  const std::string path = shortest(query.address.value_or(""));
  if (path.empty()) return failure(EINVAL, subject(query), "path");
  if (path.size() > longest_path) return failure(ENAMETOOLONG, subject(query), "path");
  if (path.contains('\0') && !query.is_abstract()) return failure(EINVAL, subject(query), "path");
  const auto listen = [&](int socket, int waiting) {
    if (!rights) return ::listen(socket, waiting);
    const auto listens = rights->listen(socket, waiting);
    if (!listens) errno = listens.error().code().value();
    return listens ? 0 : -1;
  };
  auto opened = listen_at(Endpoint::unix_path(path), query, backlog, listen);
  if (!opened) return std::unexpected(opened.error());
  ListenerSocket socket(std::move(*opened));
  if (!query.is_abstract()) socket.file_ = net::SocketFile(socket.descriptor(), path);
  return socket;
}

// A worker may name only what this process was started with (or marked as inheritable), and none of the
// sockets that it made for itself.
Result<ListenerSocket> ListenerSocket::open_inherited(const wire::ListenQuery& query, int64_t backlog) {
  const int64_t number = *query.fd;
  const int flags =
      number <= std::numeric_limits<int>::max() ? ::fcntl(static_cast<int>(number), F_GETFD) : -1;
  if (flags < 0 || (flags & FD_CLOEXEC) != 0) return failure(EBADF, subject(query));
  const DescriptorKind kind = descriptor_kind(static_cast<int>(number));
  if (query.is_udp()) {
    if (kind != DescriptorKind::udp) return failure(EINVAL, subject(query), describe(kind));
  } else if (kind != DescriptorKind::tcp_listener && kind != DescriptorKind::unix_listener) {
    if (kind != DescriptorKind::tcp && kind != DescriptorKind::unix_stream) {
      return failure(EINVAL, subject(query), describe(kind));
    }
    if (::listen(static_cast<int>(number), limited(backlog)) != 0) {
      return failure(errno, subject(query), "listen");
    }
  }
  return inherited_copy(static_cast<int>(number), subject(query));
}

Result<ListenerSocket> ListenerSocket::inherited_copy(int descriptor, const std::string& operation) {
  Fd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
  if (!copy) return failure(errno, operation, "dup");
  ::fcntl(copy.get(), F_SETFL, ::fcntl(copy.get(), F_GETFL) | O_NONBLOCK);
  ListenerSocket socket(std::move(copy));
  socket.inherited_ = true;
  return socket;
}

std::optional<Result<ListenerSocket>> ListenerSocket::of_given(int given, const wire::ListenQuery& query,
                                                               Sharing sharing) {
  const bool udp = descriptor_kind(given) == DescriptorKind::udp;
  if (!asks_for(query, net::local_endpoint(given), udp)) return std::nullopt;
  auto socket = inherited_copy(given, subject(query));
  if (socket && sharing == Sharing::a_socket_each) {
    set_option(socket->descriptor_, SOL_SOCKET, SO_REUSEPORT, true);
  }
  return socket;
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
