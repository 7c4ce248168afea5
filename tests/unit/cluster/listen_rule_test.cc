#include "baton/cluster/listen_rule.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace baton::cluster {
namespace {

bool rule_allows(const char* rule, Listening::Type type, const char* address, uint16_t port = 0) {
  const auto where = address == nullptr ? std::nullopt : std::optional<std::string>(address);
  return ListenRule(rule).allows(Listening(type, where, port));
}

TEST(ListenRule, OfAPortAllowsItAtEveryAddress) {
  EXPECT_TRUE(rule_allows("8080", Listening::Type::ipv4, nullptr, 8080));
  EXPECT_TRUE(rule_allows("8080", Listening::Type::ipv6, "::1", 8080));
  EXPECT_TRUE(rule_allows("*:8080", Listening::Type::udp4, "127.0.0.1", 8080));
  EXPECT_FALSE(rule_allows("8080", Listening::Type::ipv4, nullptr, 8081));
  EXPECT_FALSE(rule_allows("8080", Listening::Type::ipv4, nullptr, 0));
  EXPECT_FALSE(rule_allows("8080", Listening::Type::unix_path, "8080"));
}

TEST(ListenRule, OfARangeAllowsBothOfItsEnds) {
  for (const uint16_t port : {8000, 8500, 8999})
    EXPECT_TRUE(rule_allows("8000-8999", Listening::Type::ipv4, nullptr, port)) << port;
  for (const uint16_t port : {7999, 9000, 0})
    EXPECT_FALSE(rule_allows("8000-8999", Listening::Type::ipv4, nullptr, port)) << port;
  EXPECT_TRUE(rule_allows("0-0", Listening::Type::ipv4, nullptr, 0));
  EXPECT_TRUE(rule_allows("*", Listening::Type::ipv4, nullptr, 0));
  EXPECT_TRUE(rule_allows("*", Listening::Type::udp6, "::", 65535));
  EXPECT_FALSE(rule_allows("*", Listening::Type::unix_path, "/run/app"));
}

TEST(ListenRule, OfAnAddressAllowsOnlyThatHoweverItIsWritten) {
  EXPECT_TRUE(rule_allows("127.0.0.1:*", Listening::Type::ipv4, "127.0.0.1", 80));
  EXPECT_FALSE(rule_allows("127.0.0.1:*", Listening::Type::ipv4, "127.0.0.2", 80));
  EXPECT_FALSE(rule_allows("127.0.0.1:*", Listening::Type::ipv4, nullptr, 80));
  EXPECT_FALSE(rule_allows("127.0.0.1:*", Listening::Type::ipv4, "0.0.0.0", 80));
  EXPECT_FALSE(rule_allows("127.0.0.1:*", Listening::Type::ipv4, "no address", 80));
  EXPECT_TRUE(rule_allows("[::1]:80-90", Listening::Type::ipv6, "0:0:0:0:0:0:0:1", 80));
  EXPECT_TRUE(rule_allows("[0::1]:80", Listening::Type::ipv6, "::1", 80));
  EXPECT_FALSE(rule_allows("[fe80::1%2]:80", Listening::Type::ipv6, "fe80::1%3", 80));
}

TEST(ListenRule, OfAPathHasAStarThatStandsForNoSlash) {
  EXPECT_TRUE(rule_allows("/run/app.sock", Listening::Type::unix_path, "/run/app.sock"));
  EXPECT_TRUE(rule_allows("unix:/run/app/*", Listening::Type::unix_path, "/run/app/a.sock"));
  EXPECT_TRUE(rule_allows("/run/app-*/web", Listening::Type::unix_path, "/run/app-1/web"));
  for (const char* path : {"/run/app/", "/run/app/a/b", "/run/app/../x", "/run/app/.", "/run/app//a",
                           "/run//app/a", "run/app/a", "", "/run/app"}) {
    EXPECT_FALSE(rule_allows("/run/app/?*", Listening::Type::unix_path, path)) << path;
  }
  EXPECT_FALSE(rule_allows("/run/app/*", Listening::Type::ipv4, "/run/app/a", 80));
}

TEST(ListenRule, IsNeverForDescriptorsOfThePrimary) {
  EXPECT_FALSE(ListenRule("8080").allows(Listening(Listening::Type::ipv4, std::nullopt, 0, 3)));
}

TEST(ListenRule, SaysWhatItCouldBe) {
  for (const char* text : {"", ":", "x", "80-", "-80", "90-80", "65536", "localhost:80", "::1:80",
                           "[127.0.0.1]:80", "1.2.3.4", "unix:app", "[::1]", "80:*:80"}) {
    EXPECT_THROW((void)ListenRule(text), std::invalid_argument) << text;
  }
  try {
    (void)ListenRule("web");
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()),
              "'web' is none of 8080, 8000-8999, 127.0.0.1:8080, [::1]:*, *:8000-8999 and /path/*");
  }
}

}  // namespace
}  // namespace baton::cluster
