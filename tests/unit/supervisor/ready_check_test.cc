#include "supervisor/ready_check.h"

#include <gtest/gtest.h>

#include "baton/loop/timer.h"
#include "baton/net/server.h"

namespace baton::supervisor {
namespace {

using namespace std::chrono_literals;

TEST(ReadyCheck, KnowsAGoodStatus) {
  EXPECT_TRUE(answers_well("HTTP/1.1 200 OK"));
  EXPECT_TRUE(answers_well("HTTP/1.0 399 "));
  EXPECT_TRUE(answers_well("HTTP/1.1 204 No Content"));
  EXPECT_FALSE(answers_well("HTTP/1.1 404 Not Found"));
  EXPECT_FALSE(answers_well("HTTP/1.1 503 no"));
  EXPECT_FALSE(answers_well("HTTP/1.1 2"));
  EXPECT_FALSE(answers_well("SSH-2.0-OpenSSH_9.2p1"));
}

TEST(ReadyCheck, PassesOnceSomebodyListens) {
  Loop loop;
  net::Server server = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  const net::Endpoint where = server.local();
  server.close();
  bool listens = false;
  Timer later(loop, 300ms, [&] {
    server = net::listen(loop, where);
    server.unref();
    listens = true;
  });
  int passed = 0;
  const ReadyCheck check(loop, ReadyProbe::tcp(where), [&] {
    ++passed;
    EXPECT_TRUE(listens);
    loop.stop();
  });
  Timer watchdog(loop, 20s, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(passed, 1);
}

TEST(ReadyCheck, EndsWithItsOwner) {
  Loop loop;
  net::Server server = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  bool passed = false;
  {
    const ReadyCheck check(loop, ReadyProbe::tcp(server.local()), [&] { passed = true; });
  }
  Timer end(loop, 50ms, [&] { server.close(); });
  loop.run();
  EXPECT_FALSE(passed);
}

}  // namespace
}  // namespace baton::supervisor
