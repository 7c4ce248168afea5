#pragma once

#include <functional>
#include <optional>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "cluster/primary_machine.h"
#include "net/socket_file.h"
#include "spawn/look_linux.h"
#include "spawn/rights_linux.h"
#include "wire/cluster_message.h"

namespace baton::cluster {

/// A socket that the primary opened for its workers.
class ListenerSocket {
 public:
  /// Opens what `query` asks for, as Node's primary does: without an address every one of the machine, IPv6
  /// and IPv4 if possible. The error's code is an errno. With `rights` it opens, and in the end removes the
  /// file of, nothing that these may not.
  [[nodiscard]] static Result<ListenerSocket> open(const wire::ListenQuery& query, Sharing sharing,
                                                   int64_t backlog,
                                                   const std::optional<spawner::Rights>& rights = {});
  /// A copy of `given`, which is bound, if `query` asks for its address; nothing if it asks for another one.
  /// It counts as inherited. Whether its file is there, `is_at_its_path` says.
  [[nodiscard]] static std::optional<Result<ListenerSocket>> of_given(int given,
                                                                      const wire::ListenQuery& query,
                                                                      Sharing sharing);
  /// Another socket of SO_REUSEPORT on the address of this one.
  [[nodiscard]] Result<ListenerSocket> beside(int64_t backlog) const;

  ListenerSocket(ListenerSocket&& other) noexcept = default;
  ListenerSocket& operator=(ListenerSocket&& other) noexcept;
  /// Closes our descriptor, and removes the file of a Unix-domain socket that was made here.
  ~ListenerSocket();

  /// Closes it and opens what `query` asks for once more, with the rights of then. Fails for one that was
  /// inherited, or has a file.
  [[nodiscard]] Result<void> open_anew(const wire::ListenQuery& query, Sharing sharing, int64_t backlog);
  /// Closes it; `lane` removes its file.
  void close_aside(const spawner::Lane& lane);

  /// Lets nobody new in, and takes the file of a Unix-domain socket away; not of one that was inherited,
  /// which others go on with.
  void turn_newcomers_away() noexcept;
  void let_newcomers_in() noexcept;
  /// Whether somebody stands in its backlog who would be lost with it.
  [[nodiscard]] bool somebody_waits() const noexcept;

  /// As whom it was opened, if not as this process.
  [[nodiscard]] const std::optional<spawner::Rights>& rights() const noexcept { return rights_; }
  /// It was made with a file, as Unix-domain sockets are.
  [[nodiscard]] bool has_file() const noexcept { return static_cast<bool>(file_); }
  /// Where that is; if it is there no more nobody can connect.
  [[nodiscard]] const net::SocketPlace& place() const noexcept { return file_.place(); }
  /// What takes the file away, for who has time for it.
  [[nodiscard]] std::function<void()> file_removal() const;
  /// Whether a socket has the path that this one is bound to, if it has one.
  [[nodiscard]] bool is_at_its_path() const;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// A copy to give away; empty, with errno set, when the kernel refuses.
  [[nodiscard]] Fd duplicate() const noexcept { return descriptor_.duplicate(); }
  [[nodiscard]] std::optional<wire::Sockname> sockname() const;

 private:
  explicit ListenerSocket(Fd descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  void take_file_away();
  static Result<ListenerSocket> inherited_copy(int descriptor, const std::string& operation);
  void remove_file();
  static Result<ListenerSocket> open_as_asked(const wire::ListenQuery& query, Sharing sharing,
                                              int64_t backlog, const std::optional<spawner::Rights>& rights);
  static Result<ListenerSocket> open_path(const wire::ListenQuery& query, int64_t backlog,
                                          const std::optional<spawner::Rights>& rights);
  static Result<ListenerSocket> open_inherited(const wire::ListenQuery& query, int64_t backlog);

  Fd descriptor_;
  net::SocketFile file_;  // goes before the socket
  std::optional<spawner::Rights> rights_;
  bool inherited_ = false;
};

}  // namespace baton::cluster
