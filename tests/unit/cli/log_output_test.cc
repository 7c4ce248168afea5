#include "cli/log_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkstemp
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "baton/loop/timer.h"
#include "support/leak_check.h"

namespace baton::cli {
namespace {

class LogOutputTest : public test::LeakFree, public testing::WithParamInterface<const char*> {
 protected:
  LogOutputTest() {
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    const bool pipe = std::string_view(GetParam()) == "pipe";
    EXPECT_EQ(pipe ? ::pipe2(ends, O_CLOEXEC) : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
              0);
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
  }
  // What is there to read now.
  std::string read_now() const {
    std::string text(1 << 20, '\0');
    ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
    const ssize_t count = ::read(reader.get(), text.data(), text.size());
    text.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return text;
  }

  Loop loop;
  Fd reader;
  Fd writer;
};
INSTANTIATE_TEST_SUITE_P(To, LogOutputTest, testing::Values("pipe", "socket"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(LogOutputTest, WritesAtOnceAndLeavesTheFlagsOfTheStreamAlone) {
  const int flags = ::fcntl(writer.get(), F_GETFL);
  LogOutput output(loop, writer.get());
  output.write("one\n");
  output.write("two\n");
  EXPECT_EQ(read_now(), "one\ntwo\n");
  EXPECT_EQ(::fcntl(writer.get(), F_GETFL), flags);
}

TEST_P(LogOutputTest, KeepsWholeLinesForASlowReaderAndSaysThatItIsFull) {
  LogOutput output(loop, writer.get());
  int told = 0;
  output.on_full([&] { ++told; });
  std::string sent;
  while (!output.full()) {
    const std::string line = std::to_string(sent.size()) + std::string(500, '.') + "\n";
    sent += line;
    output.write(line);
  }
  EXPECT_EQ(told, 1);
  std::string got;
  // The loop has nothing of its own to wait for: a log keeps no process alive.
  const Timer reading = Timer::every(loop, std::chrono::milliseconds(1), [&] {
    got += read_now();
    if (got.size() == sent.size()) loop.stop();
  });
  loop.run();
  EXPECT_EQ(got, sent);
  EXPECT_EQ(told, 2);
  EXPECT_FALSE(output.full());
  EXPECT_EQ(output.dropped(), 0U);
  EXPECT_EQ(::fcntl(writer.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(LogOutputTest, DropsWholeLinesBeyondItsLimit) {
  LogOutput output(loop, writer.get());
  const std::string line = std::string(100'000, 'x') + "\n";
  for (int i = 0; i < 200; ++i) output.write(line);
  EXPECT_LE(output.waiting(), LogOutput::limit);
  EXPECT_GT(output.dropped(), 0U);
}

TEST_P(LogOutputTest, SaysHowManyLinesWereDroppedAsSoonAsThereIsRoomAgain) {
  LogOutput output(loop, writer.get());
  output.on_dropped([](std::size_t lines) { return "dropped " + std::to_string(lines) + "\n"; });
  const std::string line = std::string(100'000, 'x') + "\n";
  for (int i = 0; i < 60; ++i) output.write(line);
  const std::string note = "dropped " + std::to_string(output.dropped()) + "\n";
  ASSERT_GT(output.dropped(), 0U);
  std::string got;
  const Timer reading = Timer::every(loop, std::chrono::milliseconds(1), [&] {
    got += read_now();
    if (got.ends_with(note)) loop.stop();
  });
  loop.run();
  output.write("last\n");
  EXPECT_EQ(read_now(), "last\n") << "it is said once";
  EXPECT_EQ(got.size() + output.dropped() * line.size(), 60 * line.size() + note.size());
}

TEST_P(LogOutputTest, GoesOnWhenTheReaderHasGone) {
  LogOutput output(loop, writer.get());
  reader.reset();
  for (int i = 0; i < 3; ++i) output.write("x\n");
  EXPECT_EQ(output.dropped(), 3U);
  EXPECT_EQ(output.waiting(), 0U);
}

TEST_P(LogOutputTest, FlushesForALimitedTime) {
  LogOutput output(loop, writer.get());
  const std::string line = std::string(1'000'000, 'x') + "\n";
  output.write(line);
  EXPECT_GT(output.waiting(), 0U);
  output.flush(1);
  EXPECT_GT(output.waiting(), 0U);
}

TEST(LogOutput, KeepsACutLineApartFromTheNextOneAndGoesOnWhenThereIsRoom) {
  ::signal(SIGXFSZ, SIG_IGN);
  Loop loop;
  std::string path = testing::TempDir() + "log-XXXXXX";
  const Fd file(::mkstemp(path.data()));
  ASSERT_TRUE(file);
  ::unlink(path.c_str());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto limit = [&](rlim_t bytes) {
    const rlimit now{bytes, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &now), 0);
  };
  LogOutput output(loop, file.get());
  limit(9);
  output.write("12345\n");
  output.write("abcdef\n");
  output.write("lost\n");
  limit(before.rlim_cur);
  output.write("next\n");
  output.write("last\n");
  char text[100];
  const ssize_t count = ::pread(file.get(), text, sizeof text, 0);
  EXPECT_EQ(std::string_view(text, static_cast<size_t>(count)), "12345\nabc\nnext\nlast\n");
  EXPECT_EQ(output.dropped(), 2U);
}

TEST(LogOutput, KnowsWhetherTwoStreamsAreOne) {
  int one[2];
  int other[2];
  ASSERT_EQ(::pipe2(one, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(other, O_CLOEXEC), 0);
  const Fd ends[] = {Fd(one[0]), Fd(one[1]), Fd(other[0]), Fd(other[1])};
  const Fd copy = ends[1].duplicate();
  EXPECT_TRUE(LogOutput::same(one[1], copy.get()));
  EXPECT_FALSE(LogOutput::same(one[1], other[1]));
}

}  // namespace
}  // namespace baton::cli
