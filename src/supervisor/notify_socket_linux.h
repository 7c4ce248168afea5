#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "loop/poll.h"

namespace baton::supervisor {

/// Whether a datagram of systemd's notify protocol says READY=1.
[[nodiscard]] bool says_ready(std::string_view datagram) noexcept;

/// Where workers' NOTIFY_SOCKETs are: a folder that only this user may look into, or, where none can be made,
/// Linux's abstract names. It is removed with this.
class NotifyFolder {
 public:
  /// `for_others`: the workers run as somebody else, who may reach what he knows the name of.
  explicit NotifyFolder(bool for_others = false);
  NotifyFolder(const NotifyFolder&) = delete;
  NotifyFolder& operator=(const NotifyFolder&) = delete;
  ~NotifyFolder();

  /// A name for a socket as NOTIFY_SOCKET tells it: a path, or "@" and an abstract name.
  [[nodiscard]] std::string name(uint64_t id) const;
  [[nodiscard]] bool for_others() const noexcept { return for_others_; }

 private:
  std::string path_;
  bool for_others_;
};

/// The socket at which one worker says that it is ready. Each has one of its own, so that it is known who
/// speaks even of a helper program that has ended when its word is read. Who lives and is no descendant of
/// the worker is not listened to.
class NotifySocket {
 public:
  /// `ready` is called from the loop, at each READY=1; everything else is ignored.
  [[nodiscard]] static Result<std::unique_ptr<NotifySocket>> open(Loop& loop, std::string name,
                                                                  Callback ready, bool for_others = false);
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  void set_worker(pid_t pid) noexcept { worker_ = pid; }
  /// Takes what has come, without waiting for the loop.
  void read_now();

 private:
  NotifySocket(Loop& loop, Fd socket, std::string name, Callback ready);
  /// False: there is no more.
  bool read_one();

  std::string name_;
  Callback ready_;
  Fd socket_;
  Poll poll_;
  pid_t worker_ = 0;
};

}  // namespace baton::supervisor
