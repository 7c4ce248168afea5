#include "spawn/rights_linux.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

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
