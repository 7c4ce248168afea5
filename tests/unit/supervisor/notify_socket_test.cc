#include "supervisor/notify_socket_linux.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "baton/spawn/child.h"
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
  void open(const std::string& name) {
    auto opened = NotifySocket::open(loop, name, [this] { ++ready; });
    ASSERT_TRUE(opened) << opened.error().what();
    socket = std::move(*opened);
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
  Loop loop;
  NotifyFolder folder;
  std::unique_ptr<NotifySocket> socket;
  int ready = 0;
};

TEST_F(Notify, HearsItsWorker) {
  open(folder.name(1));
  socket->set_worker(::getpid());
  send(socket->name(), "STATUS=loading");
  send(socket->name(), "READY=1");
  socket->read_now();
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, HearsDescendantsOfItsWorkerAlsoThoseThatHaveEnded) {
  open(folder.name(1));
  socket->set_worker(::getpid());
  const auto options = SpawnOptions().stdio(Stdio::inherit()).add_env("NOTIFY_SOCKET", socket->name());
  Child helper = spawn(loop, "/usr/bin/python3",
                       {"-c",
                        "import os,socket;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
                        "s.sendto(b'READY=1',os.environ['NOTIFY_SOCKET'])"},
                       options);
  loop.run();
  if (!helper.status()->success()) GTEST_SKIP() << "there is no python3";
  socket->read_now();
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, DoesNotListenToStrangers) {
  open(folder.name(1));
  Child worker = spawn(loop, "sleep", {"1000"});
  socket->set_worker(worker.pid());
  send(socket->name(), "READY=1");
  socket->read_now();
  EXPECT_EQ(ready, 0);
  worker.kill(SIGKILL);
  loop.run();
}

TEST_F(Notify, ClosesWhatComesWithAMessage) {
  open(folder.name(1));
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

TEST_F(Notify, KnowsAbstractNamesToo) {
  open("@baton-test-" + std::to_string(::getpid()));
  socket->set_worker(::getpid());
  send(socket->name(), "READY=1");
  socket->read_now();
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, CanBeReachedByThisUserAloneAndLeavesNoFile) {
  const std::string name = folder.name(1);
  const std::string parent = name.substr(0, name.rfind('/'));
  open(name);
  struct stat status{};
  ASSERT_EQ(::stat(parent.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  socket.reset();
  EXPECT_NE(::stat(name.c_str(), &status), 0);
}

TEST(NotifyForOthers, CanBeReachedByWhoKnowsTheName) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can run programs as somebody else";
  const test::LeakCheck check;
  Loop loop;
  const NotifyFolder folder(true);
  int ready = 0;
  auto socket = NotifySocket::open(loop, folder.name(1), [&] { ++ready; }, folder.for_others());
  ASSERT_TRUE(socket);
  const auto as_nobody = SpawnOptions().uid(65534).gid(65534).stdio(Stdio::inherit());
  Child helper =
      spawn(loop, "/usr/bin/env",
            {"NOTIFY_SOCKET=" + (*socket)->name(), "systemd-notify", "--ready", "--no-block"}, as_nobody);
  (*socket)->set_worker(helper.pid());
  loop.run();
  if (!helper.status()->success()) GTEST_SKIP() << "there is no systemd-notify";
  (*socket)->read_now();
  EXPECT_EQ(ready, 1);
}

TEST_F(Notify, SaysWhyItCannotBeOpened) {
  const auto opened = NotifySocket::open(loop, "/nowhere/at/all", [] {});
  ASSERT_FALSE(opened);
  EXPECT_STREQ(opened.error().what(),
               "open the notify socket /nowhere/at/all: bind: no such file or directory");
}

}  // namespace
}  // namespace baton::supervisor
