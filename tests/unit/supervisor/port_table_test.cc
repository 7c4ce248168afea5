#include "supervisor/port_table_linux.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "baton/base/fd.h"
#include "baton/net/server.h"

namespace baton::supervisor {
namespace {

std::string addresses_seen(const std::vector<ListeningPort>& ports) {
  std::string all;
  for (const ListeningPort& one : ports) all += one.address + " ";
  return all;
}

TEST(PortTable, ShowsWhoListensAndNobodyElse) {
  Loop loop;
  const net::Server four = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  const net::Server six = net::listen(loop, net::Endpoint("::1", 0));
  const std::string path = testing::TempDir() + "port table " + std::to_string(::getpid());
  const net::Server file = net::listen(loop, net::Endpoint::unix_path(path));
  const Fd bound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  ASSERT_EQ(::bind(bound.get(), reinterpret_cast<const sockaddr*>(&any), size), 0);
  ::getsockname(bound.get(), reinterpret_cast<sockaddr*>(&any), &size);

  const std::string seen = addresses_seen(listening_ports(::getpid()));
  EXPECT_TRUE(seen.contains(four.local().to_string() + " ")) << seen;
  EXPECT_TRUE(seen.contains(six.local().to_string() + " ")) << seen;
  EXPECT_TRUE(seen.contains("unix:" + path + " ")) << seen;
  EXPECT_FALSE(seen.contains("127.0.0.1:" + std::to_string(ntohs(any.sin_port)) + " ")) << seen;
}

TEST(PortTable, KnowsAPortThatTheKernelChose) {
  Loop loop;
  const net::Server chosen = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  const auto ports = listening_ports(::getpid());
  const auto found = std::ranges::find(ports, chosen.local().to_string(), &ListeningPort::address);
  ASSERT_NE(found, ports.end());
  EXPECT_FALSE(found->chosen);
  EXPECT_TRUE(found->loopback);
  EXPECT_EQ(found->port, chosen.local().port());
}

TEST(PortTable, CountsNoSocketAsTheWorkersOwnThatThisProcessHoldsToo) {
  Loop loop;
  const net::Server ours = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  const auto ports = PortLook().own_ports_of(::getpid());
  EXPECT_FALSE(addresses_seen(ports).contains(ours.local().to_string() + " "));
}

TEST(PortTable, NamesWhoHasAnAddressThatIsTaken) {
  Loop loop;
  const net::Server ours = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  const Error taken(EADDRINUSE, "listen x", "bind");
  const std::string text = with_holder(taken, ours.local());
  EXPECT_TRUE(text.starts_with("listen x: bind: address already in use; held by process " +
                               std::to_string(::getpid()) + " ("))
      << text;
  const Error other(EACCES, "listen x", "bind");
  EXPECT_EQ(with_holder(other, ours.local()), other.what());
}

}  // namespace
}  // namespace baton::supervisor
