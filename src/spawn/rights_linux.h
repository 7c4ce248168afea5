#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "baton/base/error.h"

namespace baton::spawner {

/// What a process may do with files and ports: the user, the groups and the capabilities that the kernel asks
/// for.
class Rights {
 public:
  /// Those that a process has now. It must not have been collected, so that the number is its own. It can
  /// hold whoever asks for as long as it likes.
  [[nodiscard]] static Result<Rights> of(pid_t pid);
  /// From the text of /proc/PID/status.
  [[nodiscard]] static Result<Rights> parse(std::string_view status);

  /// As whom it opens files.
  [[nodiscard]] uid_t user() const noexcept { return user_; }
  /// Whether these are at least those of `other`: the same user, and no capability is missing.
  [[nodiscard]] bool are_those_of(const Rights& other) const noexcept;
  /// @{
  /// Whether its network, or its tree of files, is this process's: a port, an abstract name or a path is
  /// another one elsewhere.
  [[nodiscard]] bool are_for_our_network() const noexcept { return our_network_; }
  [[nodiscard]] bool are_for_our_files() const noexcept { return our_files_; }
  /// @}
  /// These or `other`, whichever may do nothing that the others may not, and for our network and files only
  /// if both are; nothing if neither is so.
  [[nodiscard]] std::optional<Rights> fewer(const Rights& other) const;

  /// @{
  /// Does `what` with no more than these rights and this process's own: what the kernel then refuses these
  /// may not do. The error is why they could not be taken on (this process is no root), or what `what`
  /// returns.
  ///
  /// They are taken on by a thread that ends with this call, so there is no way back that could fail, and
  /// nobody can send signals to, or trace, what has changed only the user for files.
  Result<void> to_files(const std::function<Result<void>()>& what) const;
  /// The same for what needs no file: the user stays.
  Result<void> to_ports(const std::function<Result<void>()>& what) const;
  /// Has a Unix-domain socket listen, bound by now, as this user: whoever connects to it is told so by
  /// SO_PEERCRED.
  Result<void> listen(int socket, int backlog) const;
  /// Calls `what` so that the files which it makes belong to that user and group from the first moment, with
  /// the rights of this process in all else. Fails with EPERM where it may not give files away.
  static Result<void> as_owner(std::optional<uid_t> user, std::optional<gid_t> group,
                               const std::function<Result<void>()>& what);
  /// @}

 private:
  [[nodiscard]] bool include(const Rights& other) const noexcept;
  [[nodiscard]] Result<void> take_capabilities() const;
  [[nodiscard]] Result<void> take_user() const;

  uid_t user_ = 0;
  gid_t group_ = 0;
  std::vector<gid_t> groups_;
  uint64_t capabilities_ = 0;
  bool our_network_ = true;
  bool our_files_ = true;
};

}  // namespace baton::spawner
