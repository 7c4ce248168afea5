#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

#include "unit/net/udp_world.h"

namespace baton::net {
namespace {

class UdpSettings : public Udp {};

/// A multicast interface of this machine with an address of version 4, or a link-local one of version 6;
/// empty if there is none. (The loopback interface does multicast too, but says otherwise.)
std::string multicast_interface(int version) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    const bool up = (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_MULTICAST) != 0;
    if (!up || one->ifa_addr == nullptr) continue;
    if (version == 4 && one->ifa_addr->sa_family == AF_INET) return one->ifa_name;
    if (version == 4 || one->ifa_addr->sa_family != AF_INET6) continue;
    const auto* address = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) return one->ifa_name;
  }
  return {};
}

TEST_F(UdpSettings, RefusesToLiveThatAreNone) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    UdpSocket socket = bind_udp(loop, Endpoint(address, 0));
    for (const int hops : {1, 64, 255}) EXPECT_TRUE(socket.ttl(hops));
    for (const int hops : {-1, 0, 256}) {
      const auto refused = socket.ttl(hops);
      ASSERT_FALSE(refused);
      EXPECT_EQ(std::string(refused.error().what()),
                "set the TTL " + std::to_string(hops) + ": invalid argument");
    }
    for (const int hops : {0, 1, 255}) EXPECT_TRUE(socket.multicast_ttl(hops));
    for (const int hops : {-1, 256}) EXPECT_FALSE(socket.multicast_ttl(hops));
  }
}

TEST_F(UdpSettings, SetsTheBuffersOfTheKernel) {
  UdpSocket socket = bind_udp(loop, any_port, UdpOptions().receive_buffer(10000).send_buffer(20000));
  EXPECT_EQ(socket.receive_buffer(), 20000);
  EXPECT_EQ(socket.send_buffer(), 40000);
  EXPECT_TRUE(socket.receive_buffer(30000));
  EXPECT_TRUE(socket.send_buffer(40000));
  EXPECT_EQ(socket.receive_buffer(), 60000);
  EXPECT_EQ(socket.send_buffer(), 80000);
}

TEST_F(UdpSettings, HearsAGroupBetweenJoiningAndLeaving) {
  UdpSocket member = collecting(Endpoint("0.0.0.0", 0), 1);
  UdpSocket sender = bind_udp(loop, any_port);
  const Endpoint group("239.255.66.1", member.local().port());
  ASSERT_TRUE(sender.multicast_interface("127.0.0.1"));
  ASSERT_TRUE(member.join(group.address(), "lo"));
  EXPECT_EQ(member.join(group.address(), "lo").error().code(), std::errc::address_in_use);
  sender.send("to the group", group);
  loop.run();
  EXPECT_EQ(got, Texts{"to the group"});
  EXPECT_EQ(senders[0].to_string(), sender.local().to_string());

  ASSERT_TRUE(member.leave(group.address(), "127.0.0.1"));
  EXPECT_EQ(member.leave(group.address(), "lo").error().code(), std::errc::address_not_available);
  note(member, 2);
  ASSERT_TRUE(sender.try_send("unheard", group));
  ASSERT_TRUE(sender.try_send("to it alone", Endpoint("127.0.0.1", group.port())));
  loop.run();
  EXPECT_EQ(got, (Texts{"to the group", "to it alone"}));
}

TEST_F(UdpSettings, HearsOneSourceOfAGroupOnly) {
  UdpSocket member = collecting(Endpoint("0.0.0.0", 0), 1);
  UdpSocket wanted = bind_udp(loop, Endpoint("127.0.0.1", 0));
  UdpSocket other = bind_udp(loop, Endpoint("127.0.0.2", 0));
  const Endpoint group("232.1.66.1", member.local().port());
  ASSERT_TRUE(wanted.multicast_interface("lo"));
  ASSERT_TRUE(other.multicast_interface("lo"));
  ASSERT_TRUE(member.join_source("127.0.0.1", group.address(), "lo"));
  ASSERT_TRUE(other.try_send("unheard", group));
  ASSERT_TRUE(wanted.try_send("heard", group));
  loop.run();
  EXPECT_EQ(got, Texts{"heard"});
  EXPECT_TRUE(member.leave_source("127.0.0.1", group.address(), "lo"));
  EXPECT_FALSE(member.leave_source("127.0.0.1", group.address(), "lo"));
}

TEST_F(UdpSettings, KeepsMulticastToOtherMachinesWhenToldTo) {
  const std::string interface = multicast_interface(4);
  if (interface.empty()) GTEST_SKIP() << "no interface here does multicast";
  UdpSocket member = collecting(Endpoint("0.0.0.0", 0), 2);
  UdpSocket sender = bind_udp(loop, Endpoint("0.0.0.0", 0));
  const Endpoint group("239.255.66.2", member.local().port());
  ASSERT_TRUE(sender.multicast_interface(interface));
  ASSERT_TRUE(member.join(group.address(), interface));
  ASSERT_TRUE(sender.try_send("for here too", group));
  ASSERT_TRUE(sender.multicast_loopback(false));
  ASSERT_TRUE(sender.try_send("not for here", group));
  ASSERT_TRUE(sender.try_send("to it alone", Endpoint("127.0.0.1", group.port())));
  loop.run();
  EXPECT_EQ(got, (Texts{"for here too", "to it alone"}));
}

TEST_F(UdpSettings, HearsAGroupOfVersion6) {
  const std::string interface = multicast_interface(6);
  if (interface.empty()) GTEST_SKIP() << "no interface here does multicast over IPv6";
  UdpSocket member = collecting(Endpoint("::", 0), 1);
  UdpSocket sender = bind_udp(loop, Endpoint("::", 0));
  ASSERT_TRUE(sender.multicast_interface("::%" + interface));
  ASSERT_TRUE(member.join("ff02::66:1", interface));
  sender.send("to the group", Endpoint("ff02::66:1%" + interface, member.local().port()));
  loop.run();
  EXPECT_EQ(got, Texts{"to the group"});
  EXPECT_TRUE(senders[0].address().ends_with("%" + interface)) << senders[0].address();
  // Which is where an answer goes.
  EXPECT_TRUE(member.try_send("answer", senders[0]));
  EXPECT_TRUE(member.leave("ff02::66:1", interface));
}

TEST_F(UdpSettings, NamesTheGroupTheSourceAndTheInterfaceThatAreNone) {
  UdpSocket socket = bind_udp(loop, Endpoint("0.0.0.0", 0));
  const auto told = [](const Result<void>& result) { return std::string(result.error().what()); };
  EXPECT_EQ(told(socket.join("group")), "join group: address group: invalid argument");
  EXPECT_EQ(told(socket.join("10.0.0.1", "lo")), "join 10.0.0.1: setsockopt: invalid argument");
  EXPECT_EQ(told(socket.join("239.1.1.1", "nosuch0")), "join 239.1.1.1: interface nosuch0: no such device");
  EXPECT_EQ(told(socket.join("239.1.1.1", "198.51.100.9")),
            "join 239.1.1.1: interface 198.51.100.9: cannot assign requested address");
  EXPECT_EQ(told(socket.join_source("x", "232.1.1.1", "lo")),
            "join 232.1.1.1 of x: address x: invalid argument");
  EXPECT_EQ(told(socket.multicast_interface("nosuch0")),
            "set the multicast interface nosuch0: interface nosuch0: no such device");
}

}  // namespace
}  // namespace baton::net
