#include "net/listener_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <vector>

#include "baton/loop/timer.h"
#include "baton/net/server.h"
#include "baton/net/udp.h"
#include "net/shut_flags.h"
#include "support/folder.h"
#include "support/leak_check.h"

namespace baton::net {
namespace {

class ListenerWatches : public test::LeakFree {
 protected:
  bool answers(const Endpoint& endpoint) {
    bool connected = false;
    connect(loop, endpoint).then([&](const Result<Socket>& result) { connected = result.has_value(); });
    loop.run();
    return connected;
  }

  Loop loop;
};

TEST_F(ListenerWatches, HearOfAListenerThatIsShutDownWhichThenListensAgain) {
  for (const char* address : {"127.0.0.1", "::"}) {
    const Server server = listen(loop, Endpoint(address, 0));
    const Endpoint place("127.0.0.1", server.local().port());
    EXPECT_EQ(revive_listener(server.descriptor(), 16), Revival::listening);
    int shut = 0;
    ListenerWatch watch(loop, [&](int descriptor) {
      EXPECT_EQ(descriptor, server.descriptor());
      EXPECT_EQ(revive_listener(descriptor, 16), Revival::again);
      ++shut;
      loop.stop();
    });
    const auto watched = watch.watch(server.descriptor());
    ASSERT_TRUE(watched);
    EXPECT_TRUE(answers(place));
    EXPECT_EQ(shut, 0);
    for (int round = 1; round <= 3; ++round) {
      ::shutdown(server.descriptor(), SHUT_RDWR);
      const Timer patience(loop, std::chrono::seconds(20), [&] { loop.stop(); });
      loop.run();
      EXPECT_EQ(shut, round);
    }
    EXPECT_TRUE(answers(place));
  }
}

TEST_F(ListenerWatches, AnErrorInTheQueueOfAUdpSocketIsNoEnd) {
  UdpSocket socket = bind_udp(loop, Endpoint("127.0.0.1", 0));
  int shut = 0;
  ListenerWatch watch(loop, [&](int) {
    ++shut;
    loop.stop();
  });
  const auto watched = watch.watch(socket.descriptor());
  ASSERT_TRUE(watched);
  const uint16_t nobody = bind_udp(loop, Endpoint("127.0.0.1", 0)).local().port();
  ASSERT_TRUE(socket.connect(Endpoint("127.0.0.1", nobody)));
  for (int i = 0; i < 3; ++i) (void)::send(socket.descriptor(), "x", 1, 0);
  const Timer later(loop, std::chrono::milliseconds(20), [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(shut, 0);
  ::shutdown(socket.descriptor(), SHUT_RDWR);
  const Timer patience(loop, std::chrono::seconds(20), [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(shut, 1);
}

TEST_F(ListenerWatches, AListenerThatWasShutDownTwiceGivesConnectionsThatCarryBytes) {
  const Server server = listen(loop, Endpoint("127.0.0.1", 0));
  for (int i = 0; i < 3; ++i) ::shutdown(server.descriptor(), SHUT_RDWR);
  ASSERT_EQ(::listen(server.descriptor(), 16), 0);  // as if whoever did it did this too
  EXPECT_TRUE(gives_dead_connections(server.descriptor()));
  ASSERT_EQ(revive_listener(server.descriptor(), 16), Revival::again);
  EXPECT_FALSE(gives_dead_connections(server.descriptor()));
  EXPECT_EQ(revive_listener(server.descriptor(), 16), Revival::listening);
  Socket client;
  connect(loop, server.local()).then([&](Result<Socket> result) { client = std::move(result).value(); });
  loop.run();
  const Fd accepted(::accept4(server.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(::send(accepted.get(), "x", 1, MSG_NOSIGNAL), 1);
}

TEST_F(ListenerWatches, SeeThatAUnixSocketIsLostForEver) {
  const test::Folder folder;
  const Server server = listen(loop, Endpoint::unix_path(folder / "socket"));
  EXPECT_EQ(revive_listener(server.descriptor(), 16), Revival::listening);
  ListenerWatch::Watched watched;
  int shut = 0;
  ListenerWatch watch(loop, [&](int descriptor) {
    EXPECT_EQ(revive_listener(descriptor, 16), Revival::lost);
    watched.stop();
    ++shut;
    loop.stop();
  });
  watched = watch.watch(server.descriptor()).value();
  ::shutdown(server.descriptor(), SHUT_RD);
  {
    const Timer patience(loop, std::chrono::seconds(20), [&] { loop.stop(); });
    loop.run();
  }
  EXPECT_EQ(shut, 1);
  EXPECT_FALSE(answers(server.local()));
}

TEST_F(ListenerWatches, LeaveTheFlagsOfAListenerAsTheyAre) {
  const Server server = listen(loop, Endpoint("127.0.0.1", 0));
  const int flags = ::fcntl(server.descriptor(), F_GETFL) & ~O_NONBLOCK;
  ASSERT_EQ(::fcntl(server.descriptor(), F_SETFL, flags), 0);
  ListenerWatch watch(loop, [](int) {});
  const auto watched = watch.watch(server.descriptor());
  EXPECT_EQ(::fcntl(server.descriptor(), F_GETFL), flags);
}

TEST_F(ListenerWatches, AServerThatIsShutDownByOneOfItsHoldersAcceptsAgainInTheOthers) {
  Server first = listen(loop, Endpoint("127.0.0.1", 0));
  const Endpoint place = first.local();
  Server second = Server::adopt(loop, first.release()).value();
  int accepted = 0;
  std::vector<std::string> errors;
  second.on_error([&](const Error& error) { errors.emplace_back(error.what()); });
  second.on_connection([&](Socket) {
    ++accepted;
    loop.stop();
  });
  ::shutdown(second.descriptor(), SHUT_RD);
  Socket client;
  std::function<void()> again = [&] {
    connect(loop, place).then([&](Result<Socket> result) {
      if (result) {
        client = std::move(*result);
      } else {
        again();
      }
    });
  };
  again();
  const Timer patience(loop, std::chrono::seconds(20), [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(errors.size(), 1U);
}

}  // namespace
}  // namespace baton::net
