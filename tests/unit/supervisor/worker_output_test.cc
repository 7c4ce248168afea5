#include "supervisor/worker_output.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "baton/spawn/child.h"

namespace baton::supervisor {
namespace {

using Clock = std::chrono::steady_clock;

class WorkerOutputTest : public testing::Test {
 protected:
  /// A shell that nobody reads until it has ended; each line takes its time to be worked on.
  void run(const std::string& script, std::move_only_function<void()> ended) {
    SpawnOptions how;
    output = WorkerOutput::open(
                 loop, how,
                 [this](int, std::string_view, bool) {
                   const auto until = Clock::now() + std::chrono::microseconds(1);
                   while (Clock::now() < until) {
                   }
                   ++lines;
                 },
                 [this] { over = true; })
                 .value();
    output->pause();
    shell = spawn(loop, "/bin/sh", {"-c", script}, std::move(how));
    shell.on_exit([ended = std::move(ended)](const ExitStatus&) mutable { ended(); });
  }

  Loop loop;
  std::unique_ptr<WorkerOutput> output;
  Child shell;
  int lines = 0;
  bool over = false;
};

TEST_F(WorkerOutputTest, IsReadToWhatWasThereInTurns) {
  int at_once = -1;
  int then = -1;
  run("yes '' | head -c 30000; yes '' | head -c 30000 >&2", [&] {
    output->resume();
    output->read_rest([&] { then = lines; });
    at_once = lines;
  });
  loop.run();
  EXPECT_LT(at_once, 60'000);
  EXPECT_EQ(then, 60'000);
  EXPECT_TRUE(over) << "as nobody holds it any more";
}

TEST_F(WorkerOutputTest, IsFinishedInTurnsAlsoWhenPaused) {
  int at_once = -1;
  int then = -1;
  run("yes '' | head -c 30000; printf last", [&] {
    output->finish([&] { then = lines; });
    at_once = lines;
  });
  loop.run();
  EXPECT_LT(at_once, 30'001);
  EXPECT_EQ(then, 30'001);
  EXPECT_TRUE(over);
}

TEST_F(WorkerOutputTest, HasNoRestWhilePaused) {
  bool told = false;
  run("echo one", [&] {
    output->read_rest([&] { told = true; });
    EXPECT_TRUE(told);
    output->resume();
  });
  loop.run();
  EXPECT_EQ(lines, 1);
}

TEST_F(WorkerOutputTest, MayBeDestroyedWhileItsRestIsRead) {
  run("yes '' | head -c 60000", [&] {
    output->resume();
    output->read_rest([] { ADD_FAILURE() << "nobody waits any more"; });
    loop.defer([&] { output.reset(); });
  });
  loop.run();
  EXPECT_LT(lines, 60'000);
}

}  // namespace
}  // namespace baton::supervisor
