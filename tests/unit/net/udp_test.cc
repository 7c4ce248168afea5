#include <chrono>
#include <optional>

#include "baton/base/descriptor_kind.h"
#include "baton/loop/task.h"
#include "baton/net/server.h"
#include "unit/net/udp_world.h"

namespace baton::net {
namespace {

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

TEST_F(Udp, TellsAWriterWhoseDatagramWasDroppedWhenToGoOn) {
  const Endpoint to = nobody();
  UdpSocket b = bind_udp(loop, any_port);
  note_errors(b, 9);
  int drained = 0;
  b.on_drain([&] { ++drained; });
  EXPECT_FALSE(b.send(std::string(size_t{17} << 20, 'x'), to));
  EXPECT_EQ(b.queued_datagrams(), 0U);
  loop.run();
  EXPECT_EQ(errors, Texts{"send to " + to.to_string() + ": message too long"});
  EXPECT_EQ(drained, 1);

  // Many without a byte fill the queue too.
  size_t count = 0;
  bool more = true;
  for (; b.queued_datagrams() == count; ++count) more = b.send("", to);
  EXPECT_FALSE(more);
  EXPECT_EQ(b.queued(), 0U);
  loop.run();
  EXPECT_EQ(codes.back(), make_error_code(Errc::queue_full));
  EXPECT_EQ(drained, 2);
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

TEST_F(Udp, KeepsTheBatchThoughItsCallbackRunsAnotherLoop) {
  UdpSocket a = bind_udp(loop, any_port);
  a.on_message([&](std::string_view bytes, const Endpoint& from) {
    Loop inner;
    UdpSocket other = bind_udp(inner, any_port);
    other.on_message([&](std::string_view, const Endpoint&) { inner.stop(); });
    ASSERT_TRUE(other.try_send("from elsewhere", other.local()));
    inner.run();
    got.emplace_back(bytes);
    senders.push_back(from);
    if (got.size() == 2) loop.stop();
  });
  UdpSocket b = bind_udp(loop, any_port);
  ASSERT_TRUE(b.try_send("the first one", a.local()));
  ASSERT_TRUE(b.try_send("the second one", a.local()));
  loop.run();
  EXPECT_EQ(got, (Texts{"the first one", "the second one"}));
  EXPECT_EQ(senders[1].to_string(), b.local().to_string());
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

}  // namespace
}  // namespace baton::net
