#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "baton/cluster/worker.h"
#include "baton/loop/timer.h"
#include "cluster/listener_state.h"
#include "cluster/worker_machine.h"
#include "loop/limited_reports.h"
#include "loop/slot.h"

namespace baton::cluster {

/// Drives the worker's machine over the channel to the primary. It decides nothing itself.
struct Worker::State : std::enable_shared_from_this<State> {
  using Listened = std::move_only_function<void(Result<Listener>)>;
  using Bound = std::move_only_function<void(Result<net::UdpSocket>)>;

  State(Process& owner, const WorkerSettings& given);

  // What the program does.
  void start();
  void listen(const Where& where, const ListenOptions& options, Listened done);
  void listen_alone(const Where& where, const ListenOptions& options, Listened done);
  net::Endpoint serve(Listener listener, http::Server server);
  void bind_udp(const Where& where, const net::UdpOptions& options, Bound done);
  void bind_udp_alone(const net::Endpoint& endpoint, const net::UdpOptions& options, Bound done);
  void disconnect();
  void kill();
  Op<> wait_until_left();
  void shut_down();

  // What its listeners do.
  void limit(const Listener::State& listener);
  void connection_opened(ServerId server);
  void connection_closed(ServerId server);
  void closed(ServerId server);

  // What happens.
  template <class Event>
  void feed(Event&& event) {
    const auto self = shared_from_this();
    machine.time(now());
    event();
    carry_out();
  }
  void on_internal(Message message);
  void begin_to_leave();
  void settle_left();
  void watch_lag();

  // What the machine wants.
  void carry_out();
  void carry_out(WorkerAction& action);
  void send(const WorkerAction& action);
  void emulate(const WorkerAction& action);
  void adopt(const WorkerAction& action);
  void failed(const WorkerAction& action);
  void deliver(const WorkerAction& action);
  void end(bool agreed);
  void set_deadline();

  [[nodiscard]] uint64_t now() const { return static_cast<uint64_t>(process.loop().now().count()); }
  net::Native take_handle(HandleId id);

  // What was asked for and has no answer yet.
  struct Asked {
    std::shared_ptr<Listener::State> listener;
    int64_t port;
    Listened listened;
    Bound bound;
  };
  static void finish_listening(int descriptor, const net::Endpoint& local, const Asked& question);
  // What `serve` opened.
  struct Served {
    Listener listener;
    http::Server server;
  };

  Process& process;
  const WorkerSettings settings;
  LimitedReports reports;  // of what the primary does wrong
  WorkerMachine machine;
  std::map<ServerId, Asked> asked;
  std::map<ServerId, std::weak_ptr<Listener::State>> listeners;
  std::vector<std::weak_ptr<Listener::State>> exclusive;
  std::list<Served> served;
  std::unordered_map<HandleId, net::Native> handles;
  std::vector<ServerId> closed_connections;  // of which the machine has not heard yet
  std::vector<Promise<>> left_waits;
  Slot<> on_leaving;
  Timer deadline;
  std::optional<uint64_t> deadline_at;
  Timer lag_timer;
  std::chrono::milliseconds lag_due{};
  ServerId last_server = 0;
  HandleId last_handle = 0;
  uint32_t exclusive_connections = 0;
  bool carrying_out = false;
  bool read_done_due = false;
  bool leaving = false;
  bool left = false;
  bool killing = false;
  bool shut = false;
};

}  // namespace baton::cluster
