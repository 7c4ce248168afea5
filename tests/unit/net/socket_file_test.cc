#include "net/socket_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "baton/net/server.h"
#include "support/folder.h"
#include "support/leak_check.h"

namespace baton::net {
namespace {

// The mask of this process, until the end of the block.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

class SocketFiles : public test::LeakFree {
 protected:
  static Fd bound(const std::string& path, int type) {
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const SocketAddress address(Endpoint::unix_path(path));
    EXPECT_EQ(::bind(socket.get(), address.get(), address.length()), 0);
    return socket;
  }
  // Of an attempt to listen there; 0 if it listens.
  int error_at(const std::string& where) {
    try {
      (void)listen(loop, Endpoint::unix_path(where));
      return 0;
    } catch (const Error& error) {
      return error.code().value();
    }
  }
  static unsigned mode_of(const std::string& path) {
    struct stat found{};
    return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
  }
  size_t names() const {
    const std::filesystem::directory_iterator all(folder.path());
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  Loop loop;
  test::Folder folder;
  const std::string path = folder / "socket";
};

TEST_F(SocketFiles, WhatIsNoSocketIsNeverReplaced) {
  std::ofstream(folder / "file") << "precious";
  std::filesystem::create_symlink(folder / "file", folder / "link");
  std::filesystem::create_symlink(folder / "nothing", folder / "dangling");
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  std::filesystem::create_directory(folder / "folder");
  for (const char* name : {"file", "link", "dangling", "fifo", "folder"}) {
    EXPECT_EQ(error_at(folder / name), EADDRINUSE) << name;
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::symlink_status(folder / name))) << name;
  }
  EXPECT_EQ(std::filesystem::file_size(folder / "file"), 8U);
  EXPECT_EQ(names(), 5U);
}

// Whoever owns a folder on the way may put another in its place while the socket is bound.
TEST_F(SocketFiles, ASocketInAFolderThatWasPutInItsPlaceIsAnothers) {
  std::filesystem::create_directory(folder / "ours");
  std::filesystem::create_directory(folder / "theirs");
  const std::string in_ours = folder / "ours/socket";
  const Fd ours = bound(in_ours, SOCK_STREAM);
  const Fd theirs = bound(folder / "theirs/socket", SOCK_STREAM);
  std::filesystem::rename(folder / "ours", folder / "aside");
  std::filesystem::rename(folder / "theirs", folder / "ours");
  {
    EXPECT_FALSE(SocketFile(ours.get(), in_ours));
  }
  EXPECT_TRUE(std::filesystem::exists(in_ours));
  {
    EXPECT_TRUE(SocketFile(ours.get(), folder / "aside/socket"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "aside/socket"));
}

TEST_F(SocketFiles, ALinkToAStaleSocketIsNotFollowed) {
  (void)bound(path, SOCK_STREAM);
  std::filesystem::create_symlink(path, folder / "link");
  EXPECT_EQ(error_at(folder / "link"), EADDRINUSE);
  EXPECT_EQ(names(), 2U);
}

TEST_F(SocketFiles, OfASocketThatAProcessHoldsAreNotStale) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    {
      const Fd held = bound(path, type);  // and does not listen
      EXPECT_EQ(error_at(path), EADDRINUSE) << type;
      EXPECT_TRUE(std::filesystem::is_socket(path));
    }
    EXPECT_EQ(error_at(path), 0) << type;
    EXPECT_EQ(names(), 1U);
    std::filesystem::remove(path);
  }
}

TEST_F(SocketFiles, AListenerThatHasTheNameHearsNothingOfWhoWantedItToo) {
  const Fd listener = bound(path, SOCK_STREAM | SOCK_NONBLOCK);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(error_at(path), EADDRINUSE);
  EXPECT_EQ(::accept(listener.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(SocketFiles, HaveTheirModeWhateverTheUmaskSays) {
  const auto mode = [this](mode_t mask, const ListenOptions& options) {
    const Umask umask(mask);
    std::filesystem::remove(path);
    const Server server = listen(loop, Endpoint::unix_path(path), options);
    EXPECT_EQ(::umask(mask), mask);
    return mode_of(path);
  };
  EXPECT_EQ(mode(022, ListenOptions()), 0755U);
  EXPECT_EQ(mode(077, ListenOptions()), 0700U);
  EXPECT_EQ(mode(077, ListenOptions().readable_all()), 0744U);
  EXPECT_EQ(mode(077, ListenOptions().writable_all()), 0722U);
  EXPECT_EQ(mode(077, ListenOptions().readable_all().writable_all()), 0766U);
  for (const mode_t mask : {0U, 022U, 0377U})
    EXPECT_EQ(mode(mask, ListenOptions().owner_only()), 0600U) << mask;
}

TEST_F(SocketFiles, AreRemovedByWhoMadeThemUnlessAnotherIsThere) {
  {
    const Fd socket = bound(path, SOCK_STREAM);
    const SocketFile file(socket.get(), path);
    EXPECT_TRUE(file);
  }
  EXPECT_EQ(names(), 0U);
  const Fd socket = bound(path, SOCK_STREAM);
  {
    SocketFile file(socket.get(), path);
    std::filesystem::rename(path, folder / "elsewhere");
    const Fd other = bound(path, SOCK_STREAM);
    file.remove();
    EXPECT_TRUE(std::filesystem::is_socket(path));
    std::filesystem::remove(path);
    std::ofstream(path) << "precious";
  }
  EXPECT_EQ(names(), 2U);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(SocketFiles, AreNoneWhereNoSocketIs) {
  std::ofstream(path) << "precious";
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(SocketFile(socket.get(), path));
  EXPECT_FALSE(SocketFile(socket.get(), folder / "nothing"));
  EXPECT_FALSE(SocketFile());
  EXPECT_EQ(names(), 1U);
}

TEST_F(SocketFiles, OfAnAbstractNameThereAreNone) {
  const std::string name = std::string(1, '\0') + "baton-" + std::to_string(::getpid());
  const Server server = listen(loop, Endpoint::unix_path(name), ListenOptions().owner_only());
  EXPECT_EQ(server.local().path(), name);
}

TEST_F(SocketFiles, APortThatTheKernelChoseIsKeptByASocketThatSomebodyShutDown) {
  for (const char* address : {"127.0.0.1", "::"}) {
    const Server server = listen(loop, Endpoint(address, 0));
    const uint16_t port = server.local().port();
    ::shutdown(server.descriptor(), SHUT_RD);
    EXPECT_EQ(server.local().port(), port);
    const SocketAddress other(Endpoint(address, 0));
    EXPECT_NE(::bind(server.descriptor(), other.get(), other.length()), 0);
    EXPECT_EQ(::listen(server.descriptor(), 16), 0);
    EXPECT_EQ(server.local().port(), port);
  }
}

}  // namespace
}  // namespace baton::net
