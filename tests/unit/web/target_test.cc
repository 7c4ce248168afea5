#include "baton/web/target.h"

#include <gtest/gtest.h>

#include <string>

namespace baton::web {
namespace {

TEST(Target, HasAPath) {
  EXPECT_EQ(path_of("/a%20b?c=d"), "/a%20b");
  EXPECT_EQ(path_of("/a#b?c"), "/a");
  EXPECT_EQ(path_of("http://host/a?b"), "/a");
  EXPECT_EQ(path_of("http://host?b"), "/");
  EXPECT_EQ(path_of("*"), "*");
  EXPECT_EQ(path_of("/a?b=http://c/d"), "/a");
}

TEST(Target, IsPercentDecodedOrRefused) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%e4%BD%a0+"), "a b/c\xe4\xbd\xa0+");
  EXPECT_EQ(percent_decode(""), "");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  for (const char* text : {"%", "%1", "a%zz", "%1g", "%%20"})
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
}

TEST(Target, IsEncodedAsEncodeURIComponentDoes) {
  EXPECT_EQ(percent_encode("a b/c?d=e&f-_.!~*'()"), "a%20b%2Fc%3Fd%3De%26f-_.!~*'()");
  EXPECT_EQ(percent_encode("\xe4\xbd\xa0"), "%E4%BD%A0");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

TEST(Query, IsReadAsURLSearchParamsDoes) {
  const Query query("/x?a=1&b=two+words&a=2&%63=%26&d&=e&&f=g=h&i=%&j=%zz#k=l");
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1"}, {"b", "two words"}, {"a", "2"}, {"c", "&"},  {"d", ""},
      {"", "e"},  {"f", "g=h"},       {"i", "%"}, {"j", "%zz"}};
  EXPECT_EQ(query.parameters(), expected);
  EXPECT_EQ(query.find("a"), "1");
  EXPECT_EQ(query.find("d"), "");
  EXPECT_EQ(query.find("z"), std::nullopt);
  EXPECT_TRUE(Query("/x").parameters().empty());
  EXPECT_TRUE(Query("/x?").parameters().empty());
  EXPECT_TRUE(Query("/x#a?b=c").parameters().empty());
}

}  // namespace
}  // namespace baton::web
