#include "wire/socket_counts.h"

#include <gtest/gtest.h>

#include <string>

namespace baton::wire {
namespace {

TEST(SocketCounts, TellsOnceWhenTheLastSocketOfAServerHasClosed) {
  SocketCounts counts;
  counts.opened("4:127.0.0.1:80");
  counts.opened("4:127.0.0.1:80");
  EXPECT_FALSE(counts.tell_when_closed("4:127.0.0.1:80"));
  EXPECT_FALSE(counts.closed("4:127.0.0.1:80"));
  EXPECT_TRUE(counts.closed("4:127.0.0.1:80"));
  EXPECT_FALSE(counts.closed("4:127.0.0.1:80"));
  EXPECT_EQ(counts.count("4:127.0.0.1:80"), 0U);
}

TEST(SocketCounts, AnswersNothingForAServerItNeverHeardOf) {
  SocketCounts counts;
  EXPECT_EQ(counts.count("4:127.0.0.1:80"), std::nullopt);
  EXPECT_FALSE(counts.tell_when_closed("4:127.0.0.1:80"));
}

TEST(SocketCounts, DoesNotGrowWithTheServersThatAPeerInvents) {
  SocketCounts counts;
  counts.opened("real");
  for (size_t i = 0; i < 3 * SocketCounts::most_servers; ++i) {
    const std::string key = std::to_string(i);
    counts.opened(key);
    (void)counts.closed(key);
  }
  EXPECT_LE(counts.servers(), SocketCounts::most_servers);
  EXPECT_EQ(counts.count("real"), 1U);
}

}  // namespace
}  // namespace baton::wire
