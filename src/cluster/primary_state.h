#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "baton/cluster/primary.h"
#include "baton/loop/timer.h"
#include "cluster/acceptor.h"
#include "cluster/listener_socket.h"
#include "cluster/primary_machine.h"
#include "cluster/sticky_look.h"
#include "cluster/worker_process_state.h"
#include "loop/slot.h"
#include "net/last_call.h"
#include "net/listener_watch.h"

namespace baton::cluster {

/// Whether a child has, also before that was heard of.
[[nodiscard]] bool has_ended(pid_t child);
[[nodiscard]] Listening asked(const wire::ListenQuery& query);

/// Drives the primary's machine: feeds it what the kernel, the workers and the program do, and carries out
/// what it decides. It decides nothing itself.
struct Primary::State : std::enable_shared_from_this<State> {
  State(Process& owner, PrimaryOptions how);

  // What the program does.
  WorkerProcess& fork(const WorkerOptions& how);
  Op<> call_last();
  void disconnect_all();
  Op<> wait_for_end();
  void shut_down();

  // What happens.
  template <class Event>
  void feed(Event&& event) {
    const auto self = shared_from_this();
    machine.time(now());
    event();
    carry_out();
  }
  void watch_channel(WorkerProcess::State& worker);
  void watch_process(WorkerProcess::State& worker);
  void on_message(WorkerProcess::State& worker, Message message);
  void on_internal(WorkerProcess::State& worker, Message message);
  void note_speaker(WorkerProcess::State& worker, const Value& act);
  void lost_speaker(WorkerId id, Speakers::Loss loss);
  void report(WorkerProcess::State& worker, const Error& error);
  void on_shut(int descriptor);
  void look_at_files();
  void tell_shut(const Listening& where, ShutDown how);
  void settle_end();
  [[nodiscard]] bool somebody_waits() const;
  void let_newcomers_in();
  void forget(WorkerId id);

  // What the machine wants.
  void carry_out();
  void carry_out(PrimaryAction& action);
  void send(PrimaryAction& action);
  void offer(PrimaryAction& action);
  void take_back(ConnectionId connection);
  void hear_query(WorkerProcess::State& worker, Message message);
  void hear_query_of(Asker asker, WorkerProcess::State& worker, Message message);
  void hear(WorkerId id, const Asker& asker, const Message& query);
  void pause(WorkerProcess::State& worker, bool on);
  void close_aside(ListenerSocket& socket, const spawner::Lane& lane);
  void look_at_asker(WorkerProcess::State& worker, const std::vector<Sender>& speakers, spawner::Look& look,
                     std::move_only_function<void(Asker)> then);
  [[nodiscard]] std::optional<std::pair<ListenerId, unsigned>> socket_at(const std::string& path) const;
  void open(const PrimaryAction& action);
  void open_for(const Asker& asker, WorkerId by, ListenerId id, unsigned slot);
  void opened(WorkerId by, ListenerId id, unsigned slot, Result<ListenerSocket> result,
              const std::string& why = {});
  [[nodiscard]] std::optional<Result<ListenerSocket>> of_given(
      const PrimaryMachine::Listener& listener) const;
  void share(PrimaryAction& action);
  void accept(const PrimaryAction& action);
  [[nodiscard]] std::shared_ptr<Acceptor> acceptor_for(ListenerId listener, unsigned slot, int descriptor);
  void close_listener(ListenerId listener);
  void kill(const PrimaryAction& action);
  void signal(const PrimaryAction& action);
  void look(ConnectionId connection);
  void tell(PrimaryAction& action);
  void set_deadline();

  [[nodiscard]] Milliseconds now() const { return static_cast<Milliseconds>(process.loop().now().count()); }
  [[nodiscard]] WorkerProcess::State* find(WorkerId id) const;
  [[nodiscard]] uint32_t free_slot() const;
  [[nodiscard]] std::vector<Listening> listeners() const;
  [[nodiscard]] static Listening bound(const PrimaryMachine::Listener& listener);

  // One that was accepted: in our hands, or on offer to a worker.
  struct Connection {
    net::Native handle;
    WorkerId worker = 0;
    uint64_t offer = 0;
    std::unique_ptr<StickyLook> look;
  };
  struct Socket {
    Socket(ListenerSocket opened, spawner::Lane removes)
        : socket(std::move(opened)), removals(std::move(removes)) {}
    ListenerSocket socket;
    std::shared_ptr<Acceptor> acceptor;
    bool accepting = false;
    // What it was before its file was removed: nobody else can connect there.
    std::optional<ListenerSocket> former;
    std::shared_ptr<Acceptor> former_acceptor;
    spawner::Lane removals;               // of who asked for it
    spawner::Lane looks;                  // at its file
    bool dead = false;                    // another one is to take its place
    bool lost = false;                    // it, or its file, and it could not be made anew
    net::ListenerWatch::Watched watched;  // goes first
    std::optional<Milliseconds> shut_told;
    [[nodiscard]] bool somebody_waits() const {
      return socket.somebody_waits() || (former && former->somebody_waits());
    }
  };
  void watch(Socket& socket);
  [[nodiscard]] bool told_lately(const Socket& socket) const;
  void accept_from(ListenerId listener, unsigned slot, Socket& socket);
  void revive(ListenerId id, unsigned slot, Socket& socket, const PrimaryMachine::Listener& listener);
  // Why its file is looked at: it is time to, a worker asks for its path, or the socket is dead.
  enum class Why { time, asked, dead };
  // A socket is made anew if its file is gone, or it is dead itself; `then` is called in any case.
  void look_at_file(ListenerId id, unsigned slot, Why why, Callback then = {});
  void made_anew(ListenerId id, unsigned slot, Why why, Result<ListenerSocket> anew);
  [[nodiscard]] ShutDown put_in_place(ListenerId id, unsigned slot, Why why, Socket& socket,
                                      const PrimaryMachine::Listener& listener, ListenerSocket anew);
  using Sockets = std::map<unsigned, Socket>;
  struct FileLook {
    spawner::Look look;
    std::vector<Callback> then;
    Why why = Why::time;
  };

  Process& process;
  const PrimaryOptions options;
  const Policy policy;
  std::vector<Fd> given;  // copies of what is to be served from
  PrimaryMachine machine;
  std::map<WorkerId, std::unique_ptr<WorkerProcess::State>> workers;
  std::deque<std::unique_ptr<WorkerProcess::State>> gone;
  std::unordered_map<uint32_t, spawner::LanesOfAPlace> lanes;  // by slot
  std::shared_ptr<StickyLooks> sticky_looks;
  std::unordered_map<ConnectionId, Connection> connections;
  net::ListenerWatch listener_watch{process.loop(), [this](int descriptor) { on_shut(descriptor); }};
  std::map<ListenerId, Sockets> sockets;
  Timer files_timer;
  ListenerId file_looked_at = 0;  // last, of those that have one
  std::map<std::pair<ListenerId, unsigned>, FileLook> file_looks;
  std::map<std::pair<ListenerId, unsigned>, spawner::Look> opening;
  spawner::Lane nobodys_lane;
  std::vector<spawner::Lane> removing;  // in which files may still be removed
  Timer deadline;
  std::optional<Milliseconds> deadline_at;
  net::LastCall last_call;
  bool turned_away = false;  // newcomers, at every listener
  std::vector<Promise<>> last_calls;
  std::vector<Promise<>> end_waits;
  WorkerId last_worker = 0;
  ConnectionId last_connection = 0;
  bool carrying_out = false;
  bool closing = false;  // every worker was told to leave
  bool shut = false;     // the Primary is gone

  Slot<WorkerProcess&> on_fork, on_online, on_stopped_listening, on_disconnect, on_hang;
  Slot<WorkerProcess&, const Listening&> on_listening;
  Slot<WorkerProcess&, const ExitStatus&> on_exit, on_close;
  Slot<WorkerProcess&, Message&> on_message_slot;
  Slot<WorkerProcess&, const Error&> on_error;
  Slot<WorkerProcess&, const Listening&, const Error&> on_listen_error;
  Slot<const Listening&, ShutDown> on_shut_down;
};

}  // namespace baton::cluster
