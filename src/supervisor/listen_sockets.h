#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/cluster/listening.h"
#include "baton/loop/loop.h"
#include "baton/process/forked_child.h"
#include "baton/supervisor/options.h"
#include "net/listener_watch.h"
#include "net/socket_file.h"
#include "spawn/look_linux.h"
#include "supervisor/backlog_watch.h"

namespace baton::supervisor {

/// The sockets that every worker is given as systemd gives them: descriptors 3 and up, LISTEN_FDS, LISTEN_PID
/// and LISTEN_FDNAMES.
class ListenSockets {
 public:
  ListenSockets() = default;
  /// Opens them, or says which could not be opened. What this process was given itself (LISTEN_FDS) is taken
  /// in place of what has that name or that address, and all of it if nothing is wanted.
  [[nodiscard]] static Result<ListenSockets> open(const std::vector<ListenSocket>& wanted);

  /// Gives them to the workers that are forked with `how`; the channel comes after them. Without sockets it
  /// takes away what this process was given itself.
  void hand_to(ForkOptions& how) const;
  /// Lets nobody new in, for an end in order; not where this process was given the socket by somebody who may
  /// go on with it.
  void turn_newcomers_away() noexcept;
  /// Whether somebody stands in a backlog who would be lost with it.
  [[nodiscard]] bool somebody_waits() const noexcept;
  /// To be called once in a while: those from whose backlogs nobody takes anybody. Who stands in a full one
  /// is looked at beside the loop, for the next call.
  [[nodiscard]] std::vector<std::string> stuck(Loop& loop, Time now);
  /// Takes the files of paths away, for an end in order: nobody will serve there.
  void remove_files();
  /// Hears of those that a worker shuts down.
  void watch_with(net::ListenerWatch& watch);
  /// Hears the address of a socket, and what became of it.
  using Tell = std::function<void(const std::string&, cluster::ShutDown)>;
  /// Makes the one of that descriptor, which was shut down, listen again. A path takes its time, beside the
  /// loop.
  void revive(Loop& loop, int descriptor, net::ListenerWatch& watch, const Tell& tell);
  /// Makes those anew whose file somebody has removed, beside the loop; `file_lost` is told once only.
  void look_at_files(Loop& loop, net::ListenerWatch& watch, Tell tell);
  /// What workers of the cluster may be served from that listen on such an address themselves: all of them,
  /// and what this process was given beside. Not the paths that were opened here, whose sockets may become
  /// others.
  [[nodiscard]] std::vector<int> descriptors() const;
  /// As they are bound.
  [[nodiscard]] const std::vector<std::string>& addresses() const noexcept { return addresses_; }
  [[nodiscard]] bool empty() const noexcept { return sockets_.empty(); }

 private:
  struct Open {
    Fd socket;
    ListenSocket wanted;
    net::Endpoint endpoint;  // as it is bound
    net::SocketFile file;    // of a path; it stays when this goes, as the workers may
    bool file_loss_told = false;
    bool dead = false;  // shut down; another one is to take its place
    bool loss_told = false;
    net::ListenerWatch::Watched watched;
    bool given = false;
    BacklogWatch backlog;
    Open(Fd opened, ListenSocket asked, net::Endpoint where);
    Open(Open&&) noexcept = default;
    Open& operator=(Open&&) noexcept = default;
    ~Open() { file.forget(); }
  };
  [[nodiscard]] static Result<Open> open_one(const ListenSocket& wanted);
  // What it takes to open it once more where it is.
  [[nodiscard]] static ListenSocket once_more(const Open& socket);
  void put_in_place(Open& socket, Open anew, net::ListenerWatch& watch);
  void add(Open socket);
  void add_given(Fd socket, const ListenSocket& what);

  std::vector<Open> sockets_;
  std::vector<Fd> given_beside_;  // and wanted by no name
  std::vector<std::string> addresses_;
  std::string names_;
  spawner::Lane lane_;
  spawner::Look look_;
  spawner::Lane backlog_lane_;
  spawner::Look backlog_look_;
};

}  // namespace baton::supervisor
