#include "supervisor/backlog_watch.h"

#include <gtest/gtest.h>

namespace baton::supervisor {
namespace {

using namespace std::chrono_literals;

TEST(BacklogWatch, SeesABacklogFromWhichNobodyTakesAny) {
  BacklogWatch watch;
  Time now = 0s;
  for (unsigned waiting = 1; now < BacklogWatch::patience; now += 1s) {
    watch.seen(waiting++, false, now);
    EXPECT_FALSE(watch.stuck());
  }
  watch.seen(10, false, now);
  EXPECT_TRUE(watch.stuck());
  watch.seen(9, false, now + 1s);
  EXPECT_FALSE(watch.stuck()) << "somebody takes them";
}

TEST(BacklogWatch, SeesNothingInOneThatIsOnlyMuchUsed) {
  BacklogWatch watch;
  for (unsigned i = 0; i < 60; ++i) {
    watch.seen(90 + i % 4, false, Time(i * 1s));
    EXPECT_FALSE(watch.stuck());
  }
  for (unsigned i = 60; i < 120; ++i) watch.seen(4097, true, Time(i * 1s));
  EXPECT_FALSE(watch.stuck()) << "it is full, and may be served all the same";
  watch.seen(0, false, 120s);
  watch.seen(0, false, 200s);
  EXPECT_FALSE(watch.stuck());
}

}  // namespace
}  // namespace baton::supervisor
