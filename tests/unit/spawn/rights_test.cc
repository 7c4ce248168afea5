#include "spawn/rights_linux.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

#include "baton/loop/loop.h"
#include "baton/spawn/child.h"
#include "support/folder.h"

namespace baton::spawner {
namespace {

constexpr const char* nobodys =
    "Name:\tUid:\nUid:\t65534\t65534\t65534\t65534\nGid:\t65533\t65533\t65533\t65533\nGroups:\t7 8 "
    "\nCapEff:\t0000000000000000\n";

class RightsOf : public testing::Test {
 protected:
  static Rights ours() { return Rights::of(::getpid()).value(); }
  static Rights theirs() { return Rights::parse(nobodys).value(); }
};

TEST_F(RightsOf, ThisProcessAreItsOwn) {
  EXPECT_EQ(ours().user(), ::geteuid());
  EXPECT_TRUE(ours().are_those_of(ours()));
}

TEST_F(RightsOf, AnotherUserAreOthers) {
  EXPECT_EQ(theirs().user(), 65534U);
  if (::geteuid() == 65534) GTEST_SKIP() << "this is that user";
  EXPECT_FALSE(theirs().are_those_of(ours()));
}

TEST_F(RightsOf, FewerCapabilitiesAreOthersToo) {
  const auto with = [](const std::string& mask) {
    return Rights::parse("\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nCapEff:\t" + mask + "\n").value();
  };
  EXPECT_TRUE(with("00000000000000ff").are_those_of(with("000000000000000f")));
  EXPECT_FALSE(with("000000000000000f").are_those_of(with("00000000000000ff")));
}

TEST_F(RightsOf, TwoAreThoseOfWhomMayDoLessIfOneMayDoAllThatTheOtherMay) {
  const auto rights = [](const std::string& user, const std::string& groups, const std::string& mask) {
    const std::string ids = user + "\t" + user + "\t" + user + "\t" + user;
    return Rights::parse("\nUid:\t" + ids + "\nGid:\t5\t5\t5\t5\nGroups:\t" + groups + "\nCapEff:\t" + mask +
                         "\n")
        .value();
  };
  const std::string none = "0000000000000000";
  const Rights root = rights("0", "", "000001ffffffffff");
  const Rights user = rights("1000", "6 7", none);
  for (const auto& [more, less] : {std::pair(root, user), std::pair(user, rights("1000", "7", none)),
                                   std::pair(root, rights("0", "", none)), std::pair(user, user)}) {
    for (const auto& both : {more.fewer(less), less.fewer(more)}) {
      ASSERT_TRUE(both);
      EXPECT_TRUE(both->are_those_of(less) && less.are_those_of(*both));
    }
  }
  EXPECT_FALSE(user.fewer(rights("1001", "6 7", none)));
  EXPECT_FALSE(user.fewer(rights("1000", "8", none)));
  EXPECT_FALSE(user.fewer(rights("0", "6 7", none))) << "root without its capabilities is a user as others";
}

TEST_F(RightsOf, AProcessInANetworkOrATreeOfItsOwnAreNotForOurs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root makes them";
  EXPECT_TRUE(ours().are_for_our_network() && ours().are_for_our_files());
  const auto of_one_that = [](const std::function<bool()>& leaves) {
    int there[2];
    EXPECT_EQ(::pipe(there), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      (void)::write(there[1], leaves() ? "1" : "0", 1);
      for (;;) ::pause();
    }
    char done = '0';
    EXPECT_EQ(::read(there[0], &done, 1), 1);
    const auto rights = Rights::of(child);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (const int end : there) ::close(end);
    return done == '1' ? std::optional(rights.value()) : std::nullopt;
  };
  const auto rooted = of_one_that([] { return ::chroot("/tmp") == 0; });
  ASSERT_TRUE(rooted);
  EXPECT_TRUE(rooted->are_for_our_network() && !rooted->are_for_our_files());
  EXPECT_FALSE(ours().fewer(*rooted)->are_for_our_files());
  EXPECT_FALSE(rooted->fewer(ours())->are_for_our_files());
  const auto networked = of_one_that([] { return ::unshare(CLONE_NEWNET) == 0; });
  const auto mounted = of_one_that([] { return ::unshare(CLONE_NEWNS) == 0; });
  if (!networked || !mounted) GTEST_SKIP() << "nobody makes namespaces here";
  EXPECT_TRUE(!networked->are_for_our_network() && networked->are_for_our_files());
  EXPECT_TRUE(mounted->are_for_our_network() && !mounted->are_for_our_files());
}

TEST_F(RightsOf, AProcessThatIsNotThereAreAnError) {
  EXPECT_FALSE(Rights::of(0x7fffffff));
  for (const char* text : {"", "Uid:\t0\n", "\nUid:\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nCapEff:\t0\n"}) {
    EXPECT_FALSE(Rights::parse(text)) << text;
  }
}

// A worker that starts sudo, su or the like and stops them there would have the primary do with root's rights
// what it asks.
TEST_F(RightsOf, AProcessOnItsWayFromOneUserToAnotherAreNotKnown) {
  for (const char* ids : {"65534\t0\t0\t0", "65534\t65534\t0\t65534", "0\t0\t0\t65534"}) {
    const std::string status = std::string("\nUid:\t") + ids + "\nGid:\t0\t0\t0\t0\nGroups:\t\nCapEff:\t0\n";
    EXPECT_FALSE(Rights::parse(status)) << ids;
  }
}

// Its file has the bit, so it is root whoever starts it: what it waits for is nobody's ask.
TEST_F(RightsOf, AProcessThatHasThemFromItsFileAreNotKnown) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root makes such a file";
  const baton::test::Folder folder;
  ::chmod(folder.path().c_str(), 0755);
  const std::string file = folder / "cat";
  std::filesystem::copy_file("/bin/cat", file);
  ::chmod(file.c_str(), 04755);
  Loop loop;
  auto child = spawn(loop, file, {}, SpawnOptions().uid(65534).gid(65534));
  const auto rights = Rights::of(child.pid());
  EXPECT_FALSE(rights);
  child.kill(SIGKILL);
  loop.run();
}

TEST_F(RightsOf, AnotherAreTakenOnForOneCallAndNoLonger) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root takes on the rights of others";
  const baton::test::Folder folder;  // of root's, mode 0700
  std::ofstream(folder / "file") << "secret";
  const int dumpable = ::prctl(PR_GET_DUMPABLE);
  const auto reads = [&]() -> Result<void> {
    if (std::ifstream(folder / "file")) return {};
    return failure(EACCES, "read");
  };
  EXPECT_TRUE(reads());
  EXPECT_FALSE(theirs().to_files(reads));
  EXPECT_TRUE(reads());
  EXPECT_TRUE(ours().are_those_of(ours()));
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), dumpable);
  long user = 0;
  long group = 0;
  ASSERT_TRUE(theirs().to_files([&]() -> Result<void> {
    user = ::syscall(SYS_setfsuid, -1);
    group = ::syscall(SYS_setfsgid, -1);
    return {};
  }));
  EXPECT_EQ(user, 65534);
  EXPECT_EQ(group, 65533);
}

TEST_F(RightsOf, AnotherAreNotTakenOnWithoutTheRightToDoSo) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may";
  EXPECT_FALSE(theirs().to_files([]() -> Result<void> { return {}; }));
}

TEST_F(RightsOf, AnotherLetAnExceptionThrough) {
  EXPECT_THROW((void)ours().to_ports([]() -> Result<void> { throw std::runtime_error("within"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace baton::spawner
