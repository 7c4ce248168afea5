#include "base/nearest.h"

#include <gtest/gtest.h>

namespace baton {
namespace {

const std::vector<std::string> words = {"instances", "interpreter", "env", "env-file", "name"};

TEST(Nearest, IsTheWordThatWasMeant) {
  EXPECT_EQ(nearest("instnaces", words), "instances") << "two letters swapped";
  EXPECT_EQ(nearest("instance", words), "instances") << "one left out";
  EXPECT_EQ(nearest("interpretter", words), "interpreter") << "one too many";
  EXPECT_EQ(nearest("envfile", words), "env-file");
  EXPECT_EQ(nearest("nome", words), "name") << "another one";
  EXPECT_EQ(nearest("name", words), "name");
}

TEST(Nearest, IsNoneWhereItWouldBeGuessing) {
  EXPECT_EQ(nearest("watch", words), "");
  EXPECT_EQ(nearest("x", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest("name", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), {std::string(100'000, 'x')}), "") << "nobody misspells that";
}

}  // namespace
}  // namespace baton
