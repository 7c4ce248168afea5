#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
/// EADDRINUSE else. `bound`, if it is any, is called as soon as the file can be seen.
[[nodiscard]] int bind_file(const Fd& socket, const std::string& path, FileMode mode,
                            const std::function<void(int)>& bound);

/// Where a socket's file was made, and which one it is.
struct SocketPlace {
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;

  /// Whether the path leads to it no more: it was removed, or another file stands there. Whoever holds a
  /// folder on the way holds who asks.
  [[nodiscard]] bool is_gone() const noexcept;
  /// Removes it, unless another file is there by now.
  void remove_file() const;
};

/// The file of a socket that this process bound, to be removed by it. It costs a descriptor, by which no
/// other file can get its number before.
class SocketFile {
 public:
  SocketFile() = default;
  /// The one of `socket`, which was bound to `path`. None if that leads to another one by now: whoever holds
  /// a folder on the way may have put another folder there.
  SocketFile(int socket, std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile() { remove(); }

  explicit operator bool() const noexcept { return !place_.path.empty(); }
  [[nodiscard]] const std::string& path() const noexcept { return place_.path; }
  [[nodiscard]] const SocketPlace& place() const noexcept { return place_; }
  /// Removes it, unless another one is there by now.
  void remove() noexcept;
  /// What removes it, for whoever has the time.
  [[nodiscard]] std::function<void()> removal() const;
  /// Leaves it where it is.
  void forget() noexcept;

 private:
  SocketPlace place_;
  std::shared_ptr<Fd> kept_;
};

}  // namespace baton::net
