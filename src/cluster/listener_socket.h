#pragma once

#include <optional>
#include <string>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "cluster/primary_machine.h"
#include "wire/cluster_message.h"

namespace baton::cluster {

/// A socket that the primary opened for its workers.
class ListenerSocket {
 public:
  /// Opens what `query` asks for, as Node's primary does: without an address every one of the machine, IPv6
  /// and IPv4 if possible. The error's code is an errno.
  [[nodiscard]] static Result<ListenerSocket> open(Loop& loop, const wire::ListenQuery& query,
                                                   Sharing sharing, int64_t backlog);
  /// Another socket of SO_REUSEPORT on the address of this one.
  [[nodiscard]] Result<ListenerSocket> beside(int64_t backlog) const;

  ListenerSocket(ListenerSocket&& other) noexcept;
  ListenerSocket& operator=(ListenerSocket&& other) noexcept = delete;
  /// Closes our descriptor, and removes the file of a Unix-domain socket that was made here.
  ~ListenerSocket();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// A copy to give away; empty, with errno set, when the kernel refuses.
  [[nodiscard]] Fd duplicate() const noexcept { return descriptor_.duplicate(); }
  [[nodiscard]] std::optional<wire::Sockname> sockname() const;

 private:
  explicit ListenerSocket(Fd descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  static Result<ListenerSocket> open_path(Loop& loop, const wire::ListenQuery& query, int64_t backlog);
  static Result<ListenerSocket> open_inherited(const wire::ListenQuery& query, int64_t backlog);
  void remember_file(std::string path);

  Fd descriptor_;
  std::string path_;  // of a file that is to be removed
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
};

}  // namespace baton::cluster
