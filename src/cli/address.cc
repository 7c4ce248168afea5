#include "cli/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <memory>
#include <stdexcept>

#include "baton/base/fd.h"

namespace baton::cli {
namespace {

using net::Endpoint;

constexpr std::string_view unix_prefix = "unix:";

// A kernel without IPv6 has no [::].
std::string_view every_address() {
  const Fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  const bool there = probe && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
  return there ? "::" : "0.0.0.0";
}

Parsed<Endpoint> look_up(const std::string& host, uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (failed != 0) return std::unexpected("look up " + host + ": " + ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  return Endpoint(Endpoint::from_kernel(found->ai_addr, found->ai_addrlen).address(), port);
}

Parsed<Endpoint> parse_unix(std::string_view path) {
  try {
    if (path.empty()) return std::unexpected(std::string("unix: needs a path"));
    // Workers may run in another directory, and /status shall say where it is.
    return Endpoint::unix_path(std::filesystem::absolute(path).lexically_normal().string());
  } catch (const std::invalid_argument& error) {
    return std::unexpected(std::string(error.what()));
  }
}

}  // namespace

Parsed<Endpoint> parse_address(std::string_view text) {
  if (text.starts_with(unix_prefix)) return parse_unix(text.substr(unix_prefix.size()));
  const std::size_t colon = text.rfind(':');
  std::string_view host = colon == text.npos ? "" : text.substr(0, colon);
  const auto port = parse_count(colon == text.npos ? text : text.substr(colon + 1), 0, 65535);
  const bool brackets = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (brackets) host = host.substr(1, host.size() - 2);
  if (!port || (!brackets && host.contains(':'))) {
    return std::unexpected("'" + std::string(text) +
                           "' is not an address such as 127.0.0.1:8080, [::1]:8080, 8080 or unix:/path");
  }
  if (host.empty() || host == "*") host = every_address();
  const auto number = static_cast<uint16_t>(*port);
  try {
    return Endpoint(host, number);
  } catch (const std::invalid_argument&) {
    if (brackets) return std::unexpected("'" + std::string(host) + "' is not an IPv6 address");
    return look_up(std::string(host), number);
  }
}

}  // namespace baton::cli
