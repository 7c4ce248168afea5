#include "net/interface.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "baton/net/endpoint.h"

namespace baton::net {
namespace {

Result<unsigned> of_name(const std::string& name) {
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) return failure(ENODEV, "interface " + name);
  return index;
}

Result<unsigned> of_address(const std::string& address) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return failure(errno, "interface " + address, "getifaddrs");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const bool v6 = one->ifa_addr->sa_family == AF_INET6;
    if (!v6 && one->ifa_addr->sa_family != AF_INET) continue;
    const auto length = static_cast<uint32_t>(v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    const std::string its = Endpoint::from_kernel(one->ifa_addr, length).address();
    if (its.substr(0, its.find('%')) == address) return of_name(one->ifa_name);
  }
  return failure(EADDRNOTAVAIL, "interface " + address);
}

}  // namespace

Result<unsigned> interface_index(std::string_view text) {
  if (const size_t zone = text.find('%'); zone != std::string_view::npos)
    return of_name(std::string(text.substr(zone + 1)));
  if (text.empty() || text == "0.0.0.0" || text == "::") return 0;
  try {
    return of_address(Endpoint(text, 0).address());
  } catch (const std::invalid_argument&) {
    return of_name(std::string(text));
  }
}

}  // namespace baton::net
