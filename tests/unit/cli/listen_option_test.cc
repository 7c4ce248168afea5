#include "cli/listen_option.h"

#include <gtest/gtest.h>

namespace baton::cli {
namespace {

std::string refusal(std::string_view text) {
  const auto parsed = parse_listen(text);
  return parsed ? "(taken)" : parsed.error();
}

TEST(ListenOption, MayHaveAName) {
  const auto named = parse_listen("http=127.0.0.1:80");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->name(), "http");
  EXPECT_EQ(named->endpoint().to_string(), "127.0.0.1:80");
  EXPECT_FALSE(named->is_udp());
  const auto nameless = parse_listen("unix:/run/a=b");
  ASSERT_TRUE(nameless);
  EXPECT_EQ(nameless->name(), "unknown");
  EXPECT_EQ(nameless->endpoint().path(), "/run/a=b");
  EXPECT_FALSE(parse_listen("=80"));
  EXPECT_FALSE(parse_listen("a:b=80"));
  EXPECT_FALSE(parse_listen("a b=80"));
}

TEST(ListenOption, SaysWhoseTheFileOfAPathIs) {
  const auto all = parse_listen("web=unix:/run/app,1.sock,mode=660,owner=root,group=0");
  ASSERT_TRUE(all) << all.error();
  EXPECT_EQ(all->name(), "web");
  EXPECT_EQ(all->endpoint().path(), "/run/app,1.sock");
  EXPECT_EQ(all->mode(), 0660U);
  EXPECT_EQ(all->owner(), 0U);
  EXPECT_EQ(all->group(), 0U);
  const auto none = parse_listen("unix:/run/app,");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->endpoint().path(), "/run/app,");
  EXPECT_FALSE(none->mode() || none->owner() || none->group());
}

TEST(ListenOption, NamesWhatIsWrongWithAFilesOwner) {
  EXPECT_EQ(refusal("unix:/run/x,mode=9"), "mode: '9' is not a mode such as 660");
  EXPECT_EQ(refusal("unix:/run/x,mode=1777"), "mode: '1777' is not a mode such as 660");
  EXPECT_EQ(refusal("unix:/run/x,owner=nobody-at-all"), "owner: there is no user 'nobody-at-all'");
  EXPECT_EQ(refusal("unix:/run/x,group=nobody-at-all"), "group: there is no group 'nobody-at-all'");
  EXPECT_EQ(refusal("unix:/run/x,mod=660"), "'mod=660' is none of mode=, owner= and group=");
  EXPECT_EQ(refusal("unix:/run/x,mode=660,fast"), "'fast' is none of mode=, owner= and group=");
}

TEST(ListenOption, MayBeOfUdp) {
  const auto udp = parse_listen("dns=udp:127.0.0.1:53");
  ASSERT_TRUE(udp);
  EXPECT_TRUE(udp->is_udp());
  EXPECT_EQ(udp->endpoint().to_string(), "127.0.0.1:53");
  EXPECT_EQ(refusal("udp:unix:/run/x"), "udp: takes an address with a port");
  EXPECT_NE(refusal("udp:x"), "(taken)");
}

}  // namespace
}  // namespace baton::cli
