#include <optional>

#include "unit/net/udp_world.h"

namespace baton::net {
namespace {

class UdpErrors : public Udp {};

TEST_F(UdpErrors, ReportsADatagramThatIsTooLongAndSendsTheOthers) {
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

TEST_F(UdpErrors, IsToldThatItsPeerRefusesAndGoesOn) {
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

TEST_F(UdpErrors, LosesNoDatagramToTheRefusalOfTheOneBefore) {
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

TEST_F(UdpErrors, SleepsThroughARefusalWhenNobodyReceives) {
  UdpSocket socket = bind_udp(loop, any_port);
  ASSERT_TRUE(socket.connect(nobody()));
  ASSERT_TRUE(socket.try_send("x"));
  // Nothing keeps the loop running, and nothing spins in it.
  loop.run();
  EXPECT_EQ(socket.try_send("y").error().code(), std::errc::connection_refused);
  EXPECT_TRUE(socket.try_send("z"));
}

TEST_F(UdpErrors, ReportsThatThereIsNoWayToAnAddress) {
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

TEST_F(UdpErrors, MayBeDestroyedByTheReportOfAnError) {
  auto socket = std::make_optional(bind_udp(loop, any_port));
  const Endpoint to = nobody();
  socket->on_error([&](const Error&) { socket.reset(); });
  socket->send(std::string(70000, 'x'), to);
  socket->send(std::string(70000, 'x'), to);
  loop.run();
  EXPECT_FALSE(socket);
}

}  // namespace
}  // namespace baton::net
