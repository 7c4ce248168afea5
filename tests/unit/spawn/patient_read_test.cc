#include "spawn/patient_read_linux.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "baton/base/fd.h"
#include "support/folder.h"

namespace baton::spawner {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(ReadPatiently, ReadsWhatIsThere) {
  const auto text = read_patiently("/proc/self/environ", size_t{1} << 20, 10s);
  ASSERT_TRUE(text) << text.error().what();
  EXPECT_TRUE(text->contains("PATH="));
  EXPECT_FALSE(read_patiently("/proc/self/no_such_file", 100, 10s));
}

// A pipe that nobody has opened for writing holds who opens it, as a held process does.
TEST(ReadPatiently, WaitsNoLongerThanItIsToldAndOnlyOnceForOne) {
  const test::Folder folder;
  const std::string held = folder.path() + "/held";
  ASSERT_EQ(::mkfifo(held.c_str(), 0600), 0);
  const auto text = read_patiently(held, 100, 20ms);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code(), std::errc::timed_out);
  const auto before = Clock::now();
  EXPECT_FALSE(read_patiently(held, 100, 1h)) << "it was waited for in vain";
  EXPECT_LT(Clock::now() - before, 1h);
  // When it answers in the end, it is read again.
  const Fd writer(::open(held.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(writer.get(), "late", 4), 4);
}

}  // namespace
}  // namespace baton::spawner
