#include "sim/model_kernel.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>
#include <csignal>

namespace baton::sim {
namespace {

class ModelKernelTest : public testing::Test {
 protected:
  ModelKernelTest() {
    parent = kernel.start(-1);
    child = kernel.start(parent);
  }
  /// A pair with one end in each process.
  void connect_pair(const Buffer& buffer) {
    int ends[2];
    ASSERT_EQ(kernel.socket_pair(parent, ends, buffer), 0);
    ours = ends[0];
    theirs = kernel.inherit(parent, ends[1], child);
    ASSERT_EQ(kernel.close(parent, ends[1]), 0);
  }
  int send(std::string_view bytes) { return kernel.send(parent, ours, bytes); }
  int send_with(std::string_view bytes, int descriptor) {
    return kernel.send(parent, ours, bytes, std::span(&descriptor, 1));
  }
  /// What the child reads, or the name of what it got instead.
  std::string read(std::size_t size = 64, std::uint32_t slots = 253) {
    char buffer[64];
    last = kernel.receive(child, theirs, std::span(buffer, size), slots);
    if (last.result == -EAGAIN) return "nothing yet";
    if (last.result == -ECONNRESET) return "reset";
    if (last.result == 0) return "end";
    return {buffer, static_cast<std::size_t>(last.result)};
  }
  void expect_sound() { EXPECT_EQ(kernel.audit() + kernel.violation(), ""); }

  Random random{1};
  ModelKernel kernel{random};
  Pid parent = -1, child = -1;
  int ours = -1, theirs = -1;
  Received last;
};

TEST_F(ModelKernelTest, GivesBytesInOrderAndSaysWhenThereAreNone) {
  connect_pair({});
  EXPECT_EQ(read(), "nothing yet");
  EXPECT_EQ(send("abc"), 3);
  EXPECT_EQ(send("def"), 3);
  EXPECT_EQ(read(4), "abcd");
  EXPECT_EQ(read(), "ef");
  EXPECT_EQ(read(), "nothing yet");
  expect_sound();
}

TEST_F(ModelKernelTest, TakesPartOfASendWhenTheBufferFillsUp) {
  connect_pair({.capacity = 10, .piece = 100, .overhead = 0});
  EXPECT_EQ(send("0123456789abcdef"), 10);
  EXPECT_EQ(send("x"), -EAGAIN);
  EXPECT_EQ(kernel.poll(parent, ours) & POLLOUT, 0);
  EXPECT_EQ(read(4), "0123") << "less than a piece: it stays charged";
  EXPECT_EQ(send("x"), -EAGAIN);
  EXPECT_EQ(read(1), "4");
  EXPECT_EQ(send("x"), 1);
  EXPECT_EQ(read(64), "56789x");
  EXPECT_NE(kernel.poll(parent, ours) & POLLOUT, 0);
  expect_sound();
}

TEST_F(ModelKernelTest, SendsTheDescriptorWithTheFirstPartOnly) {
  connect_pair({.capacity = 8, .piece = 100, .overhead = 0});
  const int file = kernel.open_other(parent);
  EXPECT_EQ(send_with("0123456789", file), 8);
  EXPECT_EQ(kernel.in_flight(), 1);
  EXPECT_EQ(send_with("89", file), -EAGAIN);
  EXPECT_EQ(kernel.in_flight(), 1) << "a refused send carries nothing";
  EXPECT_EQ(read(), "0123");
  ASSERT_EQ(last.descriptors.size(), 1U);
  EXPECT_EQ(kernel.file_of(child, last.descriptors[0]), kernel.file_of(parent, file));
  EXPECT_EQ(read(), "4567");
  EXPECT_TRUE(last.descriptors.empty());
  expect_sound();
}

TEST_F(ModelKernelTest, DropsWhatTheDescriptorTableCannotTake) {
  connect_pair({});
  const int files[] = {kernel.open_other(parent), kernel.open_other(parent), kernel.open_other(parent)};
  kernel.set_limit(child, 3);
  EXPECT_EQ(kernel.send(parent, ours, "x", files), 1);
  EXPECT_EQ(read(), "x");
  EXPECT_TRUE(last.truncated);
  ASSERT_EQ(last.descriptors.size(), 2U);
  EXPECT_EQ(kernel.file_of(child, last.descriptors[0]), kernel.file_of(parent, files[0]));
  EXPECT_EQ(kernel.in_flight(), 0);
  expect_sound();
}

TEST_F(ModelKernelTest, ReadsWhatADeadPeerSentThenIsResetOnceThenEnds) {
  connect_pair({});
  EXPECT_EQ(send("last words"), 10);
  EXPECT_EQ(kernel.send(child, theirs, "never read"), 10);
  kernel.kill(parent, SIGKILL);
  EXPECT_EQ(kernel.send(child, theirs, "x"), -EPIPE);
  EXPECT_EQ(kernel.poll(child, theirs), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
  EXPECT_EQ(read(), "last words");
  EXPECT_EQ(read(), "reset");
  EXPECT_EQ(read(), "end");
  EXPECT_EQ(read(), "end");
  expect_sound();
}

TEST_F(ModelKernelTest, ClosesOneDirectionAlone) {
  connect_pair({});
  EXPECT_EQ(send("bye"), 3);
  EXPECT_EQ(kernel.shut_sending(parent, ours), 0);
  EXPECT_EQ(send("x"), -EPIPE);
  EXPECT_EQ(read(), "bye");
  EXPECT_EQ(read(), "end");
  EXPECT_EQ(kernel.send(child, theirs, "answer"), 6);
  EXPECT_EQ(kernel.unread(parent, ours), 6U);
  expect_sound();
}

TEST_F(ModelKernelTest, KeepsAnEndOpenAsLongAsAnyProcessHoldsIt) {
  connect_pair({});
  const Pid grandchild = kernel.start(child);
  kernel.inherit(parent, ours, grandchild);
  kernel.close(parent, ours);
  EXPECT_EQ(read(), "nothing yet");
  kernel.exit(grandchild, 0);
  EXPECT_EQ(read(), "end");
  expect_sound();
}

TEST_F(ModelKernelTest, ReleasesWhatIsInFlightToTheDead) {
  connect_pair({});
  const int connection = kernel.open_connection(parent);
  EXPECT_EQ(send_with("take it", connection), 7);
  kernel.close(parent, connection);
  EXPECT_TRUE(kernel.connection(0).open);
  EXPECT_EQ(kernel.connection(0).holders, 0U);
  kernel.kill(child, SIGKILL);
  EXPECT_FALSE(kernel.connection(0).open);
  expect_sound();
}

TEST_F(ModelKernelTest, KnowsWhoHoldsReadsAndAnswersAConnection) {
  connect_pair({});
  const int listener = kernel.listen(parent, 1);
  EXPECT_EQ(kernel.connect(kernel.file_of(parent, listener)), 0);
  EXPECT_EQ(kernel.connect(kernel.file_of(parent, listener)), -EAGAIN);
  const int accepted = kernel.accept(parent, listener);
  EXPECT_EQ(kernel.accept(parent, listener), -EAGAIN);
  EXPECT_EQ(kernel.connection_of(parent, accepted), 0);
  send_with("x", accepted);
  read();
  EXPECT_EQ(kernel.connection(0).holders, 0b11U);
  kernel.close(parent, accepted);
  EXPECT_EQ(kernel.connection(0).holders, 0b10U);
  EXPECT_EQ(kernel.read_connection(child, last.descriptors[0]), 1);
  EXPECT_EQ(kernel.answer_connection(child, last.descriptors[0]), 1);
  kernel.hang_up(0);
  EXPECT_EQ(kernel.answer_connection(child, last.descriptors[0]), -EPIPE);
  EXPECT_EQ(kernel.connection(0).readers, 0b10U);
  EXPECT_EQ(kernel.connection(0).answers, 2);
  EXPECT_EQ(kernel.connection(0).answered_by, child);
  kernel.close(parent, listener);
  expect_sound();
}

TEST_F(ModelKernelTest, NoticesASecondCloseEvenWhenTheSlotIsUsedAgain) {
  const int first = kernel.open_other(parent);
  EXPECT_EQ(kernel.close(parent, first), 0);
  const int second = kernel.open_other(parent);
  EXPECT_EQ(ModelKernel::slot_of(first), ModelKernel::slot_of(second));
  EXPECT_EQ(kernel.violation(), "");
  EXPECT_EQ(kernel.close(parent, first), -EBADF);
  EXPECT_NE(kernel.violation(), "");
  EXPECT_EQ(kernel.audit(), "");
}

TEST_F(ModelKernelTest, NoticesAStoppedProcessThatActs) {
  kernel.stop(child);
  kernel.open_other(child);
  EXPECT_EQ(kernel.violation(), "open by process 1, which is stopped or dead");
}

TEST_F(ModelKernelTest, MakesNoHalfAPairAtTheLimit) {
  int ends[2];
  kernel.set_limit(parent, 1);
  EXPECT_EQ(kernel.socket_pair(parent, ends, {}), -EMFILE);
  EXPECT_EQ(kernel.open_files(), 0);
  expect_sound();
}

TEST_F(ModelKernelTest, TellsHowAProcessEnded) {
  kernel.exit(parent, 3);
  kernel.stop(child);
  kernel.kill(child, SIGKILL);
  EXPECT_EQ(kernel.exit_code(parent), 3);
  EXPECT_EQ(kernel.exit_signal(parent), 0);
  EXPECT_EQ(kernel.exit_code(child), -1);
  EXPECT_EQ(kernel.exit_signal(child), SIGKILL);
  EXPECT_FALSE(kernel.runnable(child));
  kernel.reap(child);
  EXPECT_EQ(kernel.violation(), "");
  kernel.reap(child);
  EXPECT_NE(kernel.violation(), "");
}

}  // namespace
}  // namespace baton::sim
