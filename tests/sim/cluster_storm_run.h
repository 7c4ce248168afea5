#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/cluster_primary.h"
#include "sim/cluster_storm.h"
#include "sim/cluster_worker.h"

namespace baton::sim {

/// One run of a cluster's storm after the other.
class ClusterStorm final : public Story, public ClusterPrimary::World {
 public:
  ClusterStorm() { kernel_ = &model_; }
  std::optional<Failure> run(Random& random, bool hands_over);
  std::optional<Failure> turns(Random& random);

  void delivered(Peer& at, const Value& message, int descriptor, bool keyed) override;
  void taken(Peer&, MessageId) override {}
  void returned(Peer&, MessageId, int) override {}
  void keeps_a_copy(Peer&, int, bool) override {}
  void withdrawn(MessageId) override {}
  void overtaken(MessageId) override {}
  void settled(MessageId, bool) override {}
  void ended(Peer& at) override;
  void reported(Peer&, const Error&) override {}
  void wrong(std::string what) override { book_.wrong(std::move(what)); }

 private:
  struct Member {
    cluster::WorkerId id;
    unsigned slot;
    std::unique_ptr<ClusterWorker> worker;
    bool death_seen = false;
    bool told = false;
  };

  void begin(Random& random, cluster::Policy policy);
  cluster::Policy choose_policy(bool hands_over);
  Member& start_worker(unsigned slot, bool node);
  Member& any() { return *members_[below(members_.size())]; }
  std::uint32_t below(std::size_t n) { return random_->below(static_cast<std::uint32_t>(n)); }
  std::uint16_t some() { return static_cast<std::uint16_t>(below(4) == 3 ? below(200) : 0); }

  void step();
  void io();
  void one_io();
  void client();
  void program();
  void trouble();
  void reload();
  void kill(Member& member, int signal);
  void see_death(Member& member);
  void signal(cluster::WorkerId worker, int signal) override;
  Pid pid_of(cluster::WorkerId worker) override;
  Member* member_of(cluster::WorkerId worker);

  void calm_down();
  void come_to_rest();
  [[nodiscard]] bool rests();
  bool round();
  bool run_member(Member& member);
  void leave_all();
  void primary_dies();
  void check();
  std::optional<Failure> result();

  Random nothing_{0};
  ModelKernel model_{nothing_};
  ClusterBook book_{model_};
  std::unique_ptr<ClusterPrimary> primary_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<int> ports_;
  cluster::WorkerId next_worker_ = 1;
  std::uint32_t io_share_ = 0;
  std::uint32_t clients_ = 0;
  std::uint32_t leap_ = 0;
  bool nodes_ = false;
  bool calm_ = false;
  bool leaving_ = false;
  bool undisturbed_ = false;
};

}  // namespace baton::sim
