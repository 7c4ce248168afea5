#pragma once

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

namespace baton::cluster {

/// Drives the primary's machine: feeds it what the kernel, the workers and the program do, and carries out
/// what it decides. It decides nothing itself.
struct Primary::State : std::enable_shared_from_this<State> {
  State(Process& owner, PrimaryOptions given);

  // What the program does.
  WorkerProcess& fork(const WorkerOptions& how);
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
  void report(WorkerProcess::State& worker, const Error& error);
  void settle_end();

  // What the machine wants.
  void carry_out();
  void carry_out(PrimaryAction& action);
  void send(PrimaryAction& action);
  void offer(PrimaryAction& action);
  void take_back(ConnectionId connection);
  void open(const PrimaryAction& action);
  void share(PrimaryAction& action);
  void accept(const PrimaryAction& action);
  void close_listener(ListenerId listener);
  void kill(const PrimaryAction& action);
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
    explicit Socket(ListenerSocket opened) : socket(std::move(opened)) {}
    ListenerSocket socket;
    std::shared_ptr<Acceptor> acceptor;
  };
  using Sockets = std::map<unsigned, Socket>;

  Process& process;
  const PrimaryOptions options;
  const Policy policy;
  PrimaryMachine machine;
  std::map<WorkerId, std::unique_ptr<WorkerProcess::State>> workers;
  std::unordered_map<ConnectionId, Connection> connections;
  std::map<ListenerId, Sockets> sockets;
  Timer deadline;
  std::optional<Milliseconds> deadline_at;
  std::vector<Promise<>> end_waits;
  WorkerId last_worker = 0;
  ConnectionId last_connection = 0;
  std::size_t looks = 0;  // under way
  bool carrying_out = false;
  bool closing = false;  // every worker was told to leave
  bool shut = false;     // the Primary is gone

  Slot<WorkerProcess&> on_fork, on_online, on_disconnect, on_hang;
  Slot<WorkerProcess&, const Listening&> on_listening;
  Slot<WorkerProcess&, const ExitStatus&> on_exit, on_close;
  Slot<WorkerProcess&, Message&> on_message_slot;
  Slot<WorkerProcess&, const Error&> on_error;
  Slot<WorkerProcess&, const Listening&, const Error&> on_listen_error;
};

}  // namespace baton::cluster
