// What `baton run` prints.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "baton/wire/json.h"
#include "process/faces/baton_run.h"

namespace baton::test {
namespace {

class RunLogs : public BatonRun {
 protected:
  // Runs a shell script, which is ready at once.
  void start_script(const std::string& text, const Words& options = {}) {
    start(options + Words{"--listen", "127.0.0.1:0", "--min-uptime", "0",
                          file("app", "#!/bin/sh\n" + text + "\nexec sleep 1000\n", 0755)});
  }
  void wait_for_file(const std::string& name) const {
    while (!std::ifstream(folder + "/" + name)) {
      ::sched_yield();
    }
  }
};

TEST_F(RunLogs, PrefixesEachLineOfAWorkerWithItsNumber) {
  start_script("echo out; echo err >&2", {"-i", "2"});
  Words out = {*program.output.next(), *program.output.next()};
  std::ranges::sort(out);
  EXPECT_EQ(out, (Words{"[1] out", "[2] out"}));
  Words err = {told("err"), told("err")};
  std::ranges::sort(err);
  EXPECT_EQ(err, (Words{"[1] err", "[2] err"}));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunLogs, NeverMixesTheLinesOfTwoWorkers) {
  start_script("for i in 1 2 3 4 5; do printf 'a half '; printf 'and the rest\\n'; done", {"-i", "3"});
  for (int i = 0; i < 15; ++i) EXPECT_EQ(program.output.next()->substr(4), "a half and the rest");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunLogs, KeepsAnUnfinishedLastLine) {
  start_script("printf 'the end'; touch " + folder + "/written");
  wait_for_file("written");
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_EQ(program.output.rest(), (Words{"[1] the end"}));
}

TEST_F(RunLogs, MakesControlCharactersVisible) {
  start_script("printf '\\033[31mred\\rx\\377\\n'");
  EXPECT_EQ(program.output.next(), "[1] \\x1b[31mred\\x0dx\\xff");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunLogs, CutsALineWithoutEnd) {
  start_script("head -c 100000 /dev/zero | tr '\\0' x; echo");
  const std::string mark = " [cut: the line goes on]";
  const auto first = program.output.next();
  EXPECT_EQ(first->size(), (size_t{64} << 10) + 4 + mark.size());
  EXPECT_TRUE(first->ends_with(mark));
  EXPECT_EQ(program.output.next()->size(), 100'000 - (size_t{64} << 10) + 4);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunLogs, AreOneJsonObjectALineIfAskedFor) {
  start_script("printf 'say \"x\"\\033\\n'; printf rest; touch " + folder + "/written", {"--json-logs"});
  const auto out = wire::read_json(*program.output.next());
  ASSERT_TRUE(out);
  EXPECT_EQ((*out)["worker"].as_integer(), 1);
  EXPECT_EQ((*out)["stream"].as_string(), "stdout");
  EXPECT_EQ((*out)["message"].as_string(), "say \"x\"\x1b");
  std::optional<Value> listening;
  while (!listening) {
    const auto line = wire::read_json(*program.errors.next());
    ASSERT_TRUE(line);
    if ((*line)["event"].as_string() == "listening") listening = *line;
  }
  EXPECT_TRUE((*listening)["address"].as_string().starts_with("127.0.0.1:"));
  EXPECT_EQ((*listening)["workers"].as_integer(), 1);
  wait_for_file("written");
  program.signal(SIGTERM);
  for (const std::string& line : program.errors.rest()) EXPECT_TRUE(wire::read_json(line)) << line;
  const Words rest = program.output.rest();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ((*wire::read_json(rest[0]))["message"].as_string(), "rest");
  EXPECT_TRUE((*wire::read_json(rest[0]))["partial"].as_boolean());
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(RunLogs, MakeAWorkerWaitForASlowReaderAndLoseNothing) {
  constexpr int count = 100'000;
  start_script("seq " + std::to_string(count) + "; echo done >&2; echo last");
  // All of it is 690 KB: more than pipes hold, so the worker waits until somebody reads.
  told("listening on ");
  for (int i = 1; i <= count; ++i) ASSERT_EQ(program.output.next(), "[1] " + std::to_string(i));
  told("done");
  EXPECT_EQ(printed("last"), "[1] last");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunLogs, TakeNoMemoryForAReaderThatDoesNotRead) {
  if (sanitized()) GTEST_SKIP() << "the sanitizers' own memory is more than is measured";
  start_script("yes", admin());
  told("listening on ");
  // Time for gigabytes, if nothing held them back: a hundred answers, one after the other.
  for (int i = 0; i < 100; ++i) (void)status();
  program.signal(SIGTERM);
  EXPECT_EQ(end(), "exit 0");
  EXPECT_LT(program.peak_memory(), size_t{32} << 20);
}

TEST_F(RunLogs, GoOnWithoutAReader) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  start(admin() + Words{"--listen", "127.0.0.1:0", "--min-uptime", "0",
                        file("app", "#!/bin/sh\nwhile :; do echo x; sleep 0.01; done\n", 0755)},
        StartOptions().descriptor(1, writer.get()));
  writer.reset();
  told("listening on ");
  reader.reset();
  const auto before = workers();
  for (int i = 0; i < 20; ++i) (void)status();
  EXPECT_EQ(workers(), before);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunLogs, LeaveTheFlagsOfTheTerminalOrPipeAlone) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  start({"--listen", "127.0.0.1:0", "--min-uptime", "0", "sleep", "1000"},
        StartOptions().descriptor(1, writer.get()));
  told("listening on ");
  EXPECT_EQ(::fcntl(writer.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
