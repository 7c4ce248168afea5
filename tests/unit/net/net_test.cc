#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/spare_text.h"
#include "baton/loop/task.h"
#include "baton/loop/timer.h"
#include "baton/net/server.h"
#include "baton/net/socket.h"
#include "net/write_queue.h"
#include "support/turns.h"

namespace baton::net {
namespace {

std::pair<Fd, Fd> stream_pair() {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string answer_of(const Endpoint& asked) {
  Loop loop;
  Server server = listen(loop, asked);
  server.on_connection([&](Socket socket) {
    socket.end("hello");
    server.close();
  });
  std::string got;
  Socket client;
  connect(loop, server.local()).then([&](Result<Socket> result) {
    client = std::move(result).value();
    client.on_data([&](std::string_view bytes) { got += bytes; });
  });
  loop.run();
  EXPECT_FALSE(client);
  return got;
}

TEST(Server, AnswersOnTcpVersion4) { EXPECT_EQ(answer_of(Endpoint("127.0.0.1", 0)), "hello"); }
TEST(Server, AnswersOnTcpVersion6) { EXPECT_EQ(answer_of(Endpoint("::1", 0)), "hello"); }
TEST(Server, AnswersOnAnAbstractUnixSocket) {
  const std::string name("\0baton-net-test", 15);
  EXPECT_EQ(answer_of(Endpoint::unix_path(name + std::to_string(getpid()))), "hello");
}

TEST(Server, ListensOnBothVersionsWhenBoundToTheUnspecifiedVersion6Address) {
  Loop loop;
  Server server = listen(loop, Endpoint("::", 0));
  server.on_connection([&](Socket) { server.close(); });
  bool connected = false;
  connect(loop, Endpoint("127.0.0.1", server.local().port())).then([&](Result<Socket> result) {
    connected = result.has_value();
  });
  loop.run();
  EXPECT_TRUE(connected);
}

TEST(Server, NamesTheAddressThatIsTaken) {
  Loop loop;
  const Server first = listen(loop, Endpoint("127.0.0.1", 0));
  const std::string port = std::to_string(first.local().port());
  try {
    auto second = listen(loop, first.local());
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "listen 127.0.0.1:" + port + ": bind: address already in use");
  }
}

TEST(Server, ReplacesTheFileOfAUnixSocketThatNobodyListensOn) {
  Loop loop;
  const auto endpoint = Endpoint::unix_path(testing::TempDir() + "/baton-stale-" + std::to_string(getpid()));
  {
    const Server first = listen(loop, endpoint);
  }
  const Server second = listen(loop, endpoint);
  EXPECT_THROW((void)listen(loop, endpoint), Error);
  unlink(endpoint.path().c_str());
}

TEST(Server, AcceptsNothingUntilAsked) {
  Loop loop;
  const Server server = listen(loop, Endpoint("127.0.0.1", 0));
  Socket client;
  connect(loop, server.local()).then([&](Result<Socket> result) { client = std::move(result).value(); });
  loop.run();
  EXPECT_TRUE(client);
}

TEST(Server, TakesNoFurtherConnectionWhenItIsPausedByTheFirstAndSleepsUntilItIsResumed) {
  for (const bool handed_over : {false, true}) {
    Loop loop;
    Server server = listen(loop, Endpoint("127.0.0.1", 0));
    if (handed_over) server = Server::adopt(loop, server.release()).value();
    std::vector<Socket> accepted, clients;
    server.on_connection([&](Socket socket) {
      accepted.push_back(std::move(socket));
      server.pause();
    });
    for (int i = 0; i < 3; ++i) {
      connect(loop, server.local()).then([&](Result<Socket> result) {
        clients.push_back(std::move(result).value());
      });
    }
    const test::Turns turns(loop);
    bool spun = false;
    Timer guard = Timer::every(loop, std::chrono::milliseconds(1), [&] {
      if (turns.count() < 10'000) return;
      spun = true;
      loop.stop();
    });
    guard.unref();
    for (size_t i = 1; i <= 3; ++i) {
      // Paused, it waits for nothing, and nothing else keeps the loop running.
      loop.run();
      ASSERT_FALSE(spun);
      EXPECT_EQ(accepted.size(), i);
      EXPECT_EQ(clients.size(), 3U);
      server.resume();
    }
  }
}

TEST(Server, AcceptsOnWhenItsCallbackPausedAndResumedIt) {
  Loop loop;
  Server server = listen(loop, Endpoint("127.0.0.1", 0));
  int accepted = 0;
  server.on_connection([&](const Socket&) {
    server.pause();
    server.resume();
    if (++accepted == 3) server.close();
  });
  for (int i = 0; i < 3; ++i) connect(loop, server.local()).then([](Result<Socket>) {});
  loop.run();
  EXPECT_EQ(accepted, 3);
}

TEST(Server, RefusesToAdoptWhatIsNoListener) {
  Loop loop;
  auto result = Server::adopt(loop, Fd(eventfd(0, EFD_CLOEXEC)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::wrong_handle);
}

TEST(Socket, RefusesToAdoptAListener) {
  Loop loop;
  Server server = listen(loop, Endpoint("127.0.0.1", 0));
  auto result = Socket::adopt(loop, server.release());
  ASSERT_FALSE(result);
  EXPECT_STREQ(result.error().what(),
               "adopt a stream: a listening TCP socket: not a descriptor of that kind");
}

TEST(Socket, HoldsBackAWriterThatIsFasterThanItsPeer) {
  Loop loop;
  auto [a, b] = stream_pair();
  Socket writer = Socket::adopt(loop, std::move(a)).value();
  Socket reader = Socket::adopt(loop, std::move(b)).value();
  const std::string megabyte(1 << 20, 'x');
  bool drained = false;
  EXPECT_FALSE(writer.write(megabyte));
  writer.on_drain([&] {
    drained = true;
    writer.end();
  });
  size_t got = 0;
  bool ended = false;
  reader.on_data([&](std::string_view bytes) { got += bytes.size(); });
  reader.on_end([&] {
    ended = true;
    reader.close();
  });
  writer.on_data([](std::string_view) {});
  loop.run();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(ended);
  EXPECT_EQ(got, megabyte.size());
}

TEST(Socket, AnswersAfterThePeerHasFinishedItsDirection) {
  Loop loop;
  auto [a, b] = stream_pair();
  Socket server = Socket::adopt(loop, std::move(a)).value();
  Socket client = Socket::adopt(loop, std::move(b)).value();
  std::string got;
  server.on_data([](std::string_view) {});
  server.on_end([&] { server.end("answer"); });
  client.on_data([&](std::string_view bytes) { got += bytes; });
  client.end("question");
  int closed = 0;
  client.on_close([&] { ++closed; });
  server.on_close([&] { ++closed; });
  loop.run();
  EXPECT_EQ(got, "answer");
  EXPECT_EQ(closed, 2);
}

TEST(Socket, SendsWhatWasWrittenBeforeItsOwnerLetGo) {
  Loop loop;
  auto [a, b] = stream_pair();
  const std::string text(3 << 20, 'y');
  {
    Socket writer = Socket::adopt(loop, std::move(a)).value();
    writer.end(text);
  }
  Socket reader = Socket::adopt(loop, std::move(b)).value();
  std::string got;
  reader.on_data([&](std::string_view bytes) { got += bytes; });
  loop.run();
  EXPECT_EQ(got.size(), text.size());
}

TEST(Socket, MayBeDestroyedByItsOwnCallback) {
  Loop loop;
  auto [a, b] = stream_pair();
  auto socket = std::make_optional(Socket::adopt(loop, std::move(a)).value());
  const std::string note = "a capture that is used after the socket is gone, longer than any small string";
  std::string seen;
  socket->on_data([&seen, &socket, note](std::string_view) {
    socket.reset();
    seen = note;
  });
  ASSERT_EQ(write(b.get(), "x", 1), 1);
  loop.run();
  EXPECT_EQ(seen, note);
}

TEST(Socket, TellsWhatBrokeTheConnection) {
  Loop loop;
  auto [a, b] = stream_pair();
  Socket socket = Socket::adopt(loop, std::move(a)).value();
  socket.write("unread");
  std::string told;
  bool closed = false;
  socket.on_error([&](const Error& error) { told = error.what(); });
  socket.on_close([&] { closed = true; });
  socket.flushed().then([&](Result<void>) {
    socket.on_data([](std::string_view) {});
    b.reset();
  });
  loop.run();
  EXPECT_TRUE(told.ends_with("connection reset by peer")) << told;
  EXPECT_TRUE(closed);
}

TEST(Socket, TellsThatItsPeerHasResetTheConnection) {
  Loop loop;
  std::error_code told;
  Server server = listen(loop, Endpoint("127.0.0.1", 0));
  std::optional<Socket> accepted;
  server.on_connection([&](Socket socket) {
    accepted.emplace(std::move(socket));
    accepted->on_error([&](const Error& error) { told = error.code(); });
    accepted->on_data([](std::string_view) {});
    server.close();
  });
  connect(loop, server.local()).then([](Result<Socket> made) {
    const linger at_once{1, 0};
    ::setsockopt(made->descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  });
  loop.run();
  EXPECT_EQ(told, std::error_code(ECONNRESET, std::generic_category()));
}

TEST(WriteQueue, HoldsASmallPieceInNoMoreMemoryThanItNeeds) {
  std::string piece;
  piece.reserve(std::size_t{64} << 10);
  piece = "a few words";
  const char* const memory = piece.data();
  WriteQueue queue;
  queue.append(std::move(piece));
  EXPECT_EQ(queue.size(), 11U);
  EXPECT_EQ(take_spare_text().data(), memory);
}

// A file in memory takes whatever it is given, as a socket does whose reader is quick.
TEST(WriteQueue, LeavesTheRestForTheNextTurnHoweverMuchIsTaken) {
  constexpr std::size_t size = std::size_t{64} << 20;
  const Fd file(::memfd_create("written", MFD_CLOEXEC));
  ASSERT_TRUE(file);
  WriteQueue queue;
  queue.append(std::string(size, 'x'));
  EXPECT_EQ(queue.flush(file.get()), WriteQueue::State::blocked);
  EXPECT_GT(queue.size(), 0U);
  int turns = 1;
  while (queue.flush(file.get()) == WriteQueue::State::blocked) ++turns;
  EXPECT_EQ(queue.written(), size);
  EXPECT_LE(turns, 64) << "at least a MiB each";
}

TEST(Socket, GivesItsDescriptorAwayWithWhatWasNotReadYet) {
  Loop loop;
  auto [a, b] = stream_pair();
  Socket socket = Socket::adopt(loop, std::move(a)).value();
  ASSERT_EQ(write(b.get(), "kept", 4), 4);
  const Fd descriptor = socket.release().value();
  EXPECT_FALSE(socket);
  char text[8] = "";
  EXPECT_EQ(read(descriptor.get(), text, sizeof text), 4);
  EXPECT_STREQ(text, "kept");
}

TEST(Socket, NeverWaitsInADescriptorThatBlocks) {
  Loop loop;
  auto [a, b] = stream_pair();
  ASSERT_EQ(fcntl(a.get(), F_GETFL) & O_NONBLOCK, 0);
  Socket reader = Socket::adopt(loop, std::move(a)).value();
  std::string got;
  reader.expect_data();
  reader.on_data([&](std::string_view bytes) {
    got += bytes;
    reader.close();
  });
  bool asked = false;
  loop.defer([&] { loop.defer([&] { asked = write(b.get(), "late", 4) == 4; }); });
  loop.run();
  EXPECT_TRUE(asked);
  EXPECT_EQ(got, "late");
}

TEST(Socket, GivesADescriptorAwayThatDoesNotBlock) {
  Loop loop;
  auto [a, b] = stream_pair();
  Socket socket = Socket::adopt(loop, std::move(a)).value();
  const Fd released = socket.release().value();
  EXPECT_NE(fcntl(released.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Socket, TellsEveryByteAndTheEndWhenDataIsExpected) {
  Loop loop;
  auto [a, b] = stream_pair();
  ASSERT_EQ(write(b.get(), "early", 5), 5);
  Socket reader = Socket::adopt(loop, std::move(a)).value();
  std::string got;
  bool ended = false;
  reader.expect_data();
  reader.on_data([&](std::string_view bytes) {
    got += bytes;
    if (got == "early") {
      EXPECT_EQ(write(b.get(), " and late", 9), 9);
    }
    if (got == "early and late") b.reset();
  });
  reader.on_end([&] {
    ended = true;
    reader.close();
  });
  loop.run();
  EXPECT_EQ(got, "early and late");
  EXPECT_TRUE(ended);
}

/// A server of which three clients ask, and whose first connection fails so; how many were served.
int served_beside_a_failure(Loop& loop, Server& server, bool in_a_task) {
  int accepted = 0;
  int served = 0;
  const auto answer = [&](Socket socket) {
    if (++accepted == 3) server.close();
    if (accepted == 1) throw std::runtime_error("not this one");
    ++served;
    socket.end("hello");
  };
  if (in_a_task) {
    server.on_connection([&](Socket socket) -> Task<> {
      answer(std::move(socket));
      co_return;
    });
  } else {
    server.on_connection(answer);
  }
  std::vector<Socket> clients;
  for (int i = 0; i < 3; ++i) {
    connect(loop, server.local()).then([&](Result<Socket> made) {
      clients.push_back(std::move(made).value());
      clients.back().on_data([](std::string_view) {});
    });
  }
  loop.run();
  return served;
}

TEST(Server, TellsItsErrorHandlerOfWhatServesAConnectionAndThrows) {
  for (const bool in_a_task : {false, true}) {
    Loop loop;
    Server server = listen(loop, Endpoint("127.0.0.1", 0));
    std::vector<std::string> told;
    server.on_error([&](const Error& error) { told.emplace_back(error.what()); });
    EXPECT_EQ(served_beside_a_failure(loop, server, in_a_task), 2);
    EXPECT_EQ(told,
              std::vector<std::string>{"serve a connection: not this one: an exception that nobody caught"});
  }
}

TEST(Server, OutlivesWhatServesAConnectionAndThrowsThoughNobodyIsToldOfIt) {
  Loop loop;
  Server server = listen(loop, Endpoint("127.0.0.1", 0));
  testing::internal::CaptureStderr();
  EXPECT_EQ(served_beside_a_failure(loop, server, false), 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "baton: serve a connection: not this one: an exception that nobody caught\n");
}

TEST(Socket, IsStillReadWhenTheCallbackOfExpectedDataThrew) {
  Loop loop;
  auto [a, b] = stream_pair();
  ASSERT_EQ(write(b.get(), "bad", 3), 3);
  Socket reader = Socket::adopt(loop, std::move(a)).value();
  std::string got;
  loop.on_uncaught([&](std::exception_ptr) { EXPECT_EQ(write(b.get(), "good", 4), 4); });
  reader.expect_data();
  reader.on_data([&](std::string_view bytes) {
    if (bytes == "bad") throw std::runtime_error("bad");
    got = bytes;
    reader.close();
  });
  loop.run();
  EXPECT_EQ(got, "good");
}

TEST(Socket, FailsToConnectWithTheAddressInTheMessage) {
  Loop loop;
  uint16_t port = 0;
  {
    port = listen(loop, Endpoint("127.0.0.1", 0)).local().port();
  }
  std::string text;
  connect(loop, Endpoint("127.0.0.1", port)).then([&](Result<Socket> result) {
    text = result.error().what();
  });
  loop.run();
  EXPECT_EQ(text, "connect to 127.0.0.1:" + std::to_string(port) + ": connection refused");
}

}  // namespace
}  // namespace baton::net
