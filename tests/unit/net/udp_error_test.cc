#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "baton/loop/timer.h"

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

// --- what a callback throws

class UdpThrows : public Udp {
 protected:
  void SetUp() override {
    loop.on_uncaught([this](const std::exception_ptr&) { got.emplace_back("thrown"); });
  }
  /// Notes what comes, throws at some of it, and stops at "end".
  void note_and_throw_at(UdpSocket& socket, const Texts& these) {
    socket.on_message([this, these](std::string_view bytes, const Endpoint&) {
      got.emplace_back(bytes);
      if (bytes == "end") loop.stop();
      for (const std::string& one : these) {
        if (bytes == one) throw std::runtime_error("the callback");
      }
    });
  }
};

TEST_F(UdpThrows, ToldToOnErrorAndTheSocketGoesOn) {
  UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  note_and_throw_at(a, {"1"});
  a.on_error([&](const Error& error) { got.emplace_back(error.what()); });
  for (const char* text : {"0", "1", "end"}) ASSERT_TRUE(b.try_send(text, a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"0", "1", "serve a datagram: the callback: an exception that nobody caught", "end"}));
}

TEST_F(UdpThrows, AFailedTaskOfADatagramIsToldToOnError) {
  UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  Promise<> never(loop);
  a.on_error([&](const Error& error) {
    got.emplace_back(error.what());
    loop.stop();
  });
  a.on_message([&](std::string_view, const Endpoint&) -> Task<> {
    co_await never.op();
    throw std::runtime_error("the task");
  });
  ASSERT_TRUE(b.try_send("0", a.local()));
  loop.defer([&] { never.resolve({}); });
  loop.run();
  EXPECT_EQ(got, Texts{"serve a datagram: the task: an exception that nobody caught"});
}

TEST_F(UdpThrows, TellsTheRestOfABatchAfterTheException) {
  UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  note_and_throw_at(a, {"1", "2"});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(b.try_send(std::to_string(i), a.local()));
  bool first = true;
  loop.on_uncaught([&](const std::exception_ptr&) {
    got.emplace_back("thrown");
    if (!std::exchange(first, false)) return;
    EXPECT_TRUE(b.try_send("end", a.local()));
  });
  loop.run();
  EXPECT_EQ(got, (Texts{"0", "1", "thrown", "2", "thrown", "3", "4", "end"}));
}

TEST_F(UdpThrows, TellsTheRestWhenTheLoopRunsAgain) {
  UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  a.on_message([&](std::string_view bytes, const Endpoint&) {
    got.emplace_back(bytes);
    if (bytes != "1") loop.stop();
  });
  ASSERT_TRUE(b.try_send("0", a.local()));
  ASSERT_TRUE(b.try_send("1", a.local()));
  loop.run();
  EXPECT_EQ(got, Texts{"0"});
  ASSERT_TRUE(b.try_send("end", a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"0", "1", "end"}));
}

TEST_F(UdpThrows, KeepsTheRestOfABatchForTheEndOfAPause) {
  UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  a.on_message([&](std::string_view bytes, const Endpoint&) {
    got.emplace_back(bytes);
    a.pause();
    throw std::runtime_error("the callback");
  });
  for (const char* text : {"0", "1", "2"}) ASSERT_TRUE(b.try_send(text, a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"0", "thrown"}));
  note_and_throw_at(a, {"1"});
  a.resume();
  ASSERT_TRUE(b.try_send("end", a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"0", "thrown", "1", "thrown", "2", "end"}));
}

TEST_F(UdpThrows, IsClosedByWhoCaughtTheException) {
  auto a = std::make_optional(bind_udp(loop, any_port));
  UdpSocket b = bind_udp(loop, any_port);
  note_and_throw_at(*a, {"0"});
  ASSERT_TRUE(b.try_send("0", a->local()));
  ASSERT_TRUE(b.try_send("1", a->local()));
  loop.on_uncaught([&](const std::exception_ptr&) { a.reset(); });
  loop.run();
  EXPECT_EQ(got, Texts{"0"});
}

TEST_F(UdpThrows, SendsTheRestOfItsQueueAfterTheReportOfAnError) {
  UdpSocket a = bind_udp(loop, any_port);
  UdpSocket b = bind_udp(loop, any_port);
  b.on_error([](const Error&) { throw std::runtime_error("the callback"); });
  bool drained = false;
  b.on_drain([&] {
    drained = true;
    throw std::runtime_error("the callback");
  });
  EXPECT_FALSE(b.send(std::string(65536, 'x'), a.local()));  // too long for the kernel
  b.send("after it", a.local());
  loop.run();
  EXPECT_EQ(b.queued_datagrams(), 0U);
  EXPECT_TRUE(drained);
  note_and_throw_at(a, {});
  ASSERT_TRUE(b.try_send("end", a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"thrown", "thrown", "after it", "end"}));
}

// --- what closing leaves to the kernel

TEST_F(UdpErrors, GivesTheKernelAllThatWasQueuedThoughThePeerRefusedWhatWentBefore) {
  const Endpoint peer = nobody();
  std::optional<UdpSocket> there;
  {
    UdpSocket socket = bind_udp(loop, any_port);
    ASSERT_TRUE(socket.connect(peer));
    ASSERT_TRUE(socket.try_send("refused"));
    there.emplace(collecting(peer, 99));
    for (const char* text : {"first", "second", "last"}) socket.send(text);
  }
  there->on_message([&](std::string_view bytes, const Endpoint&) {
    got.emplace_back(bytes);
    if (bytes == "last") loop.stop();
  });
  loop.run();
  EXPECT_EQ(got, (Texts{"first", "second", "last"}));
}

// --- a queue of errors beside the datagrams

bool has_queued_errors(int descriptor, int patience_ms = 0) {
  pollfd asked{descriptor, 0, 0};
  return ::poll(&asked, 1, patience_ms) > 0 && (asked.revents & POLLERR) != 0;
}

class UdpErrorQueue : public Udp, public testing::WithParamInterface<const char*> {
 protected:
  Endpoint here() const { return Endpoint(GetParam(), 0); }
  /// A socket as somebody else may have used it: IP_RECVERR is on, and several refusals wait.
  Fd used_socket() {
    UdpSocket socket = bind_udp(loop, here());
    const bool v6 = here().family() == 6;
    const int on = 1;
    EXPECT_EQ(::setsockopt(socket.descriptor(), v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                           v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on),
              0);
    const Endpoint nobody = bind_udp(loop, here()).local();
    // Each second one fails with the answer to the one before.
    for (int i = 0; i < 7; ++i) std::ignore = socket.try_send("x", nobody);
    EXPECT_TRUE(has_queued_errors(socket.descriptor(), 10'000));
    return socket.release().value();
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, UdpErrorQueue, testing::Values("127.0.0.1", "::1"));

TEST_P(UdpErrorQueue, IsEmptiedSoThatNothingSpins) {
  UdpSocket socket = UdpSocket::adopt(loop, used_socket()).value();
  // What the kernel had to say of them, somebody else has been told.
  int said = 0;
  socklen_t length = sizeof said;
  ASSERT_EQ(::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &said, &length), 0);
  note_errors(socket, 99);
  note(socket, 1);
  int looks = 0;
  const Timer watch = Timer::every(loop, std::chrono::milliseconds(1), [&] {
    if (!has_queued_errors(socket.descriptor()) || ++looks == 2000) loop.stop();
  });
  loop.run();
  EXPECT_FALSE(has_queued_errors(socket.descriptor()));
  EXPECT_EQ(codes, std::vector<std::error_code>());
}

TEST_P(UdpErrorQueue, CostsNoDatagramEitherWay) {
  UdpSocket socket = UdpSocket::adopt(loop, used_socket()).value();
  UdpSocket peer = collecting(here(), 3);
  note_errors(socket, 99);
  note(socket, 3);
  socket.send("first", peer.local());
  socket.send("second", peer.local());
  ASSERT_TRUE(peer.try_send("back", socket.local()));
  loop.run();
  std::ranges::sort(got);
  EXPECT_EQ(got, (Texts{"back", "first", "second"}));
  for (const std::error_code& code : codes) EXPECT_EQ(code, std::errc::connection_refused);
  EXPECT_FALSE(codes.empty());
}

}  // namespace
}  // namespace baton::net
