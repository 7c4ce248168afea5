#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "baton/base/fd.h"
#include "net/sockaddr.h"

namespace baton::net {

/// What the file of a Unix-domain socket allows: nothing beyond `at_most`, and of what the umask would take
/// away `at_least`.
struct FileMode {
  mode_t at_most = 0777;
  mode_t at_least = 0;
  /// Nobody but this user, whatever the umask says.
  static constexpr FileMode owner_only() { return {0600, 0600}; }
};

/// bind(2) for the path of a Unix-domain socket: its file has its mode before anybody can see it. What stands
/// there already gives way only if it is a socket that no process holds, be it bound only; the errno is
/// EADDRINUSE else.
[[nodiscard]] int bind_file(const Fd& socket, const std::string& path, FileMode mode = {});

/// The file of a socket that this process bound and still holds, to be removed by it: as long as the socket
/// is held no other file can have its number.
class SocketFile {
 public:
  SocketFile() = default;
  /// The one at `path`; none if there is no socket.
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile() { remove(); }

  explicit operator bool() const noexcept { return !path_.empty(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Whether its path leads to it no more: it was removed, or another file stands there.
  [[nodiscard]] bool is_gone() const noexcept;
  /// Removes it, unless another one is there by now.
  void remove() noexcept;
  /// Leaves it where it is.
  void forget() noexcept { path_.clear(); }

 private:
  std::string path_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

}  // namespace baton::net
