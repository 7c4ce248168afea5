#include "baton/net/bound_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>

#include "support/leak_check.h"

namespace baton::net {
namespace {

class Bound : public testing::Test {
 protected:
  test::LeakCheck leaks;
  Loop loop;
  const Endpoint any_port{"127.0.0.1", 0};
};

TEST_F(Bound, ReservesAPortOnWhichNobodyListens) {
  const BoundSocket bound = bind(any_port);
  EXPECT_NE(bound.local().port(), 0);
  std::string told;
  connect(loop, bound.local()).then([&](const Result<Socket>& result) { told = result.error().what(); });
  loop.run();
  EXPECT_EQ(told, "connect to " + bound.local().to_string() + ": connection refused");
}

TEST_F(Bound, BecomesAServer) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    BoundSocket bound = bind(Endpoint(address, 0));
    const Endpoint local = bound.local();
    Server server = listen(loop, std::move(bound));
    EXPECT_EQ(server.local().to_string(), local.to_string());
    EXPECT_EQ(server.key(), (address == "::1" ? "6:::1:" : "4:127.0.0.1:") + std::to_string(local.port()));
    server.on_connection([&](Socket socket) {
      socket.end("hello");
      server.close();
    });
    std::string got;
    Socket client;
    connect(loop, local).then([&](Result<Socket> result) {
      client = std::move(result).value();
      client.on_data([&](std::string_view bytes) { got += bytes; });
    });
    loop.run();
    EXPECT_EQ(got, "hello");
  }
}

TEST_F(Bound, ConnectsFromItsAddress) {
  Server server = listen(loop, any_port);
  BoundSocket bound = bind(any_port);
  const Endpoint local = bound.local();
  std::string seen;
  server.on_connection([&](const Socket& socket) {
    seen = socket.remote().to_string();
    server.close();
  });
  Socket client;
  connect(loop, std::move(bound), server.local()).then([&](Result<Socket> result) {
    client = std::move(result).value();
  });
  loop.run();
  EXPECT_EQ(client.local().to_string(), local.to_string());
  EXPECT_EQ(seen, local.to_string());
}

// Two may bind what nobody listens on; only one may listen.
TEST_F(Bound, NamesTheAddressThatAnotherListensOn) {
  BoundSocket first = bind(any_port);
  BoundSocket second = bind(first.local());
  const std::string address = first.local().to_string();
  const Server server = listen(loop, std::move(first));
  try {
    const Server other = listen(loop, std::move(second));
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "listen " + address + ": listen: address already in use");
  }
  EXPECT_THROW((void)bind(server.local()), Error);
}

TEST_F(Bound, SharesAPortWhenAsked) {
  const auto reused = ListenOptions().reuse_port();
  BoundSocket first = bind(any_port, reused);
  BoundSocket second = bind(first.local(), reused);
  const Server one = listen(loop, std::move(first));
  const Server two = listen(loop, std::move(second));
  EXPECT_EQ(one.local().port(), two.local().port());
}

TEST_F(Bound, TakesNoPathAndNothingForASocket) {
  EXPECT_THROW((void)bind(Endpoint::unix_path("/nowhere")), std::invalid_argument);
  EXPECT_THROW((void)listen(loop, BoundSocket()), std::logic_error);
  EXPECT_THROW((void)connect(loop, BoundSocket(), any_port), std::logic_error);
}

TEST_F(Bound, AdoptsASocketThatIsBoundAndNothingElse) {
  BoundSocket bound = bind(any_port);
  Fd descriptor = bound.release();
  EXPECT_FALSE(bound);
  ::fcntl(descriptor.get(), F_SETFL, 0);  // as a careless sender leaves it
  const auto adopted = BoundSocket::adopt(std::move(descriptor));
  ASSERT_TRUE(adopted);
  EXPECT_NE(::fcntl(adopted->descriptor(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(Bound, SaysWhatItRefusesToAdopt) {
  const auto told = [](Fd descriptor) {
    const auto result = BoundSocket::adopt(std::move(descriptor));
    return result ? std::string("nothing") : std::string(result.error().what());
  };
  const std::string wrong = ": not a descriptor of that kind";
  EXPECT_EQ(told(Fd()), "adopt a bound socket: bad file descriptor");
  EXPECT_EQ(told(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))),
            "adopt a bound socket: a TCP socket without an address" + wrong);
  EXPECT_EQ(told(Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))),
            "adopt a bound socket: a UDP socket" + wrong);
  Server server = listen(loop, any_port);
  Socket client;
  connect(loop, server.local()).then([&](Result<Socket> result) { client = std::move(result).value(); });
  loop.run();
  EXPECT_EQ(told(client.release().value()), "adopt a bound socket: a connected TCP socket" + wrong);
  EXPECT_EQ(told(server.release()), "adopt a bound socket: a listening TCP socket" + wrong);
}

}  // namespace
}  // namespace baton::net
