#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/primary_machine.h"
#include "sim/cluster_book.h"
#include "sim/cluster_end.h"

namespace baton::sim {

/// The primary's process: its machine, driven over the model kernel as the real driver drives it, but at the
/// pace that chance sets.
class ClusterPrimary final : public ClusterEnd::Program {
 public:
  /// The machine's way to the processes.
  class World {
   public:
    virtual ~World() = default;
    virtual void signal(cluster::WorkerId worker, int signal) = 0;
    virtual Pid pid_of(cluster::WorkerId worker) = 0;
  };

  ClusterPrimary(Story& story, ClusterBook& book, World& world, Pid pid, cluster::Policy policy,
                 const cluster::PrimaryLimits& limits);

  /// A worker that was forked with the other end of that channel.
  void add(cluster::WorkerId worker, unsigned slot, int descriptor);
  /// Its process is reaped. It counts as gone when all that it sent was read.
  void saw_death(cluster::WorkerId worker);
  void disconnect(cluster::WorkerId worker, bool behind_a_signal);
  void close_listeners();

  /// One system call or less; false: there is nothing to do.
  bool act(cluster::WorkerId worker, Act act);
  bool accept();
  bool look();
  /// What takes its time to be opened, one of them.
  bool open_one();
  void timer();
  [[nodiscard]] std::uint64_t due() const;
  [[nodiscard]] std::uint64_t machine_due() const { return machine_.next_deadline().value_or(Peer::never); }

  /// Sockets that clients can connect to: the open file of each.
  [[nodiscard]] std::vector<FileId> listeners() const;
  [[nodiscard]] cluster::PrimaryMachine& machine() { return machine_; }
  [[nodiscard]] bool gone(cluster::WorkerId worker) const { return !members_.contains(worker); }
  [[nodiscard]] bool channel_open(cluster::WorkerId worker) const;
  [[nodiscard]] std::string outgrown() const;
  /// What the machine has for itself: on offer, or waiting.
  [[nodiscard]] size_t connections() const { return connections_.size(); }
  bool fail_to_open = false;
  bool opens_late = false;

 private:
  struct Member {
    std::unique_ptr<ClusterEnd> end;
    std::map<wire::HandleId, cluster::ListenerId> shared{};
    bool dead = false;
  };
  struct Socket {
    int descriptor = -1;
    FileId file = -1;
    bool accepting = false;
  };
  struct Held {
    int descriptor = -1;  // -1: on offer
    ClusterEnd* at = nullptr;
    wire::HandleId offer = 0;
    int number = -1;
    int times = 0;
  };

  void on_internal(ClusterEnd& at, const Value& message, int descriptor) override;
  void on_refused(ClusterEnd& at, wire::HandleId offer) override;
  void on_unshared(ClusterEnd& at, wire::HandleId handle) override;
  void on_baton(ClusterEnd& at) override;
  void on_end(ClusterEnd& at) override;
  cluster::WorkerId worker_of(const ClusterEnd& end) const;
  void gone_if_read(cluster::WorkerId worker);
  void clock() { machine_.time(story_->now()); }
  void pump();
  void carry_out(const cluster::PrimaryAction& action);
  void open(const cluster::PrimaryAction& action);
  void open(cluster::ListenerId id, unsigned slot);
  void offer(const cluster::PrimaryAction& action);
  void share(const cluster::PrimaryAction& action);
  void close_listener(cluster::ListenerId listener);
  void close_connection(const cluster::PrimaryAction& action);
  void bring_back(Held& held);
  ModelKernel& kernel() { return story_->kernel(); }

  Story* story_;
  ClusterBook* book_;
  World* world_;
  Pid pid_;
  cluster::PrimaryMachine machine_;
  cluster::Policy policy_;
  cluster::PrimaryLimits limits_;
  std::map<cluster::WorkerId, Member> members_;
  std::vector<std::unique_ptr<ClusterEnd>> old_ends_;
  std::map<std::pair<cluster::ListenerId, unsigned>, Socket> sockets_;
  std::map<cluster::ConnectionId, Held> connections_;
  std::vector<cluster::ConnectionId> looks_;
  std::vector<std::pair<cluster::ListenerId, unsigned>> opens_;
  cluster::ConnectionId next_connection_ = 1;
  bool pumping_ = false;
};

}  // namespace baton::sim
