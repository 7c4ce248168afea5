#pragma once

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
#include "supervisor/backlog_watch.h"

namespace baton::supervisor {

/// The sockets that every worker is given as systemd gives them: descriptors 3 and up, LISTEN_FDS, LISTEN_PID
/// and LISTEN_FDNAMES.
class ListenSockets {
 public:
  ListenSockets() = default;
  /// Opens them, or says which could not be opened. What this process was given itself (LISTEN_FDS) is taken
  /// in place of what has that name or that address, and all of it if nothing is wanted.
  [[nodiscard]] static Result<ListenSockets> open(Loop& loop, const std::vector<ListenSocket>& wanted);

  /// Gives them to the workers that are forked with `how`; the channel comes after them. Without sockets it
  /// takes away what this process was given itself.
  void hand_to(ForkOptions& how) const;
  /// Lets nobody new in, for an end in order; not where this process was given the socket by somebody who may
  /// go on with it.
  void turn_newcomers_away() noexcept;
  /// Whether somebody stands in a backlog who would be lost with it.
  [[nodiscard]] bool somebody_waits() const noexcept;
  /// To be called once in a while: those from whose backlogs nobody takes anybody.
  [[nodiscard]] std::vector<std::string> stuck(Time now);
  /// Takes the files of paths away, for an end in order: nobody will serve there.
  void remove_files();
  /// Hears of those that a worker shuts down.
  void watch_with(net::ListenerWatch& watch);
  /// Makes one of that descriptor, which was shut down, listen again; its address, and what became of it.
  /// Nothing if there is none.
  [[nodiscard]] std::optional<std::pair<std::string, cluster::ShutDown>> revive(Loop& loop, int descriptor,
                                                                                net::ListenerWatch& watch);
  /// Makes those anew whose file somebody has removed: their addresses, and what became of each, `file_lost`
  /// once only.
  [[nodiscard]] std::vector<std::pair<std::string, cluster::ShutDown>> look_at_files(
      Loop& loop, net::ListenerWatch& watch);
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
    bool file_lost = false;
    net::ListenerWatch::Watched watched;
    bool given = false;
    BacklogWatch backlog;
    Open(Fd opened, ListenSocket asked, net::Endpoint where);
    Open(Open&&) noexcept = default;
    Open& operator=(Open&&) noexcept = default;
    ~Open() { file.forget(); }
  };
  [[nodiscard]] static Result<Open> open_one(Loop& loop, const ListenSocket& wanted);
  [[nodiscard]] static bool open_anew(Loop& loop, Open& socket, net::ListenerWatch& watch);
  void add(Open socket);
  void add_given(Fd socket, const ListenSocket& what);

  std::vector<Open> sockets_;
  std::vector<Fd> given_beside_;  // and wanted by no name
  std::vector<std::string> addresses_;
  std::string names_;
};

}  // namespace baton::supervisor
