#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/worker_machine.h"
#include "sim/cluster_book.h"
#include "sim/cluster_end.h"
#include "sim/node_peer.h"

namespace baton::sim {

/// A worker process of a cluster with a small program: it listens on some ports, reads each connection,
/// answers, closes. At the pace that chance sets.
class ClusterWorker {
 public:
  ClusterWorker(Story& story, ClusterBook& book, Pid pid) : story_(&story), book_(&book), pid_(pid) {}
  ClusterWorker(const ClusterWorker&) = delete;
  ClusterWorker& operator=(const ClusterWorker&) = delete;
  virtual ~ClusterWorker() = default;

  virtual Peer& wire() = 0;
  /// Listens on that port, if it does not.
  virtual void listen(int port) = 0;
  virtual void close_server(int port) = 0;
  virtual void leave() = 0;
  virtual void lag(double /*milliseconds*/) {}
  virtual void timer() {}
  [[nodiscard]] virtual std::uint64_t due() const { return Peer::never; }
  [[nodiscard]] virtual bool is_node() const = 0;
  [[nodiscard]] virtual bool leaving() const = 0;
  [[nodiscard]] virtual bool listens(int port) const = 0;
  virtual void max_connections(std::optional<std::uint64_t> most) = 0;

  /// One step of its program; false: there is nothing to do.
  bool work();
  bool accept();
  /// Ends the process when it is done with everything.
  bool exit_if_done();
  /// Closes its channel and does nothing more, but lives.
  virtual void go_mad() = 0;
  [[nodiscard]] bool mad() const { return mad_; }
  [[nodiscard]] bool has_work() const { return !held_.empty(); }

  [[nodiscard]] Pid pid() const { return pid_; }
  [[nodiscard]] bool running() const { return story_->kernel().runnable(pid_) && !mad_; }
  [[nodiscard]] bool alive() const { return story_->kernel().alive(pid_); }

 protected:
  struct Held {
    int descriptor;
    int connection;
    std::uint32_t server;
    bool read = false;
  };
  // A listening socket that it accepts from by itself.
  struct Shared {
    int descriptor;
    std::uint32_t server;
  };
  ModelKernel& kernel() { return story_->kernel(); }
  void hold(int descriptor, std::uint32_t server);
  void exit(int code);
  void drop_shared(std::uint32_t server);
  virtual void channel_closed() {}
  virtual void connection_opened(std::uint32_t /*server*/) {}
  virtual void connection_closed(std::uint32_t server) = 0;

  Story* story_;
  ClusterBook* book_;
  Pid pid_;
  std::vector<Held> held_;
  std::vector<Shared> shared_;
  bool mad_ = false;
  bool over_ = false;  // the channel has ended, as agreed
};

class BatonWorker final : public ClusterWorker, private ClusterEnd::Program {
 public:
  BatonWorker(Story& story, ClusterBook& book, Pid pid, int descriptor, bool announces);

  Peer& wire() override { return end_; }
  void listen(int port) override;
  void close_server(int port) override;
  void leave() override;
  void lag(double milliseconds) override;
  void timer() override;
  [[nodiscard]] std::uint64_t due() const override;
  [[nodiscard]] bool is_node() const override { return false; }
  [[nodiscard]] bool leaving() const override { return machine_.leaving(); }
  [[nodiscard]] bool listens(int port) const override;
  void max_connections(std::optional<std::uint64_t> most) override;
  void go_mad() override;

 private:
  struct Server {
    cluster::ServerId id;
    int port;
  };
  void on_internal(ClusterEnd& at, const Value& message, int descriptor) override;
  void on_read_done(ClusterEnd& at) override;
  void on_internal_refused(ClusterEnd& at, const Value& message) override;
  void on_baton(ClusterEnd& at) override;
  void on_written(ClusterEnd& at, std::uint64_t token) override;
  void on_end(ClusterEnd& at) override;
  void connection_opened(std::uint32_t server) override;
  void connection_closed(std::uint32_t server) override;
  void pump();
  void carry_out(const cluster::WorkerAction& action);
  void adopt(const cluster::WorkerAction& action);
  int take(std::uint32_t handle);

  ClusterEnd end_;
  cluster::WorkerMachine machine_;
  std::vector<Server> servers_;
  std::vector<int> handles_;
  cluster::ServerId next_server_ = 1;
  std::optional<std::uint64_t> most_;
  bool pumping_ = false;
};

/// Node's own worker, as its source has it: it serves a connection before its answer is on its way, and drops
/// what it has not written when it leaves.
class NodeWorker final : public ClusterWorker {
 public:
  NodeWorker(Story& story, ClusterBook& book, Pid pid, int descriptor);

  Peer& wire() override { return peer_; }
  void listen(int port) override;
  void close_server(int port) override;
  void leave() override;
  /// It has the preload module, as it reports.
  void lag(double milliseconds) override;
  [[nodiscard]] bool is_node() const override { return true; }
  [[nodiscard]] bool leaving() const override { return leaving_; }
  [[nodiscard]] bool listens(int port) const override;
  void max_connections(std::optional<std::uint64_t> most) override { most_ = most; }
  void go_mad() override;

  void heard(const Value& message, int descriptor);
  void ended();
  void check_leaving();

 private:
  enum class Phase { asked, open, closed };
  struct Server {
    std::uint32_t id;
    int port;
    Phase phase;
    std::int64_t query;
    std::string key;
    std::uint64_t open = 0;
  };
  void connection_opened(std::uint32_t server) override;
  void connection_closed(std::uint32_t server) override;
  void channel_closed() override {
    if (!over_) ended();
  }
  void say(Value message);
  void query(std::string_view act, Server& server);
  void reply(const Value& message, int descriptor);
  void new_connection(const Value& message, int descriptor);
  void close(Server& server);
  void leave(bool told);
  void drain();

  NodePeer peer_;
  std::vector<Server> servers_;
  std::uint32_t next_server_ = 1;
  std::int64_t seq_ = 0;
  std::optional<std::uint64_t> most_;
  std::int64_t farewell_ = -1;
  bool leaving_ = false;
  bool told_ = false;
};

}  // namespace baton::sim
