// What others may do to a socket or pipe that they share with us: O_NONBLOCK and SO_LINGER are no property of
// our descriptor.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "baton/loop/timer.h"
#include "baton/net/native.h"
#include "baton/net/server.h"
#include "baton/net/socket.h"
#include "net/accept.h"
#include "net/pipe_io.h"

namespace baton::net {
namespace {

using std::chrono::milliseconds;

void make_blocking(int descriptor) {
  int off = 0;
  ASSERT_EQ(ioctl(descriptor, FIONBIO, &off), 0);
}

double milliseconds_of(auto&& body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

struct SharedListener {
  SharedListener() : server(Server::adopt(loop, listen(loop, Endpoint("127.0.0.1", 0)).release()).value()) {}
  Loop loop;
  Server server;
};

TEST(SharedListener, DoesNotWaitForAConnectionThatAnotherHasTaken) {
  SharedListener shared;
  make_blocking(shared.server.descriptor());
  EXPECT_FALSE(accept_connection(shared.server.descriptor(), Holders::others_too));
  EXPECT_EQ(errno, EAGAIN);
}

TEST(SharedListener, WaitsForAMomentAtMostWhenItIsMadeToBlockAtTheLastInstant) {
  SharedListener shared;
  make_blocking(shared.server.descriptor());
  // What is left of the call when the other comes between its parts.
  const double time =
      milliseconds_of([&] { EXPECT_EQ(accept4(shared.server.descriptor(), nullptr, nullptr, 0), -1); });
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_LT(time, 5000);
}

TEST(SharedListener, GivesItsConnectionsNoLimitOfTime) {
  SharedListener shared;
  Socket client;
  connect(shared.loop, shared.server.local()).then([&](Result<Socket> result) {
    client = std::move(result).value();
  });
  timeval limit{.tv_sec = 1, .tv_usec = 1};
  socklen_t length = sizeof limit;
  shared.server.on_connection([&](Socket socket) {
    getsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &limit, &length);
    shared.server.close();
    client.close();
  });
  shared.loop.run();
  EXPECT_EQ(limit.tv_sec, 0);
  EXPECT_EQ(limit.tv_usec, 0);
}

// Somebody clears O_NONBLOCK as fast as he can, and takes what comes.
TEST(SharedListener, DoesNotHoldTheLoopUpWhileSomebodyMakesItBlockAgainAndAgain) {
  SharedListener shared;
  std::atomic<bool> over = false;
  std::thread thief([&, listener = Fd(dup(shared.server.descriptor()))] {
    while (!over) {
      int off = 0;
      ioctl(listener.get(), FIONBIO, &off);
      const Fd stolen(accept4(listener.get(), nullptr, nullptr, 0));
    }
  });
  std::thread clients([&, where = shared.server.local()] {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(where.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (!over) {
      const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      (void)::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  });
  int accepted = 0;
  shared.server.on_connection([&](Socket) { ++accepted; });
  int turns = 0;
  Timer ticking = Timer::every(shared.loop, milliseconds(1), [&] {
    if (++turns < 50) return;
    over = true;
    ticking.stop();
    shared.server.close();
  });
  shared.loop.run();
  thief.join();
  clients.join();
  EXPECT_EQ(turns, 50);
}

TEST(SharedPipe, ThatWasMadeToBlockIsReadAndWrittenWithoutWaiting) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd out(ends[0]);
  const Fd in(ends[1]);
  char byte = 0;
  EXPECT_EQ(read_without_waiting(out.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  const std::string much(size_t{1} << 20, 'x');
  const iovec piece{.iov_base = const_cast<char*>(much.data()), .iov_len = much.size()};
  EXPECT_LT(write_without_waiting(in.get(), &piece, 1), ssize_t(much.size()));
  EXPECT_EQ(read_without_waiting(out.get(), &byte, 1), 1);
  EXPECT_EQ(write_without_waiting(in.get(), &piece, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(SharedPipe, ThatWasHandedOverAndMadeToBlockDoesNotStopTheLoop) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd other(ends[1]);
  const Fd copy(dup(ends[0]));
  Loop loop;
  Socket stream = Socket::adopt(loop, Fd(ends[0])).value();
  std::string got;
  stream.on_data([&](std::string_view bytes) { got += bytes; });
  // A whole buffer, so that a second read is tried; and the pipe is empty by then.
  fcntl(ends[0], F_SETPIPE_SZ, 1 << 17);
  const std::string much(size_t{64} << 10, 'x');
  Timer later(loop, milliseconds(1), [&] {
    make_blocking(copy.get());
    ASSERT_EQ(write(other.get(), much.data(), much.size()), ssize_t(much.size()));
  });
  bool ran_on = false;
  Timer end(loop, milliseconds(50), [&] {
    ran_on = true;
    stream.close();
  });
  loop.run();
  EXPECT_TRUE(ran_on);
  EXPECT_EQ(got.size(), much.size());
}

class ClosedAtOnce : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(As, ClosedAtOnce, testing::Bool(),
                         [](const auto& test) { return std::string(test.param ? "Socket" : "Native"); });

// The peer neither reads nor goes, and its sender wants close(2) to wait for it.
TEST_P(ClosedAtOnce, WhoeverWantedThatToWaitForThePeer) {
  Loop loop;
  Server server = listen(loop, Endpoint("127.0.0.1", 0));
  const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.local().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  Fd sent(accept4(server.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  ASSERT_TRUE(sent);
  const std::string much(size_t{1} << 20, 'x');
  while (write(sent.get(), much.data(), much.size()) > 0) {
  }
  const linger wish{.l_onoff = 1, .l_linger = 20};
  ASSERT_EQ(setsockopt(sent.get(), SOL_SOCKET, SO_LINGER, &wish, sizeof wish), 0);
  const double time = milliseconds_of([&] {
    Native handle(std::move(sent));
    if (GetParam()) Socket::adopt(loop, std::move(handle)).value().close();
  });
  EXPECT_LT(time, 10'000);
}

}  // namespace
}  // namespace baton::net
