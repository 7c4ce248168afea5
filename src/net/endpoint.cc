#include "baton/net/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "net/sockaddr.h"

namespace baton::net {
namespace {

// What stands after the '%': an interface, by name or by number. 0: none, or none of this machine's.
uint32_t zone_of(std::string_view address) {
  const size_t mark = address.find('%');
  if (mark == std::string_view::npos) return 0;
  const std::string zone(address.substr(mark + 1));
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(zone.data(), zone.data() + zone.size(), number);
  const bool is_number = error == std::errc() && end == zone.data() + zone.size();
  return is_number ? number : ::if_nametoindex(zone.c_str());
}

std::string without_zone(std::string_view address) {
  return std::string(address.substr(0, address.find('%')));
}

}  // namespace

Endpoint::Endpoint(std::string_view address, uint16_t port) : address_(address), port_(port) {
  in6_addr binary{};
  if (inet_pton(AF_INET, address_.c_str(), &binary) == 1) {
    family_ = 4;
  } else if (inet_pton(AF_INET6, without_zone(address_).c_str(), &binary) == 1) {
    family_ = 6;
  } else {
    throw std::invalid_argument("not an IP address: " + address_);
  }
}

Endpoint Endpoint::unix_path(std::string_view path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    throw std::invalid_argument("the path of a Unix-domain socket is too long: " + std::string(path));
  }
  Endpoint endpoint;
  endpoint.path_ = path;
  endpoint.family_ = -1;
  return endpoint;
}

Endpoint Endpoint::from_kernel(const sockaddr* address, uint32_t length) {
  Endpoint endpoint;
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    endpoint.family_ = 4;
    endpoint.port_ = ntohs(in->sin_port);
    endpoint.address_ = inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address);
    endpoint.family_ = 6;
    endpoint.port_ = ntohs(in->sin6_port);
    endpoint.address_ = inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
    if (in->sin6_scope_id != 0) {
      char name[IF_NAMESIZE] = "";
      const bool named = ::if_indextoname(in->sin6_scope_id, name) != nullptr;
      endpoint.address_ += '%';
      endpoint.address_ += named ? name : std::to_string(in->sin6_scope_id);
    }
  } else if (address->sa_family == AF_UNIX) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(address);
    endpoint.family_ = -1;
    const size_t head = offsetof(sockaddr_un, sun_path);
    if (length > head) endpoint.path_.assign(un->sun_path, length - head);
    // A path in the file system comes with its closing NUL; an abstract name begins with one.
    if (!endpoint.path_.empty() && endpoint.path_[0] != '\0')
      endpoint.path_.resize(std::strlen(endpoint.path_.c_str()));
  }
  return endpoint;
}

std::string Endpoint::to_string() const {
  if (family_ == 4) return address_ + ":" + std::to_string(port_);
  if (family_ == 6) return "[" + address_ + "]:" + std::to_string(port_);
  if (family_ == -1) return path_.starts_with('\0') ? "unix:@" + path_.substr(1) : "unix:" + path_;
  return "(unknown)";
}

SocketAddress::SocketAddress(const Endpoint& endpoint) {
  if (endpoint.family() == 4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage_);
    in->sin_family = AF_INET;
    in->sin_port = htons(endpoint.port());
    inet_pton(AF_INET, endpoint.address().c_str(), &in->sin_addr);
    length_ = sizeof *in;
  } else if (endpoint.family() == 6) {
    auto* in = reinterpret_cast<sockaddr_in6*>(&storage_);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(endpoint.port());
    inet_pton(AF_INET6, without_zone(endpoint.address()).c_str(), &in->sin6_addr);
    in->sin6_scope_id = zone_of(endpoint.address());
    length_ = sizeof *in;
  } else {
    auto* un = reinterpret_cast<sockaddr_un*>(&storage_);
    un->sun_family = AF_UNIX;
    const std::string& path = endpoint.path();
    std::memcpy(un->sun_path, path.data(), path.size());
    const size_t closing_nul = path.starts_with('\0') ? 0 : 1;
    length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + closing_nul);
  }
}

namespace {

Endpoint ask(int (*call)(int, sockaddr*, socklen_t*), int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (call(descriptor, address, &length) != 0) return {};
  return Endpoint::from_kernel(address, length);
}

}  // namespace

Endpoint local_endpoint(int descriptor) { return ask(getsockname, descriptor); }
Endpoint remote_endpoint(int descriptor) { return ask(getpeername, descriptor); }

}  // namespace baton::net
