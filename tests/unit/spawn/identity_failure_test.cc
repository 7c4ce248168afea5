// A change of the user or group that fails, or that the kernel only says to have made: the program never
// begins. Each in a process of its own that is root and whose system calls are refused.

#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>

#include "support/refuse_call.h"
#include "unit/spawn/support.h"

namespace baton::spawner::test {
namespace {

const SpawnOptions other_user = SpawnOptions().uid(65534).gid(65533);

class IdentityFailure : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  /// What a launch says whose system call `number` is answered with `error` instead of being made.
  static std::string failure_without(long number, int error, const SpawnOptions& options = other_user) {
    Pipe told;
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (!baton::test::refuse_call(number, error)) ::_exit(99);
      const Folder folder;
      ::chmod(folder.path().c_str(), 0777);
      const std::string trace = folder.path() + "/it-began";
      std::string said = failure_of(make_plan("/bin/sh", {"-c", "echo >" + trace}, options));
      if (::access(trace.c_str(), F_OK) == 0) said += " (and the program began)";
      if (::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD) said += " (and a child is left)";
      (void)!::write(told.write.get(), said.data(), said.size());
      std::filesystem::remove_all(folder.path());
      ::_exit(0);
    }
    told.write.reset();
    std::string said = read_all(told.read);
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    return said;
  }
};

TEST_F(IdentityFailure, OfTheSupplementaryGroupsIsTold) {
  EXPECT_EQ(failure_without(SYS_setgroups, EPERM), "spawn /bin/sh: setgroups: operation not permitted");
  EXPECT_EQ(failure_without(SYS_setgroups, ENOMEM), "spawn /bin/sh: setgroups: cannot allocate memory");
}

TEST_F(IdentityFailure, OfTheGroupIsTold) {
  EXPECT_EQ(failure_without(SYS_setresgid, EPERM), "spawn /bin/sh: setresgid 65533: operation not permitted");
}

// As for a user with too many processes.
TEST_F(IdentityFailure, OfTheUserIsTold) {
  EXPECT_EQ(failure_without(SYS_setresuid, EAGAIN),
            "spawn /bin/sh: setresuid 65534: resource temporarily unavailable");
}

TEST_F(IdentityFailure, GroupsThatWereNotSetAreFoundOut) {
  EXPECT_EQ(failure_without(SYS_setgroups, 0, SpawnOptions().uid(65534).gid(65533).groups({7, 9})),
            "spawn /bin/sh: verify the supplementary groups: operation not permitted");
}

TEST_F(IdentityFailure, GroupsThatCannotBeReadAreNotTrusted) {
  EXPECT_EQ(failure_without(SYS_getgroups, EPERM),
            "spawn /bin/sh: verify the supplementary groups: operation not permitted");
}

TEST_F(IdentityFailure, AGroupOrUserThatWasNotSetIsFoundOut) {
  for (const long call : {SYS_setresgid, SYS_setresuid}) {
    EXPECT_EQ(failure_without(call, 0),
              "spawn /bin/sh: verify the user and group ids: operation not permitted");
  }
}

TEST_F(IdentityFailure, AWayBackToRootIsFoundOut) {
  EXPECT_EQ(failure_without(SYS_setuid, 0),
            "spawn /bin/sh: verify the user and group ids: operation not permitted");
}

}  // namespace
}  // namespace baton::spawner::test
