#include "baton/net/endpoint.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "net/sockaddr.h"

namespace baton::net {
namespace {

std::string there_and_back(const Endpoint& endpoint) {
  const SocketAddress address(endpoint);
  return Endpoint::from_kernel(address.get(), address.length()).to_string();
}

TEST(Endpoint, IsTheSameAfterTheKernelsForm) {
  for (const std::string address : {"127.0.0.1", "0.0.0.0", "::1", "::", "fe80::1%lo", "ff02::1%lo"}) {
    const Endpoint endpoint(address, 80);
    EXPECT_EQ(endpoint.address(), address);
    EXPECT_EQ(there_and_back(endpoint), endpoint.to_string());
  }
  EXPECT_EQ(there_and_back(Endpoint::unix_path("/run/x")), "unix:/run/x");
}

TEST(Endpoint, NamesTheInterfaceOfANumber) {
  EXPECT_EQ(there_and_back(Endpoint("fe80::1%1", 80)), "[fe80::1%lo]:80");
  EXPECT_EQ(there_and_back(Endpoint("fe80::1%99999", 80)), "[fe80::1%99999]:80");
}

TEST(Endpoint, OfAnInterfaceThatIsNotThereIsOfNone) {
  EXPECT_EQ(there_and_back(Endpoint("fe80::1%nosuch0", 80)), "[fe80::1]:80");
}

TEST(Endpoint, TakesAddressesInDigitsOnly) {
  for (const char* text : {"", "localhost", "127.0.0.1%lo", "%lo", "1.2.3"}) {
    EXPECT_THROW(Endpoint(text, 1), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace baton::net
