#include "cluster/listener_socket.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "baton/net/server.h"
#include "net/sockaddr.h"
#include "spawn/rights_linux.h"
#include "support/folder.h"
#include "support/leak_check.h"

namespace baton::cluster {
namespace {

class ListenerSockets : public test::LeakFree {
 protected:
  Result<ListenerSocket> open(const wire::ListenQuery& query, Sharing sharing = Sharing::handed_over) {
    return ListenerSocket::open(query, sharing, 16);
  }
  static wire::ListenQuery query(std::optional<std::string> address, int64_t port,
                                 wire::AddressType type = wire::AddressType::tcp4) {
    wire::ListenQuery result;
    result.address = std::move(address);
    result.port = port;
    result.type = type;
    return result;
  }
  int error_of(const wire::ListenQuery& query) {
    const auto opened = open(query);
    return opened ? 0 : opened.error().code().value();
  }
  static bool has(const ListenerSocket& socket, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    ::getsockopt(socket.descriptor(), SOL_SOCKET, option, &value, &length);
    return value != 0;
  }

  Loop loop;
};

TEST_F(ListenerSockets, WithoutAnAddressListenOnAllOfTheMachine) {
  const auto socket = open(query(std::nullopt, 0));
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->sockname()->address, "::");
  EXPECT_EQ(socket->sockname()->family, "IPv6");
  EXPECT_GT(socket->sockname()->port, 0);
  EXPECT_TRUE(has(*socket, SO_ACCEPTCONN));
}

TEST_F(ListenerSockets, SayWhatTheyAreBoundTo) {
  const auto socket = open(query("127.0.0.1", 0));
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->sockname()->address, "127.0.0.1");
  EXPECT_EQ(socket->sockname()->family, "IPv4");
}

TEST_F(ListenerSockets, FailWithTheErrno) {
  const auto taken = open(query("127.0.0.1", 0));
  ASSERT_TRUE(taken);
  EXPECT_EQ(error_of(query("127.0.0.1", taken->sockname()->port)), EADDRINUSE);
  EXPECT_EQ(error_of(query("not an address", 0)), EINVAL);
  EXPECT_EQ(error_of(query("127.0.0.1", 65536)), EINVAL);
  EXPECT_EQ(error_of(query("/no/such/folder/socket", -1, wire::AddressType::unix_path)), ENOENT);
  EXPECT_EQ(error_of(query("/" + std::string(200, 'x'), -1, wire::AddressType::unix_path)), ENAMETOOLONG);
  EXPECT_EQ(error_of(query("", -1, wire::AddressType::unix_path)), EINVAL);
}

TEST_F(ListenerSockets, OfOnePortForManySocketsAreBesideEachOther) {
  const auto first = open(query("127.0.0.1", 0), Sharing::a_socket_each);
  ASSERT_TRUE(first);
  const auto second = first->beside(16);
  ASSERT_TRUE(second) << second.error().what();
  EXPECT_EQ(second->sockname()->port, first->sockname()->port);
  EXPECT_NE(second->descriptor(), first->descriptor());
}

TEST_F(ListenerSockets, OfUdpAreBoundAndNoMore) {
  const auto socket = open(query("127.0.0.1", 0, wire::AddressType::udp4), Sharing::datagrams);
  ASSERT_TRUE(socket);
  EXPECT_EQ(descriptor_kind(socket->descriptor()), DescriptorKind::udp);
  EXPECT_GT(socket->sockname()->port, 0);
}

TEST_F(ListenerSockets, RemoveTheirFileUnlessItIsSomebodyElsesByNow) {
  std::string folder = "/tmp/baton-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/socket";
  {
    const auto socket = open(query(path, -1, wire::AddressType::unix_path));
    ASSERT_TRUE(socket) << socket.error().what();
    EXPECT_FALSE(socket->sockname());
    EXPECT_TRUE(std::filesystem::is_socket(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    const auto socket = open(query(path, -1, wire::AddressType::unix_path));
    std::filesystem::remove(path);
    const net::Server other = net::listen(loop, net::Endpoint::unix_path(path));
    EXPECT_TRUE(socket && other);
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  std::filesystem::remove_all(folder);
}

TEST_F(ListenerSockets, HaveTheModeThatWasAskedForAndKeepARegularFile) {
  const test::Folder folder;
  auto asked = query(folder / "socket", -1, wire::AddressType::unix_path);
  asked.writable_all = true;
  {
    const mode_t before = ::umask(077);
    const auto socket = open(asked);
    ::umask(before);
    ASSERT_TRUE(socket) << socket.error().what();
    EXPECT_EQ(std::filesystem::status(folder / "socket").permissions(), std::filesystem::perms(0722));
  }
  std::ofstream(folder / "file") << "precious";
  EXPECT_EQ(error_of(query(folder / "file", -1, wire::AddressType::unix_path)), EADDRINUSE);
  EXPECT_EQ(std::filesystem::file_size(folder / "file"), 8U);
}

class ListenersOfAnother : public ListenerSockets {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root opens sockets for other users";
    theirs = spawner::Rights::parse(
                 "\nUid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n"
                 "Groups:\t \nCapEff:\t0000000000000000\n")
                 .value();
  }
  int error_of(const wire::ListenQuery& query) {
    const auto opened = ListenerSocket::open(query, Sharing::handed_over, 16, theirs);
    return opened ? 0 : opened.error().code().value();
  }
  static wire::ListenQuery path(const std::string& path) {
    return query(path, -1, wire::AddressType::unix_path);
  }

  test::Folder folder;
  std::optional<spawner::Rights> theirs;
};

TEST_F(ListenersOfAnother, MakeNoFileWhereTheOtherMayNotAndRemoveNone) {
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  EXPECT_EQ(error_of(path(folder / "socket")), EACCES);
  {
    const net::Server stale = net::listen(loop, net::Endpoint::unix_path(folder / "stale"));
  }
  EXPECT_EQ(error_of(path(folder / "stale")), EADDRINUSE);
  EXPECT_TRUE(std::filesystem::is_socket(folder / "stale"));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0700), 0);
  EXPECT_EQ(error_of(path(folder / "stale")), EACCES);
}

TEST_F(ListenersOfAnother, BelongToTheOtherAndGoAsHisOwnWould) {
  ASSERT_EQ(::chown(folder.path().c_str(), 65534, 65534), 0);
  struct stat found{};
  {
    const auto socket = ListenerSocket::open(path(folder / "socket"), Sharing::handed_over, 16, theirs);
    ASSERT_TRUE(socket) << socket.error().what();
    ASSERT_EQ(::lstat((folder / "socket").c_str(), &found), 0);
    EXPECT_EQ(found.st_uid, 65534U);
    EXPECT_EQ(found.st_gid, 65534U);
  }
  EXPECT_NE(::lstat((folder / "socket").c_str(), &found), 0);
}

// Whoever asks the kernel who is at the other end must not take him for root.
TEST_F(ListenersOfAnother, AreHisForThoseWhoConnect) {
  ASSERT_EQ(::chown(folder.path().c_str(), 65534, 65534), 0);
  const int dumpable = ::prctl(PR_GET_DUMPABLE);
  auto with_mode = path(folder / "another");
  with_mode.writable_all = true;
  for (const auto& asked : {path(folder / "socket"), with_mode, path(std::string(1, '\0') + folder.path())}) {
    const auto socket = ListenerSocket::open(asked, Sharing::handed_over, 16, theirs);
    ASSERT_TRUE(socket) << socket.error().what();
    const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const net::SocketAddress address(net::Endpoint::unix_path(*asked.address));
    ASSERT_EQ(::connect(client.get(), address.get(), address.length()), 0);
    ucred peer{};
    socklen_t length = sizeof peer;
    ASSERT_EQ(::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    EXPECT_EQ(peer.uid, 65534U);
    EXPECT_EQ(peer.gid, 65534U);
  }
  EXPECT_EQ(::geteuid(), 0U);
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), dumpable);
}

TEST_F(ListenersOfAnother, HaveNoPortThatIsForRootOnly) {
  int first = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first;
  if (first < 2) GTEST_SKIP() << "here every port is for everybody";
  EXPECT_EQ(error_of(query("127.0.0.1", 1)), EACCES);
  EXPECT_EQ(error_of(query("127.0.0.1", 1, wire::AddressType::udp4)), EACCES);
  EXPECT_EQ(error_of(query("127.0.0.1", 0)), 0);
  EXPECT_EQ(ListenerSockets::error_of(query("127.0.0.1", 1)), 0);
}

TEST_F(ListenerSockets, AreNeverThoseThatThisProcessMadeForItself) {
  const net::Server own = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  wire::ListenQuery asked;
  asked.fd = own.descriptor();
  EXPECT_EQ(error_of(asked), EBADF);
  const Fd given(::dup(own.descriptor()));  // as one that was inherited: not close-on-exec
  asked.fd = given.get();
  const auto socket = open(asked);
  ASSERT_TRUE(socket) << socket.error().what();
  EXPECT_NE(socket->descriptor(), given.get());
  EXPECT_EQ(socket->sockname()->port, own.local().port());
}

}  // namespace
}  // namespace baton::cluster
