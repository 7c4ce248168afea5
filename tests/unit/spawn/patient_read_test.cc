#include "spawn/patient_read_linux.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "baton/base/fd.h"
#include "baton/spawn/child.h"
#include "spawn/process_table_linux.h"
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
  EXPECT_TRUE(read_patiently("/proc/self/auxv", 100, 1h, {ReadFor::Purpose::holder, 1}));
  for (size_t i = 0; i < ReadFor::most_held; ++i)
    const Fd writer(::open(held(i).c_str(), O_WRONLY | O_CLOEXEC));
}

TEST(ReadPatiently, ReadsManyByOneThreadAndOneMoreBehindWhoeverHoldsIt) {
  const test::Folder folder;
  const std::string held = folder.path() + "/held";
  ASSERT_EQ(::mkfifo(held.c_str(), 0600), 0);
  const ReadFor one{ReadFor::Purpose::tree, 3};
  const std::vector<std::string> paths{"/proc/self/environ", held, "/proc/self/cmdline"};
  for (const auto patience : {std::chrono::milliseconds(200), std::chrono::milliseconds(1h)}) {
    const auto texts = read_each_patiently(paths, 100, patience, one);
    ASSERT_EQ(texts.size(), 3U);
    EXPECT_TRUE(texts[0]);
    EXPECT_FALSE(texts[1]) << "the second time it is not waited for";
    EXPECT_TRUE(texts[2]);
  }
  const Fd writer(::open(held.c_str(), O_WRONLY | O_CLOEXEC));
}

// As with no memory for it.
TEST(ReadPatiently, GoesOnBehindATextThatCannotBeKept) {
  const std::vector<std::string> paths{"/proc/self/environ", "/proc/self/cmdline"};
  bool first = true;
  const auto keep = [&first](const std::string& text) {
    if (std::exchange(first, false)) throw std::bad_alloc();
    return std::to_string(text.size());
  };
  const auto texts = read_each_patiently(paths, 100, 1h, whom, keep);
  ASSERT_EQ(texts.size(), 2U);
  ASSERT_FALSE(texts[0]);
  EXPECT_EQ(texts[0].error().code(), std::errc::not_enough_memory);
  ASSERT_TRUE(texts[1]);
  EXPECT_GT(std::stoi(*texts[1]), 0) << "what is kept is not the text";
}

TEST(ReadPatiently, KeepsOfAnEnvironmentNothingButAValueThatIsShort) {
  Loop loop;
  Child child = spawn(loop, "/bin/sleep", {"1000"},
                      SpawnOptions()
                          .add_env("A_LARGE_ONE", std::string(100'000, 'x'))
                          .add_env("SHORT", std::string(longest_value, 's'))
                          .add_env("LONG", std::string(longest_value + 1, 'l'))
                          .add_env("EMPTY", ""));
  const auto process = find_process(child.pid());
  ASSERT_TRUE(process);
  EXPECT_EQ(environment_value(*process, "SHORT", whom), std::string(longest_value, 's'));
  EXPECT_EQ(environment_value(*process, "EMPTY", whom), "");
  EXPECT_EQ(environment_value(*process, "LONG", whom), std::nullopt);
  EXPECT_EQ(environment_value(*process, "SHOR", whom), std::nullopt);
  EXPECT_EQ(look_for_environment_value(*process, "EMPTY", whom).value(), "");
  EXPECT_EQ(look_for_environment_value(*process, "SHOR", whom).value(), std::nullopt);
  child.kill(SIGKILL);
  loop.run();
}

// As of a program that is just beginning.
TEST(ReadPatiently, SaysThatAnEmptyEnvironmentSaysNothing) {
  Loop loop;
  Child child = spawn(loop, "/bin/sleep", {"1000"}, SpawnOptions().env(Environment()));
  const auto process = find_process(child.pid());
  ASSERT_TRUE(process);
  const auto value = look_for_environment_value(*process, "PATH", whom);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code(), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(environment_value(*process, "PATH", whom), std::nullopt);
  child.kill(SIGKILL);
  loop.run();
}

}  // namespace
}  // namespace baton::spawner
