// What is left of a child that has ended, and of a parent whose callbacks throw.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "support/leak_check.h"

namespace baton {
namespace {

class EndedChild : public test::LeakFree {
 protected:
  static void SetUpTestSuite() { const Loop first; }

  template <class F>
  static int run_parent(F parent) {
    std::string name = "parent";
    char* arguments[] = {name.data(), nullptr};
    return run(1, arguments, {{"parent", std::move(parent)}});
  }
  /// A shell that writes its messages to descriptor 3.
  static ForkedChild& fork_shell(Process& self, const std::string& script,
                                 ForkOptions options = ForkOptions()) {
    return self.fork("/bin/sh", options.args({"-c", script}));
  }
};

/// Keeps a reference over the child's end, as a coroutine does without noticing.
Task<> keep_a_child(Process& self, ForkedChild& child, std::vector<std::string>& told) {
  const pid_t pid = child.pid();
  co_await child.exited();
  Promise<> closed(self.loop());
  child.on_close([&](const ExitStatus&) { closed.resolve({}); });
  co_await closed.op();
  // The tick in which it is forgotten, and one more.
  for (int i = 0; i < 3; ++i) {
    Promise<> tick(self.loop());
    self.loop().defer([&] { tick.resolve({}); });
    co_await tick.op();
  }
  told.emplace_back(child.pid() == pid ? "the same pid" : "another pid");
  told.push_back(child.status() ? child.status()->describe() : "no status");
  told.emplace_back(child.connected() ? "connected" : "not connected");
  const auto sent = child.send("are you there?");
  told.emplace_back(sent.error() != nullptr ? sent.error()->what() : "sent");
  told.emplace_back(child.kill() ? "killed" : "not killed");
  const auto status = co_await child.exited();
  told.push_back(status.describe());
  told.emplace_back(co_await child.next_message() ? "a message" : "no message");
  child.stop();
  child.disconnect();
  told.push_back(std::to_string(self.children()) + " children");
}

TEST_F(EndedChild, StillAnswersWhoHasKeptAReference) {
  std::vector<std::string> told;
  const int code = run_parent([&](Process& self) -> Task<> {
    ForkedChild& child = fork_shell(self, "echo '\"nobody takes this\"' >&3; exit 3", ForkOptions().silent());
    co_await keep_a_child(self, child, told);
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(told,
            (std::vector<std::string>{"the same pid", "exit code 3", "not connected", "send: disconnected",
                                      "not killed", "exit code 3", "no message", "0 children"}));
}

TEST_F(EndedChild, HasDeliveredAllThatItSaidWhenItIsSaidToHaveExited) {
  // The last one is read beside the loop.
  const std::string says =
      "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done >&3; "
      "{ printf '[1'; yes ,1 | head -n 200000 | tr -d '\\n'; echo ']'; } >&3";
  size_t messages = 0;
  size_t longest = 0;
  const int code = run_parent([&](Process& self) -> Task<> {
    ForkedChild& child = fork_shell(self, says);
    child.on_message([&](const Message& message) {
      ++messages;
      longest = std::max(longest, message.value().size());
    });
    co_await child.exited();
    EXPECT_EQ(messages, 2001U);
    EXPECT_EQ(longest, 200'001U);
  });
  EXPECT_EQ(code, 0);
}

TEST_F(EndedChild, IsForgottenWhenVeryManyHaveEndedAfterIt) {
  // Each costs some bytes and no descriptor; the first of them are gone for good.
  constexpr int many = 1100;
  int ended = 0;
  const int code = run_parent([&](Process& self) -> Task<> {
    for (int i = 0; i < many; ++i) {
      ForkedChild& child = self.fork("/bin/true");
      Promise<> closed(self.loop());
      child.on_close([&](const ExitStatus&) { closed.resolve({}); });
      co_await closed.op();
      ++ended;
    }
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(ended, many);
}

TEST_F(EndedChild, ItsMessagesAndItsEndComeThoughEveryCallbackThrows) {
  std::vector<std::string> told;
  int caught = 0;
  const auto note = [&](std::string what) {
    told.push_back(std::move(what));
    throw std::runtime_error("each");
  };
  const int code = run_parent([&](Process& self) {
    self.loop().on_uncaught([&](const std::exception_ptr&) { ++caught; });
    ForkedChild& child = fork_shell(self, "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; done >&3");
    child.on_message([&](const Message& message) { note(to_json(message.value())); });
    child.on_disconnect([&](bool) { note("disconnect"); });
    child.on_exit([&](const ExitStatus&) { note("exit"); });
    child.on_close([&](const ExitStatus&) { note("close"); });
  });
  EXPECT_EQ(code, 0);
  ASSERT_EQ(told.size(), 13U);
  for (int i = 1; i <= 10; ++i) EXPECT_EQ(told[static_cast<size_t>(i) - 1], std::to_string(i));
  EXPECT_EQ(told.back(), "close");
  EXPECT_EQ(caught, 13);
}

TEST_F(EndedChild, ATaskThatThrowsBeforeItsFirstWaitEndsTheProcessWithItsMessage) {
  testing::internal::CaptureStderr();
  const int code = run_parent([](Process& self) -> Task<> {
    const Timer keeps_it_running(self.loop(), std::chrono::hours(1), [] {});
    throw std::runtime_error("no configuration");
    co_return;
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "parent (pid " + std::to_string(::getpid()) + "): uncaught exception: no configuration\n");
  EXPECT_EQ(code, 1);
}

TEST_F(EndedChild, WhatAnEntryReturnsIsTheExitCodeOnceNothingIsLeftToDo) {
  EXPECT_EQ(run_parent([](Process& /*self*/) { return 3; }), 3);
  EXPECT_EQ(run_parent([](Process& self) -> Task<int> {
              co_await sleep(self.loop(), std::chrono::milliseconds(1));
              co_return 4;
            }),
            4);
  EXPECT_EQ(run_parent([](Process& self) -> Task<int> {
              self.exit(5);
              co_return 6;
            }),
            5);
}

TEST_F(EndedChild, AFunctionThatThrowsDoesTheSame) {
  std::optional<Timer> keeps_it_running;
  testing::internal::CaptureStderr();
  const int code = run_parent([&](Process& self) {
    keeps_it_running.emplace(self.loop(), std::chrono::hours(1), [] {});
    self.loop().defer([&] { keeps_it_running.reset(); });
    throw std::runtime_error("no configuration");
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "parent (pid " + std::to_string(::getpid()) + "): uncaught exception: no configuration\n");
  EXPECT_EQ(code, 1);
}

TEST_F(EndedChild, AnEntryThatExitsBeforeItsFirstWaitEndsTheProcess) {
  EXPECT_EQ(run_parent([](Process& self) -> Task<> {
              const Timer keeps_it_running(self.loop(), std::chrono::hours(1), [] {});
              self.exit(3);
              Promise<> never(self.loop());
              co_await never.op();
            }),
            3);
}

}  // namespace
}  // namespace baton
