#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "baton/supervisor/snapshot.h"
#include "spawn/proc_file_linux.h"
#include "supervisor/memory_watch.h"

namespace baton::supervisor {

using spawner::labelled_number;
namespace {

using namespace std::chrono_literals;

TEST(Usage, TellsWhatTheKernelKnowsOfAProcess) {
  const Usage usage = Usage::of(::getpid(), 3);
  EXPECT_EQ(usage.slot(), 3U);
  EXPECT_EQ(usage.pid(), ::getpid());
  EXPECT_TRUE(usage.cpu());
  EXPECT_GT(usage.rss().value_or(0), size_t{1} << 20);
  EXPECT_GT(usage.pss().value_or(0), 0U);
  EXPECT_LE(usage.pss().value_or(0), usage.rss().value_or(0));
  EXPECT_GT(usage.virtual_memory().value_or(0), usage.rss().value_or(0));
  EXPECT_GE(usage.open_fds().value_or(0), 3U);
  EXPECT_GE(usage.max_fds().value_or(0), usage.open_fds().value_or(0));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_LT(now - usage.start_time().value_or(0ns), 10min);
}

TEST(Usage, IsEmptyForAProcessThatIsNone) {
  const Usage usage = Usage::of(0x7ffffff0);
  EXPECT_FALSE(usage.cpu());
  EXPECT_FALSE(usage.rss());
  EXPECT_FALSE(usage.open_fds());
  EXPECT_FALSE(Usage::brief(0x7ffffff0).rss());
}

TEST(Usage, MeasuresResidentMemoryCheaplyToo) {
  std::vector<char> used(size_t{8} << 20, 'x');
  EXPECT_GT(Usage::brief(::getpid()).rss().value_or(0), used.size());
}

TEST(MemoryWatch, HasPatienceWithPeaks) {
  MemoryWatch watch;
  EXPECT_FALSE(watch.measured(200, 100, 0s));
  EXPECT_FALSE(watch.measured(200, 100, 4s));
  EXPECT_FALSE(watch.measured(100, 100, 5s));
  EXPECT_FALSE(watch.measured(101, 100, 6s));
  EXPECT_FALSE(watch.measured(101, 100, 10s));
  EXPECT_TRUE(watch.measured(101, 100, 11s));
  EXPECT_FALSE(watch.measured(101, 100, 12s)) << "its successor may be on the way";
  EXPECT_TRUE(watch.measured(101, 100, 16s));
}

TEST(ProcFile, FindsTheNumberBehindALabel) {
  const std::string text = "Rss:                4096 kB\nPss_Dirty:  7 kB\nPss:\t 12 kB\n";
  EXPECT_EQ(labelled_number(text, "Rss"), 4096U);
  EXPECT_EQ(labelled_number(text, "Pss"), 12U);
  EXPECT_EQ(labelled_number(text, "Swap"), std::nullopt);
  EXPECT_EQ(labelled_number("Pss:", "Pss"), std::nullopt);
}

}  // namespace
}  // namespace baton::supervisor
