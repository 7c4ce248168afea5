// Connections to a host by its name.

#include "baton/net/name.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "baton/net/bound_socket.h"
#include "baton/net/server.h"
#include "net/address_race.h"
#include "net/connect_any.h"
#include "support/leak_check.h"

namespace baton::net {
namespace {

using namespace std::chrono_literals;

class Named : public test::LeakFree {
 protected:
  template <class T>
  Result<T> outcome(Op<T> op) {
    std::optional<Result<T>> got;
    std::move(op).then([&](Result<T> result) {
      got = std::move(result);
      loop.stop();
    });
    loop.run();
    return std::move(*got);
  }
  /// Where nobody listens, and nobody else can.
  Endpoint closed() { return bound.emplace_back(bind(Endpoint("127.0.0.1", 0))).local(); }

  Loop loop;
  std::vector<BoundSocket> bound;
};

TEST_F(Named, AHostOfThisMachineIsConnectedTo) {
  const Server server = listen(loop, Endpoint("127.0.0.1", 0));
  const auto socket = outcome(connect(loop, "localhost", server.local().port()));
  ASSERT_TRUE(socket) << socket.error().what();
  EXPECT_EQ(socket->remote().port(), server.local().port());
}

TEST_F(Named, AnAddressInDigitsIsItsOwnName) {
  const auto found = outcome(resolve(loop, "fe80::1", 80));
  ASSERT_TRUE(found) << found.error().what();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().to_string(), "[fe80::1]:80");
  const Endpoint refuses = closed();
  const auto socket = outcome(connect(loop, "127.0.0.1", refuses.port()));
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().what(),
            "connect to " + refuses.to_string() + ": " + refuses.to_string() + ": connection refused");
}

TEST_F(Named, ANameThatNobodyKnowsIsAnErrorThatNamesIt) {
  // No server is asked for such a name.
  const auto found = outcome(resolve(loop, "a..b", 80));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), std::error_code(EAI_NONAME, resolver_category()));
  EXPECT_STREQ(found.error().what(), "resolve a..b: name or service not known");
  const auto socket = outcome(connect(loop, "a..b", 80));
  ASSERT_FALSE(socket);
  EXPECT_STREQ(socket.error().what(), "connect to a..b:80: resolve: name or service not known");
}

TEST_F(Named, WhatIsNoNameIsMisuse) {
  for (const std::string& name : {std::string(), std::string(254, 'a'), std::string("a\0b", 3)}) {
    EXPECT_THROW((void)resolve(loop, name, 80), std::invalid_argument);
    EXPECT_THROW((void)connect(loop, name, 80), std::invalid_argument);
  }
}

TEST_F(Named, TheNextAddressIsTakenWhenOneRefuses) {
  const Server server = listen(loop, Endpoint("127.0.0.1", 0));
  const auto socket = outcome(connect_to_any(loop, "connect to db:80", {closed(), server.local()}));
  ASSERT_TRUE(socket) << socket.error().what();
  EXPECT_EQ(socket->remote().to_string(), server.local().to_string());
}

TEST_F(Named, TheNextAddressIsTakenWhenOneDoesNotAnswer) {
  Server silent = listen(loop, Endpoint("127.0.0.1", 0));
  const auto waits = outcome(connect(loop, silent.local()));
  ASSERT_TRUE(waits) << waits.error().what();
  auto over = silent.last_call();  // from now on it hears nobody, as somebody whom a firewall hides
  const Server server = listen(loop, Endpoint("127.0.0.1", 0));
  const auto begin = loop.now();
  const auto socket = outcome(connect_to_any(loop, "connect to db:80", {silent.local(), server.local()}));
  ASSERT_TRUE(socket) << socket.error().what();
  EXPECT_EQ(socket->remote().to_string(), server.local().to_string());
  EXPECT_GE(loop.now() - begin, AddressRace::head_start);
}

TEST_F(Named, WhenNoAddressAnswersEachIsNamed) {
  const Endpoint first = closed();
  const Endpoint second = closed();
  const auto both = outcome(connect_to_any(loop, "connect to db:80", {first, second}));
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().what(),
            "connect to db:80: " + first.to_string() + ", " + second.to_string() + ": connection refused");
  const Endpoint nowhere("255.255.255.255", 80);
  const auto two = outcome(connect_to_any(loop, "connect to db:80", {first, nowhere}));
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code(), std::errc::connection_refused) << "the first address counts";
  const std::string told = two.error().what();
  EXPECT_TRUE(told.starts_with("connect to db:80: " + first.to_string() + ", 255.255.255.255:80 (")) << told;
  EXPECT_TRUE(told.ends_with("): connection refused")) << told;
}

// The fixture sees that no descriptor is left.
TEST_F(Named, WhoGivesTheWaitUpLeavesNothingBehind) {
  Server silent = listen(loop, Endpoint("127.0.0.1", 0));
  const auto waits = outcome(connect(loop, silent.local()));
  ASSERT_TRUE(waits) << waits.error().what();
  auto over = silent.last_call();
  const auto late = outcome(connect_to_any(loop, "connect to db:80", {silent.local()}).within(20ms));
  ASSERT_FALSE(late);
  EXPECT_STREQ(late.error().what(), "connect to db:80: timed out");
  std::stop_source given_up;
  auto by_name = connect(loop, "localhost", silent.local().port()).cancel_on(given_up.get_token());
  given_up.request_stop();
  const auto cancelled = outcome(std::move(by_name));
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), Errc::cancelled);
  {
    const auto dropped = connect(loop, silent.local());
  }
  {
    const auto dropped = connect(loop, "localhost", silent.local().port());
  }
  {
    const auto dropped = connect_to_any(loop, "connect to db:80", {silent.local(), closed()});
  }
  silent.close();
  loop.run();
}

}  // namespace
}  // namespace baton::net
