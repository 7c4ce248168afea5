#include "supervisor/backlog_watch.h"

#include <gtest/gtest.h>

namespace baton::supervisor {
namespace {

using namespace std::chrono_literals;

TEST(BacklogWatch, SeesABacklogFromWhichNobodyTakesAny) {
  BacklogWatch watch;
  Time now = 0s;
  for (unsigned waiting = 1; now < BacklogWatch::patience; now += 1s) {
    watch.seen(waiting++, now);
    EXPECT_FALSE(watch.stuck());
  }
  watch.seen(10, now);
  EXPECT_TRUE(watch.stuck());
  watch.seen(9, now + 1s);
  EXPECT_FALSE(watch.stuck()) << "somebody takes them";
}

TEST(BacklogWatch, SeesNothingInOneThatIsOnlyMuchUsed) {
  BacklogWatch watch;
  for (unsigned i = 0; i < 60; ++i) {
    watch.seen(90 + i % 4, Time(i * 1s));
    EXPECT_FALSE(watch.stuck());
  }
  watch.seen(0, 120s);
  watch.seen(0, 200s);
  EXPECT_FALSE(watch.stuck());
}

TEST(BacklogWatch, SeesAFullOneIntoWhichNobodyNewGets) {
  BacklogWatch watch;
  const net::Waiting those = {1, 2, 3};
  for (Time now = 0s; now < BacklogWatch::patience; now += 1s) {
    watch.seen_full(3, those, now);
    EXPECT_FALSE(watch.stuck());
  }
  watch.seen_full(3, net::Waiting{1, 3}, BacklogWatch::patience);
  EXPECT_TRUE(watch.stuck()) << "who has reset it still has the place";
  watch.seen_full(3, net::Waiting{1, 3, 4}, 6s);
  EXPECT_FALSE(watch.stuck()) << "somebody got a place";
}

TEST(BacklogWatch, SeesNothingInAFullOneThatIsServedOrOfWhichNothingIsKnown) {
  BacklogWatch watch;
  for (unsigned i = 0; i < 60; ++i) watch.seen_full(3, net::Waiting{i, i + 1, i + 2}, Time(i * 1s));
  EXPECT_FALSE(watch.stuck());
  for (unsigned i = 60; i < 120; ++i) watch.seen_full(3, std::nullopt, Time(i * 1s));
  EXPECT_FALSE(watch.stuck());
  watch.seen_full(3, net::Waiting{1, 2, 3}, 120s);
  watch.seen_full(2, net::Waiting{2, 3}, 126s);
  EXPECT_FALSE(watch.stuck()) << "it has become shorter, and is full still";
  watch.seen_full(2, net::Waiting{2, 3}, 127s);
  watch.seen(1, 133s);
  EXPECT_FALSE(watch.stuck()) << "it has become shorter";
}

}  // namespace
}  // namespace baton::supervisor
