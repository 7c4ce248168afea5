#include "spawn/rights_linux.h"

#include <elf.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "spawn/proc_file_linux.h"

namespace baton::spawner {
namespace {

// The words behind "Name:" in /proc/PID/status.
std::optional<std::vector<std::string_view>> words_of(std::string_view status, std::string_view name) {
  const std::string label = "\n" + std::string(name) + ":";
  const size_t found = status.find(label);
  if (found == std::string_view::npos) return std::nullopt;
  std::string_view line = status.substr(found + label.size());
  line = line.substr(0, line.find('\n'));
  std::vector<std::string_view> words;
  for (;;) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

template <class Number>
std::optional<Number> number_of(std::string_view word, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, base);
  return error == std::errc() && end == word.data() + word.size() ? std::optional(number) : std::nullopt;
}

// Of "real effective saved filesystem", which must be the same: who has two users is on his way from one to
// the other, and which of them speaks cannot be told.
std::optional<uint32_t> only_one(std::string_view status, std::string_view name) {
  const auto words = words_of(status, name);
  if (!words || words->size() != 4) return std::nullopt;
  const bool same =
      std::ranges::all_of(*words, [&](std::string_view word) { return word == words->front(); });
  return same ? number_of<uint32_t>(words->front()) : std::nullopt;
}

// Whether a process became more than who started its program, by the program's file: sudo, while it asks for
// a password. Its rights are the program's, and no worker's. True if it cannot be told.
bool has_rights_of_its_file(pid_t pid) {
  struct stat about{};
  if (::stat(("/proc/" + std::to_string(pid)).c_str(), &about) != 0) return true;
  // What became more than its starter belongs to root there, as it leaves no core (PR_SET_DUMPABLE).
  if (about.st_uid != 0) return false;
  const auto vector = read_proc_file("/proc/" + std::to_string(pid) + "/auxv", 4096);
  if (!vector) return true;
  unsigned long entry[2];
  for (size_t at = 0; at + sizeof entry <= vector->size(); at += sizeof entry) {
    std::memcpy(entry, vector->data() + at, sizeof entry);
    if (entry[0] == AT_SECURE) return entry[1] != 0;
  }
  return true;
}

// Whether what /proc says of a process by that name is the same as of this one. False if it cannot be told.
bool shares(pid_t pid, const std::string& name) {
  struct stat theirs{};
  struct stat ours{};
  return ::stat(("/proc/" + std::to_string(pid) + "/" + name).c_str(), &theirs) == 0 &&
         ::stat(("/proc/self/" + name).c_str(), &ours) == 0 && theirs.st_ino == ours.st_ino &&
         theirs.st_dev == ours.st_dev;
}

using CapabilityData = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

// Of the calling thread.
Result<void> capabilities(long call, CapabilityData& data) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  if (::syscall(call, &header, data.data()) == 0) return {};
  return failure(errno, "take on another's rights", call == SYS_capget ? "capget" : "capset");
}

// When a thread changes its user the kernel makes the whole process one that leaves no core and shows nothing
// of itself. It is that as long as this lives, and no longer.
class Undumpable {
 public:
  Undumpable() {
    if (before_ == 1) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  Undumpable(const Undumpable&) = delete;
  Undumpable& operator=(const Undumpable&) = delete;
  ~Undumpable() {
    if (before_ == 1) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  }

 private:
  static std::mutex& changing() {
    static std::mutex one;
    return one;
  }
  const std::scoped_lock<std::mutex> lock_{changing()};
  const int before_ = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
};

// Of the calling thread. The kernel says nothing of a failure.
bool set_user_for_files(std::optional<uid_t> user, std::optional<gid_t> group) {
  const Undumpable undumpable;
  if (group) ::syscall(SYS_setfsgid, *group);
  if (user) ::syscall(SYS_setfsuid, *user);
  return (!group || static_cast<gid_t>(::syscall(SYS_setfsgid, -1)) == *group) &&
         (!user || static_cast<uid_t>(::syscall(SYS_setfsuid, -1)) == *user);
}

Result<void> in_a_thread(const std::function<Result<void>()>& what) {
  Result<void> result;
  std::exception_ptr thrown;
  try {
    std::thread([&] {
      try {
        result = what();
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
  } catch (const std::system_error& error) {
    return failure(error.code().value(), "take on another's rights", "start a thread");
  }
  if (thrown) std::rethrow_exception(thrown);
  return result;
}

}  // namespace

Result<Rights> Rights::of(pid_t pid) {
  if (pid != ::getpid() && has_rights_of_its_file(pid)) return failure(EPERM, "read the rights of a process");
  auto status = read_proc_file("/proc/" + std::to_string(pid) + "/status");
  if (!status) return std::unexpected(status.error());
  auto rights = parse(*status);
  if (!rights) return rights;
  // In a user namespace of its own a process has every capability, and none of ours.
  if (!shares(pid, "ns/user")) rights->capabilities_ = 0;
  rights->our_network_ = shares(pid, "ns/net");
  rights->our_files_ = shares(pid, "ns/mnt") && shares(pid, "root");
  return rights;
}

Result<Rights> Rights::parse(std::string_view status) {
  const auto user = only_one(status, "Uid");
  const auto group = only_one(status, "Gid");
  const auto groups = words_of(status, "Groups");
  const auto effective = words_of(status, "CapEff");
  const auto mask =
      effective && effective->size() == 1 ? number_of<uint64_t>(effective->front(), 16) : std::nullopt;
  if (!user || !group || !groups || !mask) return failure(EINVAL, "read the rights of a process");
  Rights rights;
  rights.user_ = *user;
  rights.group_ = *group;
  rights.capabilities_ = *mask;
  for (const std::string_view word : *groups) {
    const auto number = number_of<gid_t>(word);
    if (!number) return failure(EINVAL, "read the rights of a process");
    rights.groups_.push_back(*number);
  }
  return rights;
}

bool Rights::are_those_of(const Rights& other) const noexcept {
  return user_ == other.user_ && (other.capabilities_ & ~capabilities_) == 0;
}

// Who may become any user has that one's rights too.
bool Rights::include(const Rights& other) const noexcept {
  constexpr uint64_t becomes_others = (uint64_t{1} << CAP_SETUID) | (uint64_t{1} << CAP_SETGID);
  if ((other.capabilities_ & ~capabilities_) != 0) return false;
  if ((capabilities_ & becomes_others) == becomes_others) return true;
  const auto has = [&](gid_t group) {
    return group == group_ || std::ranges::find(groups_, group) != groups_.end();
  };
  return user_ == other.user_ && has(other.group_) && std::ranges::all_of(other.groups_, has);
}

std::optional<Rights> Rights::fewer(const Rights& other) const {
  std::optional<Rights> fewer;
  if (include(other)) {
    fewer = other;
  } else if (other.include(*this)) {
    fewer = *this;
  } else {
    return std::nullopt;
  }
  fewer->our_network_ = our_network_ && other.our_network_;
  fewer->our_files_ = our_files_ && other.our_files_;
  return fewer;
}

Result<void> Rights::take_capabilities() const {
  CapabilityData data{};
  if (auto got = capabilities(SYS_capget, data); !got) return got;
  data[0].effective &= static_cast<uint32_t>(capabilities_);
  data[1].effective &= static_cast<uint32_t>(capabilities_ >> 32U);
  return capabilities(SYS_capset, data);
}

// The calls of the kernel: those of the C library change every thread.
Result<void> Rights::take_user() const {
  const std::string operation = "take on the rights of user " + std::to_string(user_);
  if (::syscall(SYS_setgroups, groups_.size(), groups_.data()) != 0)
    return failure(errno, operation, "setgroups");
  return set_user_for_files(user_, group_) ? Result<void>() : failure(EPERM, operation, "setfsuid");
}

Result<void> Rights::to_files(const std::function<Result<void>()>& what) const {
  return in_a_thread([&]() -> Result<void> {
    if (auto taken = take_user(); !taken) return taken;
    if (auto taken = take_capabilities(); !taken) return taken;
    return what();
  });
}

// The kernel notes the effective user, by which others may get at a thread: its files in /proc, and the
// scheduler. So it is changed for this one call alone, which nobody can hold.
Result<void> Rights::listen(int socket, int backlog) const {
  const auto listens = [&]() -> Result<void> {
    if (::listen(socket, backlog) == 0) return {};
    return failure(errno, "listen");
  };
  if (user_ == ::geteuid() && group_ == ::getegid()) return listens();
  const Undumpable undumpable;
  return in_a_thread([&]() -> Result<void> {
    CapabilityData data{};
    if (auto got = capabilities(SYS_capget, data); !got) return got;
    // Who opens has laid them aside, and without them nobody becomes another.
    for (auto& half : data) half.effective = half.permitted;
    if (auto set = capabilities(SYS_capset, data); !set) return set;
    const std::string operation = "listen as user " + std::to_string(user_);
    if (::syscall(SYS_setgroups, groups_.size(), groups_.data()) != 0)
      return failure(errno, operation, "setgroups");
    if (::syscall(SYS_setresgid, -1, group_, -1) != 0) return failure(errno, operation, "setresgid");
    if (::syscall(SYS_setresuid, -1, user_, -1) != 0) return failure(errno, operation, "setresuid");
    return listens();
  });
}

Result<void> Rights::as_owner(std::optional<uid_t> user, std::optional<gid_t> group,
                              const std::function<Result<void>()>& what) {
  return in_a_thread([&]() -> Result<void> {
    CapabilityData before{};
    if (auto got = capabilities(SYS_capget, before); !got) return got;
    if (!set_user_for_files(user, group)) return failure(EPERM, "make a file of another owner", "setfsuid");
    // Those for files have gone with the user.
    if (auto set = capabilities(SYS_capset, before); !set) return set;
    return what();
  });
}

Result<void> Rights::to_ports(const std::function<Result<void>()>& what) const {
  return in_a_thread([&]() -> Result<void> {
    if (auto taken = take_capabilities(); !taken) return taken;
    return what();
  });
}

}  // namespace baton::spawner
