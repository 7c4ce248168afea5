#include "baton/net/udp.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "baton/base/descriptor_kind.h"
#include "baton/loop/task.h"
#include "baton/net/server.h"
#include "support/leak_check.h"

namespace baton::net {
namespace {

using Texts = std::vector<std::string>;

const Endpoint any_port("127.0.0.1", 0);

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

class Udp : public testing::Test {
 protected:
  /// A socket that notes what comes, and closes (with `others`) when `until` datagrams have come.
  UdpSocket collecting(const Endpoint& endpoint, size_t until, const UdpOptions& options = UdpOptions()) {
    UdpSocket socket = bind_udp(loop, endpoint, options);
    note(socket, until);
    return socket;
  }
  void note(UdpSocket& socket, size_t until) {
    socket.on_message([this, &loop = loop, until](std::string_view bytes, const Endpoint& from) {
      got.emplace_back(bytes);
      senders.push_back(from);
      if (got.size() == until) loop.stop();
    });
  }
  void note_errors(UdpSocket& socket, size_t until) {
    socket.on_error([this, &loop = loop, until](const Error& error) {
      errors.emplace_back(error.what());
      codes.push_back(error.code());
      if (errors.size() == until) loop.stop();
    });
  }
  /// A port that nobody has.
  Endpoint nobody() { return bind_udp(loop, any_port).local(); }

  test::LeakCheck leaks;
  Loop loop;
  Texts got, errors;
  std::vector<std::error_code> codes;
  std::vector<Endpoint> senders;
};

TEST_F(Udp, TellsEachDatagramAndWhoSentIt) {
  UdpSocket a = collecting(any_port, 2);
  UdpSocket b = bind_udp(loop, any_port);
  EXPECT_TRUE(b.send("first", a.local()));
  EXPECT_TRUE(b.send("second", a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"first", "second"}));
  EXPECT_EQ(senders[0].to_string(), b.local().to_string());
}

TEST_F(Udp, AnswersTheSender) {
  UdpSocket server = bind_udp(loop, any_port);
  server.on_message([&](std::string_view bytes, const Endpoint& from) {
    server.send("answer to " + std::string(bytes), from);
  });
  UdpSocket client = collecting(any_port, 1);
  client.send("question", server.local());
  loop.run();
  EXPECT_EQ(got, Texts{"answer to question"});
}

TEST_F(Udp, KeepsTheOrderOfManyInATurnWithEmptyOnesAmongThem) {
  UdpSocket a = collecting(any_port, 100);
  UdpSocket b = bind_udp(loop, any_port);
  Texts sent;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(i % 7 == 0 ? "" : std::to_string(i));
    b.send(sent.back(), a.local());
  }
  EXPECT_EQ(b.queued_datagrams(), 100U);
  loop.run();
  EXPECT_EQ(got, sent);
  EXPECT_EQ(b.queued_datagrams(), 0U);
  EXPECT_EQ(b.queued(), 0U);
}

TEST_F(Udp, CarriesTheLongestDatagramThatThereIs) {
  UdpSocket a = collecting(any_port, 1, UdpOptions().receive_buffer(1 << 20));
  UdpSocket b = bind_udp(loop, any_port);
  const std::string longest(65507, 'x');
  b.send(longest, a.local());
  loop.run();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_TRUE(got[0] == longest);
}

TEST_F(Udp, ReportsADatagramThatIsTooLongAndSendsTheOthers) {
  UdpSocket a = collecting(any_port, 2);
  UdpSocket b = bind_udp(loop, any_port);
  note_errors(b, 9);
  b.send("before", a.local());
  b.send(std::string(65508, 'x'), a.local());
  b.send("after", a.local());
  loop.run();
  EXPECT_EQ(got, (Texts{"before", "after"}));
  EXPECT_EQ(errors, Texts{"send to " + a.local().to_string() + ": sendmmsg: message too long"});
  const auto refused = b.try_send(std::string(65508, 'x'), a.local());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), std::errc::message_size);
}

TEST_F(Udp, NamesTheAddressThatIsTaken) {
  const UdpSocket first = bind_udp(loop, any_port);
  try {
    const UdpSocket second = bind_udp(loop, first.local());
    FAIL() << "two sockets on one port";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "bind " + first.local().to_string() + ": bind: address already in use");
  }
  EXPECT_THROW((void)bind_udp(loop, Endpoint("192.0.2.77", 1)), Error);
  EXPECT_THROW((void)bind_udp(loop, Endpoint::unix_path("/nowhere")), std::invalid_argument);
}

TEST_F(Udp, SharesAnAddressWithWhoAlsoAllowsIt) {
  const auto shared = UdpOptions().reuse_address();
  const UdpSocket first = bind_udp(loop, any_port, shared);
  UdpSocket second = collecting(first.local(), 1, shared);
  UdpSocket sender = bind_udp(loop, any_port);
  sender.send("to the last", first.local());
  loop.run();
  EXPECT_EQ(got, Texts{"to the last"});
  EXPECT_THROW((void)bind_udp(loop, first.local()), Error);
}

TEST_F(Udp, SpreadsTheSendersOverTheSocketsOfAReusedPort) {
  const auto reused = UdpOptions().reuse_port();
  UdpSocket first = bind_udp(loop, any_port, reused);
  UdpSocket second = bind_udp(loop, first.local(), reused);
  constexpr int clients = 64;
  int to_first = 0, to_second = 0;
  const auto count = [&](int& which) {
    return [&](std::string_view, const Endpoint&) {
      ++which;
      if (to_first + to_second == clients) loop.stop();
    };
  };
  first.on_message(count(to_first));
  second.on_message(count(to_second));
  std::vector<UdpSocket> senders_of_one;
  for (int i = 0; i < clients; ++i) {
    senders_of_one.push_back(bind_udp(loop, any_port));
    senders_of_one.back().send("x", first.local());
  }
  loop.run();
  // By chance one of them gets none once in 2^63 runs.
  EXPECT_GT(to_first, 0);
  EXPECT_GT(to_second, 0);
}

TEST_F(Udp, TakesBothVersionsOnTheUnspecifiedVersion6Address) {
  UdpSocket both = collecting(Endpoint("::", 0), 2);
  UdpSocket of_4 = bind_udp(loop, any_port);
  UdpSocket of_6 = bind_udp(loop, Endpoint("::1", 0));
  of_4.send("four", Endpoint("127.0.0.1", both.local().port()));
  loop.defer([&] { of_6.send("six", Endpoint("::1", both.local().port())); });
  loop.run();
  EXPECT_EQ(got, (Texts{"four", "six"}));
  EXPECT_EQ(senders[0].address(), "::ffff:127.0.0.1");
  EXPECT_EQ(senders[1].to_string(), of_6.local().to_string());
}

TEST_F(Udp, TakesVersion6OnlyWhenAsked) {
  UdpSocket six = collecting(Endpoint("::", 0), 1, UdpOptions().ipv6_only());
  // The port of version 4 is free beside it, so nobody is there.
  UdpSocket of_4 = bind_udp(loop, any_port);
  note_errors(of_4, 1);
  ASSERT_TRUE(of_4.connect(Endpoint("127.0.0.1", six.local().port())));
  of_4.on_message([](std::string_view, const Endpoint&) {});
  of_4.send("nobody there");
  loop.run();
  EXPECT_EQ(codes, std::vector<std::error_code>{std::make_error_code(std::errc::connection_refused)});
  EXPECT_TRUE(got.empty());
}

TEST_F(Udp, HearsOnlyItsPeerWhenConnectedAndEverybodyAfterDisconnect) {
  UdpSocket peer = bind_udp(loop, any_port);
  UdpSocket stranger = bind_udp(loop, any_port);
  UdpSocket socket = collecting(any_port, 1);
  const Endpoint local = socket.local();
  ASSERT_TRUE(socket.connect(peer.local()));
  EXPECT_TRUE(socket.connected());
  EXPECT_EQ(socket.remote().to_string(), peer.local().to_string());
  ASSERT_TRUE(stranger.try_send("unheard", local));
  ASSERT_TRUE(peer.try_send("heard", local));
  loop.run();
  EXPECT_EQ(got, Texts{"heard"});
  ASSERT_TRUE(socket.disconnect());
  EXPECT_FALSE(socket.connected());
  // The kernel would have taken back a port that it chose itself.
  EXPECT_EQ(socket.local().to_string(), local.to_string());
  note(socket, 2);
  ASSERT_TRUE(stranger.try_send("heard now", local));
  loop.run();
  EXPECT_EQ(got, (Texts{"heard", "heard now"}));
}

TEST_F(Udp, TakesWhatDoesNotFitItsStateForMisuse) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const UdpSocket peer = bind_udp(loop, Endpoint(address, 0));
    UdpSocket socket = bind_udp(loop, Endpoint(address, 0));
    EXPECT_THROW(socket.send("x"), std::logic_error);
    EXPECT_THROW((void)socket.try_send("x"), std::logic_error);
    EXPECT_THROW((void)socket.disconnect(), std::logic_error);
    ASSERT_TRUE(socket.connect(peer.local()));
    EXPECT_THROW((void)socket.connect(peer.local()), std::logic_error);
    EXPECT_THROW(socket.send("x", peer.local()), std::logic_error);
    EXPECT_THROW((void)socket.try_send("x", peer.local()), std::logic_error);
    EXPECT_TRUE(socket.try_send("x"));
    EXPECT_TRUE(socket.disconnect());
  }
}

TEST_F(Udp, IsToldThatItsPeerRefusesAndGoesOn) {
  UdpSocket socket = bind_udp(loop, any_port);
  note_errors(socket, 1);
  note(socket, 1);
  const Endpoint peer = nobody();
  ASSERT_TRUE(socket.connect(peer));
  socket.send("is anybody there?");
  loop.run();
  EXPECT_EQ(errors, Texts{"receive from " + peer.to_string() + ": recvmmsg: connection refused"});
  UdpSocket there = bind_udp(loop, peer);
  there.on_message([&](std::string_view, const Endpoint& from) { there.send("yes", from); });
  socket.send("and now?");
  loop.run();
  EXPECT_EQ(got, Texts{"yes"});
  EXPECT_EQ(errors.size(), 1U);
}

TEST_F(Udp, LosesNoDatagramToTheRefusalOfTheOneBefore) {
  UdpSocket socket = bind_udp(loop, any_port);
  note_errors(socket, 9);
  const Endpoint peer = nobody();
  ASSERT_TRUE(socket.connect(peer));
  ASSERT_TRUE(socket.try_send("refused"));  // over the loopback the answer is here by now
  UdpSocket there = collecting(peer, 1);
  socket.send("taken");
  loop.run();
  EXPECT_EQ(got, Texts{"taken"});
  EXPECT_EQ(errors, Texts{"send to " + peer.to_string() + ": sendmmsg: connection refused"});
}

TEST_F(Udp, SleepsThroughARefusalWhenNobodyReceives) {
  UdpSocket socket = bind_udp(loop, any_port);
  ASSERT_TRUE(socket.connect(nobody()));
  ASSERT_TRUE(socket.try_send("x"));
  // Nothing keeps the loop running, and nothing spins in it.
  loop.run();
  EXPECT_EQ(socket.try_send("y").error().code(), std::errc::connection_refused);
  EXPECT_TRUE(socket.try_send("z"));
}

TEST_F(Udp, ReportsThatThereIsNoWayToAnAddress) {
  UdpSocket socket = bind_udp(loop, any_port);
  note_errors(socket, 2);
  socket.send("x", Endpoint("255.255.255.255", 9));  // broadcast was not allowed
  socket.send("x", Endpoint("::1", 9));              // not of its version
  loop.run();
  ASSERT_EQ(codes.size(), 2U);
  EXPECT_EQ(codes[0], std::errc::permission_denied);
  EXPECT_EQ(codes[1], std::errc::address_family_not_supported);
  EXPECT_TRUE(socket.broadcast(true));
}

TEST_F(Udp, TriesToSendOnlyWhenNothingWaits) {
  UdpSocket a = collecting(any_port, 2);
  UdpSocket b = bind_udp(loop, any_port);
  EXPECT_TRUE(b.try_send("at once", a.local()));
  b.send("queued", a.local());
  EXPECT_EQ(b.try_send("before it", a.local()).error().code(), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(b.release().error().code(), std::errc::device_or_resource_busy);
  loop.run();
  EXPECT_EQ(got, (Texts{"at once", "queued"}));
}

TEST_F(Udp, HoldsBackAWriterAndRefusesWhatItsQueueHasNoRoomFor) {
  const UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  note_errors(b, 9);
  const std::string text(60000, 'x');
  EXPECT_TRUE(b.send(text, a.local()));
  EXPECT_FALSE(b.send(text, a.local()));
  size_t count = 2;
  for (; b.queued_datagrams() == count; ++count) b.send(text, a.local());
  EXPECT_LE(b.queued(), size_t{16} << 20);
  EXPECT_GT(b.queued(), size_t{15} << 20);
  bool drained = false;
  b.on_drain([&] { drained = true; });
  bool flushed = false;
  b.flushed().then([&](Result<void> result) { flushed = result.has_value(); });
  loop.run();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(flushed);
  EXPECT_EQ(codes, std::vector<std::error_code>{make_error_code(Errc::queue_full)});
}

TEST_F(Udp, SettlesFlushedAtOnceWhenNothingWaits) {
  UdpSocket socket = bind_udp(loop, any_port);
  bool flushed = false;
  socket.flushed().then([&](Result<void> result) { flushed = result.has_value(); });
  loop.run();
  EXPECT_TRUE(flushed);
}

TEST_F(Udp, LeavesTheLoopToOthersWhileItSends) {
  const UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  size_t waiting = 0;
  const Timer soon(loop, std::chrono::milliseconds(1), [&] { waiting = b.queued_datagrams(); });
  // At 64 times 16 a turn these are many turns.
  for (int i = 0; i < 100000; ++i) b.send("x", a.local());
  loop.run();
  EXPECT_GT(waiting, 0U);
}

TEST_F(Udp, MayBeDestroyedByItsOwnCallback) {
  auto a = std::make_optional(bind_udp(loop, any_port));
  UdpSocket b = bind_udp(loop, any_port);
  const std::string note = "a capture that is used after the socket is gone, longer than any small string";
  a->on_message([&a, &seen = got, note](std::string_view, const Endpoint&) {
    a.reset();
    seen.push_back(note);
  });
  for (int i = 0; i < 3; ++i) b.send("x", a->local());
  loop.run();
  EXPECT_EQ(got, Texts{note});
}

TEST_F(Udp, MayBeDestroyedByTheReportOfAnError) {
  auto socket = std::make_optional(bind_udp(loop, any_port));
  const Endpoint to = nobody();
  socket->on_error([&](const Error&) { socket.reset(); });
  socket->send(std::string(70000, 'x'), to);
  socket->send(std::string(70000, 'x'), to);
  loop.run();
  EXPECT_FALSE(socket);
}

TEST_F(Udp, KeepsWhatWasReadWithTheDatagramThatMadeItPause) {
  UdpSocket a = bind_udp(loop, any_port);
  a.on_message([&](std::string_view bytes, const Endpoint&) {
    got.emplace_back(bytes);
    a.pause();
  });
  UdpSocket b = bind_udp(loop, any_port);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(b.try_send(std::to_string(i), a.local()));
  loop.run();
  EXPECT_EQ(got, Texts{"0"});
  a.resume();
  loop.run();
  EXPECT_EQ(got, (Texts{"0", "1"}));
  note(a, 6);
  a.resume();
  ASSERT_TRUE(b.try_send("5", a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"0", "1", "2", "3", "4", "5"}));
}

TEST_F(Udp, SendsWhatWasQueuedBeforeItsOwnerLetGo) {
  UdpSocket a = collecting(any_port, 20);
  {
    UdpSocket b = bind_udp(loop, any_port);
    for (int i = 0; i < 20; ++i) b.send(std::to_string(i), a.local());
  }
  loop.run();
  EXPECT_EQ(got.size(), 20U);
}

TEST_F(Udp, GivesItsDescriptorAwayWithWhatNobodyHasRead) {
  UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  ASSERT_TRUE(b.try_send("kept", a.local()));
  Fd descriptor = a.release().value();
  EXPECT_FALSE(a);
  EXPECT_EQ(a.release().error().code(), std::errc::bad_file_descriptor);
  UdpSocket again = UdpSocket::adopt(loop, std::move(descriptor)).value();
  note(again, 1);
  loop.run();
  EXPECT_EQ(got, Texts{"kept"});
}

TEST_F(Udp, AdoptsASocketThatIsConnectedAlready) {
  const UdpSocket peer = bind_udp(loop, any_port);
  UdpSocket socket = bind_udp(loop, any_port);
  ASSERT_TRUE(socket.connect(peer.local()));
  UdpSocket adopted = UdpSocket::adopt(loop, socket.release().value()).value();
  EXPECT_TRUE(adopted.connected());
  EXPECT_TRUE(adopted.try_send("x"));
}

TEST_F(Udp, RefusesToAdoptWhatIsNoUdpSocket) {
  Server server = listen(loop, any_port);
  const auto result = UdpSocket::adopt(loop, server.release());
  ASSERT_FALSE(result);
  EXPECT_STREQ(result.error().what(),
               "adopt a UDP socket: a listening TCP socket: not a descriptor of that kind");
  EXPECT_EQ(UdpSocket::adopt(loop, Fd()).error().code(), std::errc::bad_file_descriptor);
}

TEST_F(Udp, RefusesToLiveThatAreNone) {
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

TEST_F(Udp, SetsTheBuffersOfTheKernel) {
  UdpSocket socket = bind_udp(loop, any_port, UdpOptions().receive_buffer(10000).send_buffer(20000));
  EXPECT_EQ(socket.receive_buffer(), 20000);
  EXPECT_EQ(socket.send_buffer(), 40000);
  EXPECT_TRUE(socket.receive_buffer(30000));
  EXPECT_TRUE(socket.send_buffer(40000));
  EXPECT_EQ(socket.receive_buffer(), 60000);
  EXPECT_EQ(socket.send_buffer(), 80000);
}

// --- multicast, over the loopback interface

TEST_F(Udp, HearsAGroupBetweenJoiningAndLeaving) {
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

TEST_F(Udp, HearsOneSourceOfAGroupOnly) {
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

TEST_F(Udp, KeepsMulticastToOtherMachinesWhenToldTo) {
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

TEST_F(Udp, HearsAGroupOfVersion6) {
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

TEST_F(Udp, HearsOnAfterItsCallbackPausedAndResumedIt) {
  UdpSocket socket = bind_udp(loop, any_port);
  UdpSocket sender = bind_udp(loop, any_port);
  socket.on_message([&](std::string_view bytes, const Endpoint&) {
    got.emplace_back(bytes);
    socket.pause();
    socket.resume();
    if (got.size() == 2) return loop.stop();
    EXPECT_TRUE(sender.try_send("second", socket.local()));
  });
  ASSERT_TRUE(sender.try_send("first", socket.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"first", "second"}));
}

TEST_F(Udp, NamesTheGroupTheSourceAndTheInterfaceThatAreNone) {
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
