#include "supervisor/notify_socket_linux.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>

#include "baton/spawn/child.h"
#include "baton/spawn/sync.h"
#include "support/leak_check.h"

namespace baton::supervisor {
namespace {

TEST(SaysReady, LooksForTheLineAmongOthers) {
  EXPECT_TRUE(says_ready("READY=1"));
  EXPECT_TRUE(says_ready("STATUS=up\nREADY=1\n"));
  EXPECT_TRUE(says_ready("READY=1\nMAINPID=3"));
  for (const char* text :
       {"", "READY=0", "READY=1 ", "XREADY=1", "STATUS=READY=1", "READY", "\n\n", "ready=1"}) {
    EXPECT_FALSE(says_ready(text)) << text;
  }
}

class Notify : public test::LeakFree {
 protected:
  void open(NotifySocket::Kind kind = NotifySocket::Kind::held) {
    auto opened = NotifySocket::open(loop, [this] { ++ready; }, kind);
    ASSERT_TRUE(opened) << opened.error().what();
    socket = std::move(*opened);
  }
  // What a worker is given beside standard streams.
  [[nodiscard]] SpawnOptions of_worker() {
    ForkOptions how;
    socket->hand_to(how);
    SpawnOptions spawn = how.spawn();
    return spawn.stdio(Stdio::inherit());
  }
  static void send(const std::string& name, std::string_view text, int descriptor = -1) {
    const Fd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    iovec part{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ASSERT_EQ(::sendmsg(sender.get(), &message, 0), static_cast<ssize_t>(text.size()));
  }
  // A child that says it is ready, perhaps as another user, and is gone when its word is read. False: not
  // possible.
  bool say_ready_and_end(std::optional<uid_t> user = std::nullopt) {
    SpawnOptions options = of_worker();
    if (user) options.uid(*user).gid(*user);
    // With a loop of its own: ours would read at once.
    const auto helper =
        exec_file_sync("python3",
                       {"-c",
                        "import os,socket;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
                        "s.sendto(b'READY=1',os.environ['NOTIFY_SOCKET'].replace('@','\\0'))"},
                       ExecOptions(options));
    return helper && helper->status().success();
  }
  Loop loop;
  std::unique_ptr<NotifySocket> socket;
  int ready = 0;
};

TEST_F(Notify, HearsItsWorker) {
  open();
  socket->set_worker(::getpid());
  send(socket->name(), "STATUS=loading");
  send(socket->name(), "READY=1");
  // A turn has its time.
  for (int turns = 0; turns < 100 && ready == 0; ++turns) socket->read_now();
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, HearsDescendantsOfItsWorkerAlsoThoseThatHaveEnded) {
  open();
  socket->set_worker(::getpid());
  if (!say_ready_and_end()) GTEST_SKIP() << "there is no python3";
  socket->read_now();
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, DoesNotHearAStrangerWhoHasEndedAndWasSomebodyElse) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can run programs as somebody else";
  for (const auto kind : {NotifySocket::Kind::held, NotifySocket::Kind::abstract}) {
    open(kind);
    socket->set_worker(::getpid());
    if (!say_ready_and_end(65534)) GTEST_SKIP() << "there is no python3";
    socket->read_now();
    EXPECT_EQ(ready, 0);
  }
}

TEST_F(Notify, HearsWhomAWorkerHasBecome) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can run programs as somebody else";
  open();
  Child worker = spawn(loop, "sleep", {"1000"}, SpawnOptions().uid(65534).gid(65534));
  socket->set_worker(worker.pid());
  const bool said = say_ready_and_end(65534);
  socket->read_now();
  worker.kill(SIGKILL);
  loop.run();
  if (!said) GTEST_SKIP() << "there is no python3";
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, DoesNotListenToStrangers) {
  open();
  Child worker = spawn(loop, "sleep", {"1000"});
  socket->set_worker(worker.pid());
  send(socket->name(), "READY=1");
  socket->read_now();
  EXPECT_EQ(ready, 0);
  worker.kill(SIGKILL);
  loop.run();
}

TEST_F(Notify, ClosesWhatComesWithAMessage) {
  open();
  socket->set_worker(::getpid());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read(ends[0]);
  Fd write(ends[1]);
  send(socket->name(), "BARRIER=1", write.get());
  write.reset();
  socket->read_now();
  char byte = 0;
  EXPECT_EQ(::read(read.get(), &byte, 1), 0) << "whoever waits for the end of the pipe sees it";
}

TEST_F(Notify, HasAnAbstractNameWhereNothingCanBeHeld) {
  open(NotifySocket::Kind::abstract);
  EXPECT_TRUE(socket->name().starts_with("@baton-")) << socket->name();
  socket->set_worker(::getpid());
  send(socket->name(), "READY=1");
  socket->read_now();
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, IsAPathThatNobodyCanClean) {
  std::string place = testing::TempDir() + "notify-XXXXXX";
  ASSERT_NE(::mkdtemp(place.data()), nullptr);
  ::setenv("XDG_RUNTIME_DIR", place.c_str(), 1);
  open();
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(::rmdir(place.c_str()), 0) << "something is in it";
  socket->set_worker(::getpid());
  send(socket->name(), "READY=1");
  socket->read_now();
  EXPECT_EQ(ready, 1);
  Child looker =
      spawn(loop, "/bin/sh",
            {"-c", "test -S $NOTIFY_SOCKET && case $NOTIFY_SOCKET in /*) ;; *) exit 1; esac"}, of_worker());
  loop.run();
  EXPECT_TRUE(looker.status()->success());
}

TEST_F(Notify, IsGivenUnderALowNumberWhereThereAreNoHighOnes) {
  open();
  SpawnOptions spawn;
  spawn.limit(RLIMIT_NOFILE, 64);
  ForkOptions how;
  how.spawn(spawn).channel_number(5);
  socket->hand_to(how);
  EXPECT_EQ(how.spawn().environment().get("NOTIFY_SOCKET"), "/proc/self/fd/6");
  EXPECT_TRUE(how.spawn().stdio().contains(6));
}

TEST_F(Notify, CanBeReachedByAWorkerOfAnotherUser) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can run programs as somebody else";
  open();
  SpawnOptions as_nobody = of_worker();
  as_nobody.uid(65534).gid(65534);
  Child helper = spawn(loop, "systemd-notify", {"--ready", "--no-block"}, as_nobody);
  socket->set_worker(helper.pid());
  loop.run();
  if (!helper.status()->success()) GTEST_SKIP() << "there is no systemd-notify";
  socket->read_now();
  EXPECT_EQ(ready, 1);
}

}  // namespace
}  // namespace baton::supervisor
