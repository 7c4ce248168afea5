// The end of a listener: nobody new is let in, and who was is still served.

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "baton/loop/timer.h"
#include "baton/net/server.h"
#include "net/last_call.h"
#include "support/leak_check.h"

namespace baton::net {
namespace {

using namespace std::chrono_literals;

class LastCallOf : public test::LeakFree, public testing::WithParamInterface<const char*> {
 protected:
  Result<Socket> visit(Server& server) {
    std::optional<Result<Socket>> got;
    connect(loop, server.local()).within(100ms).then([&](Result<Socket> result) {
      got = std::move(result);
      loop.stop();
    });
    loop.run();
    return std::move(*got);
  }
  Loop loop;
};

INSTANTIATE_TEST_SUITE_P(Over, LastCallOf, testing::Values("127.0.0.1", "::1"),
                         [](const auto& each) { return each.param[0] == ':' ? "Ipv6" : "Ipv4"; });

TEST_P(LastCallOf, AListenerLetsNobodyInAndWaitsForWhoIsIn) {
  Server server = listen(loop, Endpoint(GetParam(), 0));
  const auto early = visit(server);
  ASSERT_TRUE(early) << early.error().what();
  bool over = false;
  server.last_call().then([&](const Result<void>& called) {
    EXPECT_TRUE(called);
    over = true;
    loop.stop();
  });
  const auto late = visit(server);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Errc::timed_out) << late.error().what();
  EXPECT_FALSE(over) << "somebody still waits";
  int served = 0;
  server.on_connection([&](const Socket&) { ++served; });
  loop.run();
  EXPECT_TRUE(over);
  EXPECT_EQ(served, 1);
}

TEST_P(LastCallOf, AListenerWaitsForNobodyWhoIsNeverServed) {
  Server server = listen(loop, Endpoint(GetParam(), 0));
  const auto waiting = visit(server);
  ASSERT_TRUE(waiting);
  const auto begin = loop.now();
  server.last_call().then([&](const Result<void>& called) {
    EXPECT_TRUE(called);
    loop.stop();
  });
  loop.run();
  EXPECT_GE(loop.now() - begin, LastCall::patience);
}

TEST_P(LastCallOf, AListenerThatIsClosedIsCancelled) {
  Server server = listen(loop, Endpoint(GetParam(), 0));
  std::optional<Result<void>> outcome;
  server.last_call().then([&](Result<void> called) { outcome = std::move(called); });
  server.close();
  loop.run();
  ASSERT_TRUE(outcome && !*outcome);
  EXPECT_EQ(outcome->error().code(), Errc::cancelled);
}

TEST_P(LastCallOf, AListenerMayBeTakenBack) {
  Server server = listen(loop, Endpoint(GetParam(), 0));
  turn_newcomers_away(server.descriptor());
  EXPECT_FALSE(visit(server));
  let_newcomers_in(server.descriptor());
  EXPECT_TRUE(visit(server));
}

}  // namespace
}  // namespace baton::net
