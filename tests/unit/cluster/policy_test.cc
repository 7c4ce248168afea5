#include "baton/cluster/policy.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace baton::cluster {
namespace {

TEST(Policy, HasANameThatReadsBackAsItself) {
  for (const std::string_view name : {"round-robin", "shared", "reuse-port", "least-loaded", "sticky:address",
                                      "sticky:cookie=session", "sticky:header=x-client"}) {
    const auto policy = Policy::parse(name);
    ASSERT_TRUE(policy.has_value()) << name;
    EXPECT_EQ(policy->name(), name);
  }
}

TEST(Policy, KnowsShortNamesAndNodes) {
  EXPECT_EQ(Policy::parse("rr")->kind(), Policy::Kind::round_robin);
  EXPECT_EQ(Policy::parse("none")->kind(), Policy::Kind::shared);
  EXPECT_EQ(Policy::parse("sticky")->name(), "sticky:address");
}

TEST(Policy, ListsTheNamesWhenItIsGivenAnother) {
  for (const std::string_view wrong :
       {"", "fair", "sticky:", "sticky:cookie=", "sticky:cookie=a b", "Shared"}) {
    const auto policy = Policy::parse(wrong);
    ASSERT_FALSE(policy.has_value()) << wrong;
    EXPECT_NE(std::string(policy.error().what()).find("least-loaded"), std::string::npos);
  }
}

TEST(Policy, IsNotMadeOfAnEmptyFunctionOrAnImpossibleName) {
  EXPECT_THROW((void)Policy::chosen(nullptr), std::logic_error);
  EXPECT_THROW((void)Policy::sticky(Policy::Sticky::header, "a:b"), std::logic_error);
}

}  // namespace
}  // namespace baton::cluster
