#include <stdexcept>

#include "unit/net/udp_world.h"

namespace baton::net {
namespace {

class UdpAddress : public Udp {};

TEST_F(UdpAddress, NamesTheAddressThatIsTaken) {
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

TEST_F(UdpAddress, SharesAnAddressWithWhoAlsoAllowsIt) {
  const auto shared = UdpOptions().reuse_address();
  const UdpSocket first = bind_udp(loop, any_port, shared);
  UdpSocket second = collecting(first.local(), 1, shared);
  UdpSocket sender = bind_udp(loop, any_port);
  sender.send("to the last", first.local());
  loop.run();
  EXPECT_EQ(got, Texts{"to the last"});
  EXPECT_THROW((void)bind_udp(loop, first.local()), Error);
}

TEST_F(UdpAddress, SpreadsTheSendersOverTheSocketsOfAReusedPort) {
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

TEST_F(UdpAddress, TakesBothVersionsOnTheUnspecifiedVersion6Address) {
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

TEST_F(UdpAddress, TakesVersion6OnlyWhenAsked) {
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

TEST_F(UdpAddress, HearsOnlyItsPeerWhenConnectedAndEverybodyAfterDisconnect) {
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

TEST_F(UdpAddress, TakesWhatDoesNotFitItsStateForMisuse) {
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

}  // namespace
}  // namespace baton::net
