#pragma once

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "baton/loop/loop.h"

namespace baton::test {

/// Waits until a child of this process has ended, without collecting it.
inline void wait_until_ended(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
}

/// This process's open descriptors and what the kernel says they are ("socket:[123]", "/dev/null").
inline std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> result;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return result;
  while (const dirent* entry = ::readdir(folder)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] == '.' || number == ::dirfd(folder)) continue;
    char name[256];
    const ssize_t length = ::readlinkat(::dirfd(folder), entry->d_name, name, sizeof name);
    result.emplace(number, length < 0 ? "?" : std::string(name, static_cast<size_t>(length)));
  }
  ::closedir(folder);
  return result;
}

/// Fails the test if, when this is destroyed, other descriptors are open than at its construction, or a child
/// of this process is left, be it running or a zombie. Declare it before what is tested.
class LeakCheck {
 public:
  LeakCheck() {
    // The first loop of a process opens what libuv keeps until the process ends.
    {
      const Loop first;
    }
    // What threads of an earlier test look at is open for a moment only.
    before_ = open_descriptors();
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    for (auto now = open_descriptors(); now != before_; now = open_descriptors()) {
      before_ = std::move(now);
      if (std::chrono::steady_clock::now() > patience) break;
      std::this_thread::yield();
    }
  }
  LeakCheck(const LeakCheck&) = delete;
  LeakCheck& operator=(const LeakCheck&) = delete;
  ~LeakCheck() {
    auto after = open_descriptors();
    // Files are closed by a thread.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (after != before_ && std::chrono::steady_clock::now() < patience) {
      std::this_thread::yield();
      after = open_descriptors();
    }
    for (const auto& [number, name] : after) {
      const auto found = before_.find(number);
      if (found == before_.end()) {
        ADD_FAILURE() << "descriptor " << number << " (" << name << ") is left open";
      } else {
        EXPECT_EQ(found->second, name) << "descriptor " << number << " is another one now";
      }
    }
    for (const auto& [number, name] : before_) {
      EXPECT_TRUE(after.contains(number) || name.starts_with("/proc/"))
          << "descriptor " << number << " (" << name << ") was closed";
    }
    siginfo_t info{};
    const int result = ::waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT);
    EXPECT_TRUE(result == -1 && errno == ECHILD)
        << (info.si_pid == 0 ? "a child still runs"
                             : "a child was not collected: " + std::to_string(info.si_pid));
  }

 private:
  std::map<int, std::string> before_;
};

/// A fixture whose every test leaves descriptors and children as they were.
class LeakFree : public testing::Test {
 private:
  LeakCheck check_;
};

}  // namespace baton::test
