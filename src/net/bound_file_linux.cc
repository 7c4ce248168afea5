#include "net/bound_file.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "net/diagnosis_linux.h"

namespace baton::net {
namespace {

std::optional<unix_diag_vfs> file_of(int socket) {
  struct stat status{};
  if (::fstat(socket, &status) != 0) return std::nullopt;
  unix_diag_req wanted{};
  wanted.sdiag_family = AF_UNIX;
  wanted.udiag_states = ~0U;
  wanted.udiag_ino = static_cast<uint32_t>(status.st_ino);
  wanted.udiag_show = UDIAG_SHOW_VFS;
  wanted.udiag_cookie[0] = wanted.udiag_cookie[1] = ~0U;  // whatever it is
  const Fd diagnosis = ask_diagnosis(wanted, 0);
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  ssize_t got = 0;
  do {
    got = ::recv(diagnosis.get(), answer.data(), answer.size(), 0);
  } while (got < 0 && errno == EINTR);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (got <= 0 || !NLMSG_OK(header, static_cast<size_t>(got)) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      header->nlmsg_len < NLMSG_LENGTH(sizeof(unix_diag_msg))) {
    return std::nullopt;
  }
  const std::string_view found = attribute_of<unix_diag_msg>(header, UNIX_DIAG_VFS);
  unix_diag_vfs file{};
  if (found.size() < sizeof file) return std::nullopt;
  std::memcpy(&file, found.data(), sizeof file);
  return file;
}

// The file system as the kernel numbers it; stat(2) tells another number on overlayfs and btrfs.
std::optional<dev_t> file_system_of(const Fd& file) {
  struct statx found{};
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &found) != 0) return std::nullopt;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    unsigned long long mount = 0;
    unsigned major = 0;
    unsigned minor = 0;
    if (std::sscanf(line.c_str(), "%llu %*d %u:%u", &mount, &major, &minor) == 3 && mount == found.stx_mnt_id)
      return makedev(major, minor);
  }
  return std::nullopt;
}

}  // namespace

bool is_bound_to(int socket, const Fd& file) noexcept try {
  const auto bound = file_of(socket);
  struct stat found{};
  if (!bound || ::fstat(file.get(), &found) != 0) return true;
  constexpr unsigned minor_bits = 20;
  const dev_t device =
      makedev(bound->udiag_vfs_dev >> minor_bits, bound->udiag_vfs_dev & ((1U << minor_bits) - 1));
  return static_cast<uint32_t>(found.st_ino) == bound->udiag_vfs_ino &&
         (found.st_dev == device || file_system_of(file) == device);
} catch (...) {
  return true;  // for want of memory
}

}  // namespace baton::net
