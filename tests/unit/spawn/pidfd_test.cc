#include "spawn/pidfd_linux.h"

#include <poll.h>
#include <signal.h>

#include "support.h"

namespace baton::spawner::test {
namespace {

bool ends(const Fd& pidfd) {
  pollfd one{pidfd.get(), POLLIN, 0};
  return ::poll(&one, 1, 30'000) == 1;
}

TEST(Pidfd, IsReadableWhenTheChildEndsAndGivesItsStatusOnce) {
  Pipe gate;
  auto plan = shell("read line; exit 5");
  plan.descriptors = {{gate.read.get(), 0}};
  auto child = launch(plan);
  ASSERT_TRUE(child) << child.error().what();
  EXPECT_FALSE(try_wait(child->pidfd.get()));
  gate.write.reset();
  ASSERT_TRUE(ends(child->pidfd));
  auto status = try_wait(child->pidfd.get());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code(), 5);
  EXPECT_FALSE(status->signal());
  EXPECT_GT(status->usage().peak_memory(), 0U);
  EXPECT_EQ(try_wait(child->pidfd.get())->describe(), "unknown exit status");
}

TEST(Pidfd, KillsTheChildAndNoOtherAfterItsEnd) {
  Pipe gate;
  auto plan = shell("read line");
  plan.descriptors = {{gate.read.get(), 0}};
  auto child = launch(plan);
  ASSERT_TRUE(child) << child.error().what();
  EXPECT_TRUE(send_signal(child->pidfd.get(), 0).value());
  EXPECT_TRUE(send_signal(child->pidfd.get(), SIGKILL).value());
  ASSERT_TRUE(ends(child->pidfd));
  EXPECT_EQ(try_wait(child->pidfd.get())->signal(), SIGKILL);
  EXPECT_FALSE(send_signal(child->pidfd.get(), SIGKILL).value());
}

TEST(Pidfd, RefusesANumberThatIsNoSignal) {
  auto child = launch(make_plan("/bin/true", {}, {}));
  ASSERT_TRUE(child) << child.error().what();
  EXPECT_STREQ(send_signal(child->pidfd.get(), 1000).error().what(), "kill: signal 1000: invalid argument");
  EXPECT_TRUE(wait(child->pidfd.get()).success());
}

TEST(Pidfd, SaysThatAStatusWasCollectedElsewhere) {
  struct sigaction ignore{}, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGCHLD, &ignore, &before);
  auto child = launch(make_plan("/bin/true", {}, {}));
  ASSERT_TRUE(child) << child.error().what();
  ASSERT_TRUE(ends(child->pidfd));
  const ExitStatus status = wait(child->pidfd.get());
  ::sigaction(SIGCHLD, &before, nullptr);
  EXPECT_FALSE(status.code());
  EXPECT_FALSE(status.signal());
  EXPECT_FALSE(status.success());
}

TEST(ExitStatus, DescribesItself) {
  EXPECT_EQ(run(shell("exit 300")).status.describe(), "exit code 44");
  EXPECT_EQ(run(shell("kill -TERM $$")).status.describe(), "killed by SIGTERM");
  EXPECT_EQ(ExitStatus::killed(SIGSEGV, true).describe(), "killed by SIGSEGV (core dumped)");
  EXPECT_EQ(ExitStatus().describe(), "unknown exit status");
}

TEST(ExitStatus, CountsWhatTheChildUsed) {
  const auto usage = run(shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")).status.usage();
  EXPECT_GT((usage.user_time() + usage.system_time()).count(), 0);
  EXPECT_GT(usage.peak_memory(), 100'000U);
}

TEST(SignalNames, GoBothWays) {
  for (int number = 1; number < 32; ++number) EXPECT_EQ(signal_number(signal_name(number)), number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number)
    EXPECT_EQ(signal_number(signal_name(number)), number);
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGABRT), "SIGABRT");
  EXPECT_EQ(signal_name(0), "signal 0");
  EXPECT_EQ(signal_name(-1), "signal -1");
}

TEST(SignalNames, AreReadAsPeopleWriteThem) {
  for (const char* name : {"SIGTERM", "TERM", "15", "sigterm", "Term"})
    EXPECT_EQ(signal_number(name), SIGTERM) << name;
  EXPECT_EQ(signal_number("SIGRTMIN+2"), SIGRTMIN + 2);
  EXPECT_EQ(signal_number("rtmax-1"), SIGRTMAX - 1);
  for (const char* name :
       {"", "SIG", "0", "-1", "65", "15x", "SIGNOPE", "RTMIN+", "RTMIN-1", "RTMIN+99", "RTMIN+-1"}) {
    EXPECT_FALSE(signal_number(name)) << name;
  }
}

TEST(Environment, LetsTheLaterSettingWin) {
  const auto options = SpawnOptions().add_env("A", "1").add_env("A", "2").add_env("B", "1").remove_env("B");
  const Environment environment = options.environment();
  EXPECT_EQ(environment.get("A"), "2");
  EXPECT_EQ(environment.get("B"), std::nullopt);
  EXPECT_EQ(environment.get("PATH"), std::string_view(::getenv("PATH")));
}

TEST(Environment, AppliesChangesOnTopOfAReplacementWhateverTheirOrder) {
  const auto options = SpawnOptions().add_env("A", "2").env(Environment().set("A", "1").set("C", "3"));
  EXPECT_EQ(options.environment().get("A"), "2");
  EXPECT_EQ(options.environment().variables().size(), 2U);
}

TEST(Environment, TakesTheFirstOfTwoEntriesForAKey) {
  char one[] = "K=first", two[] = "K=second", odd[] = "odd", empty[] = "=x";
  char* entries[] = {one, odd, two, empty, nullptr};
  char** before = environ;
  environ = entries;
  const Environment environment = Environment::current();
  environ = before;
  ASSERT_EQ(environment.variables().size(), 1U);
  EXPECT_EQ(environment.get("K"), "first");
}

}  // namespace
}  // namespace baton::spawner::test
