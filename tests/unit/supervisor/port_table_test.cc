#include "supervisor/port_table_linux.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "baton/base/fd.h"
#include "baton/net/server.h"
#include "support/folder.h"

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

// In /proc/net/unix it makes a line of its own.
TEST(PortTable, BelievesNoLineThatStandsInTheNameOfASocket) {
  const test::Folder folder;
  const Fd pretended(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct stat about{};
  ASSERT_EQ(::fstat(pretended.get(), &about), 0);
  const std::string line = "\n0 2 0 00010000 1 1 " + std::to_string(about.st_ino) + " ";
  ASSERT_EQ(::mkdir((folder.path() + "/" + line).c_str(), 0700), 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string path = folder.path() + "/" + line + "/z";
  ASSERT_LT(path.size(), sizeof name.sun_path);
  path.copy(name.sun_path, path.size());
  const Fd forger(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(forger.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  for (const ListeningPort& one : listening_ports(::getpid())) EXPECT_NE(one.socket, about.st_ino);
  std::ifstream table("/proc/net/unix");
  const std::string text{std::istreambuf_iterator<char>(table), {}};
  ASSERT_TRUE(text.contains(line));
  for (const ListeningPort& one : unix_ports_in(text)) EXPECT_NE(one.socket, about.st_ino);
}

TEST(PortTable, ReadsTheTextWhereTheKernelTellsNothingElse) {
  const auto ports = unix_ports_in(
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 11 /a b\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 12 @abstract\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 13\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 14\n");
  ASSERT_EQ(ports.size(), 1U);
  EXPECT_EQ(ports[0].address, "unix:/a b");
  EXPECT_EQ(ports[0].socket, 11U);
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
