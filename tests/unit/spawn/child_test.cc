#include "baton/spawn/child.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <optional>
#include <stdexcept>

#include "spawn/abandoned.h"
#include "support/leak_check.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using namespace std::chrono_literals;

class ChildTest : public test::LeakFree {
 protected:
  Child shell(const std::string& script, const SpawnOptions& options = SpawnOptions()) {
    return spawn(loop_, "/bin/sh", {"-c", script}, options);
  }
  /// Collects what the child writes to its standard output.
  static void collect(Child& child, std::string& text) {
    child.stdout_stream().on_data([&text](std::string_view bytes) { text += bytes; });
  }
  /// Calls back when the child has written a line of its own choice, so that it is known to be so far.
  static void when_it_speaks(Child& child, Callback callback) {
    child.stdout_stream().on_data([callback = std::move(callback)](std::string_view) mutable { callback(); });
  }

  Loop loop_;
};

TEST_F(ChildTest, GivesItsOutputAndItsExitCode) {
  std::string text;
  std::vector<std::string> order;
  auto child = shell("echo hello; exit 3");
  EXPECT_GT(child.pid(), 0);
  EXPECT_FALSE(child.status());
  collect(child, text);
  child.on_exit([&](const ExitStatus& status) {
    order.emplace_back("exit");
    EXPECT_EQ(status.code(), 3);
  });
  child.on_close([&](const ExitStatus& status) {
    order.emplace_back("close");
    EXPECT_EQ(status.code(), 3);
    EXPECT_EQ(text, "hello\n");
  });
  loop_.run();
  EXPECT_EQ(order, (std::vector<std::string>{"exit", "close"}));
  EXPECT_EQ(child.status()->code(), 3);
}

TEST_F(ChildTest, ExitsBeforeItClosesWhenADescendantHoldsItsOutput) {
  std::vector<std::string> order;
  auto child = shell("cat <&3 & exit 3", SpawnOptions().stdio(3, Stdio::pipe()));
  child.stdout_stream().on_data([&](std::string_view bytes) { order.emplace_back(bytes); });
  child.on_exit([&](const ExitStatus&) {
    order.emplace_back("exit");
    child.stream(3).end("late");
  });
  child.on_close([&](const ExitStatus&) { order.emplace_back("close"); });
  loop_.run();
  EXPECT_EQ(order, (std::vector<std::string>{"exit", "late", "close"}));
}

TEST_F(ChildTest, DoesNotWaitForOutputThatNobodyReadsBeforeItCloses) {
  auto child = shell("echo unread");
  std::string text;
  bool closed = false;
  child.on_close([&](const ExitStatus&) {
    closed = true;
    // It is still there for who reads now.
    collect(child, text);
  });
  loop_.run();
  EXPECT_TRUE(closed);
  EXPECT_EQ(text, "unread\n");
}

TEST_F(ChildTest, WaitsForAReaderThatPaused) {
  auto child = shell("echo text");
  std::string text;
  std::vector<std::string> order;
  collect(child, text);
  child.stdout_stream().pause();
  child.on_exit([&](const ExitStatus&) {
    loop_.defer([&] {
      order.emplace_back("resume");
      child.stdout_stream().resume();
    });
  });
  child.on_close([&](const ExitStatus&) { order.push_back(text); });
  loop_.run();
  EXPECT_EQ(order, (std::vector<std::string>{"resume", "text\n"}));
}

TEST_F(ChildTest, ClosesAfterItsStreamsAlsoWhenTheirEndIsWatched) {
  std::vector<std::string> order;
  auto child = shell("exec 1>&- 2>&-; read line");
  child.stdout_stream().on_end([&] {
    order.emplace_back("end");
    child.stdin_stream().end("line\n");
  });
  child.stdout_stream().on_close([&] { order.emplace_back("stream closed"); });
  child.on_close([&](const ExitStatus&) { order.emplace_back("close"); });
  loop_.run();
  EXPECT_EQ(order, (std::vector<std::string>{"end", "stream closed", "close"}));
}

TEST_F(ChildTest, LosesNoByteOfALargeInputToASlowReader) {
  std::string sent(size_t{4} << 20, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 % 251);
  std::string received;
  auto child = spawn(loop_, "cat");
  collect(child, received);
  size_t offset = 0;
  bool was_slowed = false;
  const auto pump = [&] {
    while (offset < sent.size()) {
      const auto piece = std::string_view(sent).substr(offset, 50'000);
      offset += piece.size();
      if (!child.stdin_stream().write(piece)) {
        was_slowed = true;
        return;
      }
    }
    child.stdin_stream().end();
  };
  child.stdin_stream().on_drain(pump);
  pump();
  loop_.run();
  EXPECT_TRUE(was_slowed);
  EXPECT_TRUE(received == sent) << received.size();
  EXPECT_TRUE(child.status()->success());
}

TEST_F(ChildTest, TakesItsDirectoryItsEnvironmentAndItsName) {
  const spawner::test::Folder folder;
  std::string text;
  auto child =
      shell("pwd; echo $COLOUR; echo $0; echo ${SHADE-none}",
            SpawnOptions().cwd(folder.path()).add_env("COLOUR", "green").remove_env("SHADE").arg0("painter"));
  collect(child, text);
  loop_.run();
  EXPECT_EQ(text, folder.path() + "\ngreen\npainter\nnone\n");
}

TEST_F(ChildTest, GetsTheDescriptorsThatWereNamedAndNoOther) {
  spawner::test::Pipe borrowed, owned;
  Fd leaked(::fcntl(borrowed.write.get(), F_DUPFD, 20));
  std::string text;
  {
    auto child = shell("echo borrowed >&5; echo owned >&6; " + spawner::test::list_descriptors,
                       SpawnOptions()
                           .stdio(0, Stdio::ignore())
                           .pass(borrowed.write.get(), 5)
                           .pass(std::move(owned.write), 6));
    collect(child, text);
    loop_.run();
  }
  EXPECT_EQ(text, "0 1 2 5 6 ");
  EXPECT_TRUE(borrowed.write);
  leaked.reset();
  borrowed.write.reset();
  EXPECT_EQ(spawner::test::read_all(borrowed.read), "borrowed\n");
  EXPECT_EQ(spawner::test::read_all(owned.read), "owned\n");
}

TEST_F(ChildTest, SharesWhatItInherits) {
  spawner::test::Pipe pipe;
  const std::string number = std::to_string(pipe.write.get());
  auto child =
      shell("echo shared >/proc/self/fd/" + number, SpawnOptions().stdio(pipe.write.get(), Stdio::inherit()));
  loop_.run();
  EXPECT_TRUE(child.status()->success());
  pipe.write.reset();
  EXPECT_EQ(spawner::test::read_all(pipe.read), "shared\n");
}

TEST_F(ChildTest, FindsNothingInheritedWhereThisProcessHasNothing) {
  int unused = 0;
  {
    unused = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
  }
  std::string text;
  auto child = shell("readlink /proc/self/fd/" + std::to_string(unused),
                     SpawnOptions().stdio(unused, Stdio::inherit()));
  collect(child, text);
  loop_.run();
  EXPECT_EQ(text, "/dev/null\n");
}

TEST_F(ChildTest, TalksBothWaysOverAnExtraPipe) {
  std::string text;
  auto child = shell("read line <&3; echo got $line >&3", SpawnOptions().stdio(3, Stdio::pipe()));
  child.stream(3).on_data([&](std::string_view bytes) { text += bytes; });
  child.stream(3).write("this\n");
  loop_.run();
  EXPECT_EQ(text, "got this\n");
}

TEST_F(ChildTest, IsKilledBySignalsUntilItHasEnded) {
  auto child = spawn(loop_, "cat");
  EXPECT_TRUE(child.kill(0));
  EXPECT_FALSE(child.killed());
  EXPECT_TRUE(child.kill());
  EXPECT_TRUE(child.killed());
  bool told = false;
  child.on_exit([&](const ExitStatus& status) {
    told = true;
    EXPECT_EQ(status.signal(), SIGTERM);
    EXPECT_FALSE(child.kill());
    EXPECT_FALSE(child.kill(0));
  });
  loop_.run();
  EXPECT_TRUE(told);
  EXPECT_FALSE(child.kill(SIGKILL));
}

TEST_F(ChildTest, IsSentTheKillSignalWhenItsTimeIsUp) {
  auto by_default = spawn(loop_, "cat", {}, SpawnOptions().timeout(1ms));
  auto by_choice = spawn(loop_, "cat", {}, SpawnOptions().timeout(1ms).kill_signal(SIGKILL));
  auto in_time = spawn(loop_, "true", {}, SpawnOptions().timeout(1h));
  loop_.run();
  EXPECT_EQ(by_default.status()->signal(), SIGTERM);
  EXPECT_TRUE(by_default.timed_out());
  EXPECT_TRUE(by_default.killed());
  EXPECT_EQ(by_choice.status()->signal(), SIGKILL);
  EXPECT_TRUE(in_time.status()->success());
  EXPECT_FALSE(in_time.timed_out());
}

TEST_F(ChildTest, IsKilledWhenItDoesNotStopWithinTheGrace) {
  auto child = shell("trap '' TERM; echo ready; exec sleep 1000");
  when_it_speaks(child, [&] { child.stop(1ms); });
  loop_.run();
  EXPECT_EQ(child.status()->signal(), SIGKILL);
}

TEST_F(ChildTest, IsStoppedInTheBackgroundWhenDestroyed) {
  std::optional<Child> child(spawn(loop_, "sleep", {"1000"}));
  auto exited = child->exited();
  std::optional<ExitStatus> status;
  std::move(exited).then([&](Result<ExitStatus> result) { status = *result; });
  child->on_exit([](const ExitStatus&) { ADD_FAILURE() << "a callback of a destroyed child"; });
  child.reset();
  loop_.run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->signal(), SIGTERM);
}

TEST_F(ChildTest, IsKilledInTheBackgroundWhenItIgnoresItsStop) {
  std::optional<Child> child(shell("trap '' TERM; echo ready; exec sleep 1000", SpawnOptions().grace(1ms)));
  std::optional<ExitStatus> status;
  child->exited().then([&](Result<ExitStatus> result) { status = *result; });
  when_it_speaks(*child, [&] { child.reset(); });
  loop_.run();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->signal(), SIGKILL);
}

TEST_F(ChildTest, IsKilledAndCollectedLaterWhenItsLoopIsDestroyed) {
  pid_t pid = 0;
  {
    Loop short_lived;
    pid = spawn(short_lived, "sleep", {"1000"}).pid();
  }
  test::wait_until_ended(pid);
  spawner::reap_abandoned();
}

TEST_F(ChildTest, LivesOnWhenDetached) {
  spawner::test::Pipe life;
  pid_t pid = 0;
  {
    Loop short_lived;
    auto child = spawn(short_lived, "cat", {}, SpawnOptions().pass(life.read.get(), 0));
    pid = child.pid();
    child.detach();
    child = Child();
    short_lived.run();
  }
  EXPECT_EQ(::kill(pid, 0), 0);
  spawner::reap_abandoned();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT), 0);
  EXPECT_EQ(info.si_pid, 0) << "it has ended";
  life.write.reset();
  test::wait_until_ended(pid);
  spawner::reap_abandoned();
}

TEST_F(ChildTest, DoesNotKeepTheLoopWhenUnreferenced) {
  auto child = spawn(loop_, "cat");
  child.unref();
  loop_.run();
  EXPECT_FALSE(child.status());
  child.ref();
  child.stdin_stream().end();
  loop_.run();
  EXPECT_TRUE(child.status()->success());
}

TEST_F(ChildTest, TellsOfItsEndToWhoAsksAfterIt) {
  auto child = spawn(loop_, "true");
  loop_.run();
  bool told = false;
  child.exited().then([&](Result<ExitStatus> result) { told = result->success(); });
  EXPECT_FALSE(told);
  loop_.run();
  EXPECT_TRUE(told);
}

TEST_F(ChildTest, MayBeDestroyedByItsCallbacks) {
  std::optional<Child> by_exit(spawn(loop_, "true"));
  by_exit->on_exit([&](const ExitStatus&) { by_exit.reset(); });
  by_exit->on_close([](const ExitStatus&) { ADD_FAILURE() << "closed after it was destroyed"; });
  std::optional<Child> by_close(shell("echo text"));
  by_close->on_close([&](const ExitStatus&) { by_close.reset(); });
  std::optional<Child> by_data(shell("echo text; exec cat"));
  when_it_speaks(*by_data, [&] { by_data.reset(); });
  loop_.run();
  EXPECT_FALSE(by_exit || by_close || by_data);
}

TEST_F(ChildTest, ComesInHundredsAtOnce) {
  std::vector<Child> children;
  std::vector<std::string> texts(200);
  int ended = 0;
  for (int i = 0; i < 200; ++i) {
    children.push_back(shell("echo " + std::to_string(i) + "; exit " + std::to_string(i),
                             SpawnOptions().stdio(0, Stdio::ignore()).stdio(2, Stdio::ignore())));
    collect(children.back(), texts[i]);
    children.back().on_close([&, i](const ExitStatus& status) {
      ++ended;
      EXPECT_EQ(status.code(), i);
      EXPECT_EQ(texts[i], std::to_string(i) + "\n");
    });
  }
  loop_.run();
  EXPECT_EQ(ended, 200);
}

TEST_F(ChildTest, SaysWhatWentWrongWhenItCannotStart) {
  const auto failure = [&](const std::string& file, const SpawnOptions& options) -> std::string {
    try {
      (void)spawn(loop_, file, {}, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no failure";
  };
  EXPECT_EQ(
      failure("no-such-command", SpawnOptions().add_env("PATH", "/nowhere")),
      "spawn no-such-command: execve no-such-command (searched in /nowhere): no such file or directory");
  EXPECT_EQ(failure("true", SpawnOptions().cwd("/nowhere")),
            "spawn true: chdir /nowhere: no such file or directory");
  EXPECT_EQ(failure("true", SpawnOptions().pass(999, 3)),
            "spawn true: dup 999 as descriptor 3: bad file descriptor");
  EXPECT_EQ(failure("/", SpawnOptions()), "spawn /: execve /: permission denied");
}

TEST_F(ChildTest, LeavesNothingBehindWhereverItsStartIsCutShort) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
  int failed = 0;
  bool started = false;
  for (rlim_t room = 0; room < 20 && !started; ++room) {
    const rlimit limit{static_cast<rlim_t>(next) + room, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    try {
      auto child = spawn(loop_, "true", {}, SpawnOptions().stdio(3, Stdio::ignore()));
      ::setrlimit(RLIMIT_NOFILE, &before);
      started = true;
      loop_.run();
    } catch (const Error& error) {
      ::setrlimit(RLIMIT_NOFILE, &before);
      EXPECT_EQ(error.code(), std::errc::too_many_files_open) << error.what();
      EXPECT_EQ(error.operation(), "spawn true");
      ++failed;
    }
    loop_.run();
  }
  EXPECT_TRUE(started);
  EXPECT_GE(failed, 6);
}

TEST_F(ChildTest, RefusesMisuse) {
  Child none;
  EXPECT_FALSE(none);
  EXPECT_THROW((void)none.pid(), std::logic_error);
  EXPECT_THROW(none.kill(), std::logic_error);
  EXPECT_THROW(SpawnOptions().stdio(-1, Stdio::pipe()), std::logic_error);
  EXPECT_THROW(SpawnOptions().kill_signal(0), std::logic_error);
  auto child = spawn(loop_, "true", {}, SpawnOptions().stdio(Stdio::ignore()));
  EXPECT_FALSE(child.piped(1));
  EXPECT_THROW((void)child.stdout_stream(), std::logic_error);
  EXPECT_THROW(child.kill(1000), std::logic_error);
  loop_.run();
}

}  // namespace
}  // namespace baton
