#pragma once

#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/close_aside.h"
#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "baton/process/forked_child.h"
#include "loop/poll.h"
#include "spawn/look_linux.h"

namespace baton::supervisor {

/// Whether a datagram of systemd's notify protocol says READY=1.
[[nodiscard]] bool says_ready(std::string_view datagram) noexcept;

/// Who sent a datagram, as the kernel says.
struct NotifySender {
  pid_t pid = 0;
  uid_t uid = 0;
};

/// The socket at which one worker says that it is ready. Each has one of its own, so that it is known who
/// speaks even of a helper program that has ended when its word is read.
///
/// It has no name that could be cleaned away, be left behind or be found by others: the name that it was
/// bound to is removed at once, and the worker is given a descriptor of what it stood for. NOTIFY_SOCKET
/// names that descriptor (/proc/self/fd/100), so that it is a path to every client, whoever it runs as. Where
/// that is not possible it is one of Linux's abstract names, which clients know by their "@".
class NotifySocket {
 public:
  enum class Kind { held, abstract };

  /// `ready` is called from the loop, at the first READY=1 of the worker; everything else is ignored.
  [[nodiscard]] static Result<std::unique_ptr<NotifySocket>> open(Loop& loop, Callback ready,
                                                                  Kind kind = Kind::held);
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket();

  /// Gives the worker the descriptor, which is closed here together with the options, and NOTIFY_SOCKET.
  /// Once; its other descriptors are decided before.
  void hand_to(ForkOptions& how);
  /// Heard are this process and what descends from it; of who has ended meanwhile, who ran as its user.
  void set_worker(pid_t pid, spawner::Lane lane = {});
  /// Takes what has come, for a share of a turn, without waiting for the loop.
  void read_now();
  /// The same at its worker's end; who may descend from it is waited for a little.
  void read_last();

  /// How this process itself would call it, until it was handed over.
  [[nodiscard]] std::string name() const;

 private:
  NotifySocket(Loop& loop, Fd socket, Callback ready);
  [[nodiscard]] bool bind_and_hold();
  [[nodiscard]] bool bind_abstract();
  /// False: there is no more.
  bool read_one();
  void hear(const NotifySender& sender);
  void look_at(const NotifySender& stranger);
  void heard();
  void look_at_worker();
  void wait_until_closed();

  Loop& loop_;
  Callback ready_;
  std::shared_ptr<CloseAside> aside_ = std::make_shared<CloseAside>();
  Timer again_;
  Fd socket_;
  Fd place_;              ///< where it was bound, until it was handed over
  std::string abstract_;  ///< or under which name, with its "@"
  Poll poll_;
  bool heard_ = false;
  pid_t worker_ = 0;
  spawner::Lane lane_;         ///< for who may descend from it, and hold who looks at him
  Fd status_;                  ///< of the worker, in /proc
  std::optional<uid_t> user_;  ///< whom the worker ran as when it was last looked at
  struct Stranger {
    spawner::Look look;
    std::shared_ptr<std::atomic<bool>> descends = std::make_shared<std::atomic<bool>>(false);
  };
  std::map<pid_t, Stranger> strangers_;  ///< who may descend from it, or not
};

}  // namespace baton::supervisor
