// Who waits at a listener, as the kernel's diagnosis tells.

#include "net/backlog.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "baton/base/fd.h"
#include "net/sockaddr.h"

namespace baton::net {
namespace {

Fd listener_at(const Endpoint& endpoint) {
  const SocketAddress address(endpoint);
  Fd socket(::socket(address.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(socket.get(), address.get(), address.length()), 0);
  EXPECT_EQ(::listen(socket.get(), 8), 0);
  return socket;
}

Fd visitor_of(const Endpoint& endpoint) {
  const SocketAddress address(endpoint);
  Fd socket(::socket(address.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(socket.get(), address.get(), address.length()), 0);
  return socket;
}

class BacklogOf : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Over, BacklogOf, testing::Values("127.0.0.1", "0.0.0.0", "::1", "::"),
                         [](const auto& each) {
                           const std::string address = each.param;
                           return std::string(address.contains(':') ? "Ipv6" : "Ipv4") +
                                  (address.ends_with('1') ? "" : "Any");
                         });

TEST_P(BacklogOf, AListenerIsThoseWhoWereNotAccepted) {
  const std::string address = GetParam();
  const Fd listener = listener_at(Endpoint(address, 0));
  const Endpoint there = local_endpoint(listener.get());
  const Endpoint way_in(address.ends_with('1') ? address : "127.0.0.1", there.port());
  EXPECT_EQ(who_waits_at(there), Waiting());
  std::vector<Fd> visitors;
  for (int i = 0; i < 3; ++i) visitors.push_back(visitor_of(way_in));
  const auto before = who_waits_at(there);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->size(), 3U);
  const Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  visitors.push_back(visitor_of(way_in));
  const auto after = who_waits_at(there);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->size(), 3U);
  EXPECT_FALSE(std::ranges::includes(*before, *after)) << "somebody new is among them";
  visitors.pop_back();  // it waits, though it has said its last word
  EXPECT_EQ(who_waits_at(there), after);
  if (address.ends_with('1')) {
    EXPECT_EQ(who_waits_at(Endpoint(address == "::1" ? "::2" : "127.0.0.2", there.port())), Waiting());
  }
}

TEST(Backlog, OfAPathIsNotTold) { EXPECT_EQ(who_waits_at(Endpoint::unix_path("/nowhere")), std::nullopt); }

}  // namespace
}  // namespace baton::net
