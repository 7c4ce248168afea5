#include "spawn/patient_read_linux.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "baton/base/fd.h"
#include "support/folder.h"

namespace baton::spawner {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr ReadFor whom{ReadFor::Purpose::holder, 1};

TEST(ReadPatiently, ReadsWhatIsThere) {
  const auto text = read_patiently("/proc/self/environ", size_t{1} << 20, 10s, whom);
  ASSERT_TRUE(text) << text.error().what();
  EXPECT_TRUE(text->contains("PATH="));
  EXPECT_FALSE(read_patiently("/proc/self/no_such_file", 100, 10s, whom));
}

// A pipe that nobody has opened for writing holds who opens it, as a held process does.
TEST(ReadPatiently, WaitsNoLongerThanItIsToldAndOnlyOnceForOne) {
  const test::Folder folder;
  const std::string held = folder.path() + "/held";
  ASSERT_EQ(::mkfifo(held.c_str(), 0600), 0);
  const auto text = read_patiently(held, 100, 20ms, whom);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code(), std::errc::timed_out);
  const auto before = Clock::now();
  EXPECT_FALSE(read_patiently(held, 100, 1h, whom)) << "it was waited for in vain";
  EXPECT_LT(Clock::now() - before, 1h);
  // When it answers in the end, it is read again.
  const Fd writer(::open(held.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(writer.get(), "late", 4), 4);
}

TEST(ReadPatiently, FillsTheQuotaOfWhomItReadsForAndOfNobodyElse) {
  const test::Folder folder;
  const auto held = [&](size_t i) { return folder.path() + "/held" + std::to_string(i); };
  for (size_t i = 0; i <= ReadFor::most_held; ++i) ASSERT_EQ(::mkfifo(held(i).c_str(), 0600), 0);
  const ReadFor one{ReadFor::Purpose::tree, 1};
  for (size_t i = 0; i < ReadFor::most_held; ++i) EXPECT_FALSE(read_patiently(held(i), 100, 1ms, one));
  const auto refused = read_patiently("/proc/self/environ", 100, 1h, one);
  ASSERT_FALSE(refused) << "it may have no more threads";
  EXPECT_EQ(refused.error().code(), std::errc::timed_out);
  EXPECT_TRUE(read_patiently("/proc/self/environ", 100, 1h, {ReadFor::Purpose::tree, 2}));
  EXPECT_TRUE(read_patiently("/proc/self/auxv", 100, 1h, {ReadFor::Purpose::rights, 1}));
  for (size_t i = 0; i < ReadFor::most_held; ++i)
    const Fd writer(::open(held(i).c_str(), O_WRONLY | O_CLOEXEC));
}

TEST(ReadPatiently, ReadsManyByOneThreadUntilOneIsHeld) {
  const test::Folder folder;
  const std::string held = folder.path() + "/held";
  ASSERT_EQ(::mkfifo(held.c_str(), 0600), 0);
  const ReadFor one{ReadFor::Purpose::tree, 3};
  const std::vector<std::string> paths{"/proc/self/environ", held, "/proc/self/cmdline"};
  const auto first = read_each_patiently(paths, 100, 200ms, one);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_TRUE(first[0]);
  EXPECT_FALSE(first[1]);
  EXPECT_FALSE(first[2]) << "it stands behind";
  const auto second = read_each_patiently(paths, 100, 1h, one);
  EXPECT_TRUE(second[0]);
  EXPECT_FALSE(second[1]);
  EXPECT_TRUE(second[2]) << "it stands in nobody's way any more";
  const Fd writer(::open(held.c_str(), O_WRONLY | O_CLOEXEC));
}

}  // namespace
}  // namespace baton::spawner
