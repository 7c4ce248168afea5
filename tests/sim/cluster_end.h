#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/peer.h"
#include "wire/channel_machine.h"

namespace baton::sim {

/// An end of a channel as primaries and workers of a cluster have it: Baton's machine over the model kernel,
/// with internal messages and offers. One system call or less an act, as all peers.
class ClusterEnd final : public Peer {
 public:
  /// Whoever is behind it.
  class Program {
   public:
    virtual ~Program() = default;
    /// The descriptor (-1: none) is the program's.
    virtual void on_internal(ClusterEnd& at, const Value& message, int descriptor) = 0;
    virtual void on_read_done(ClusterEnd& /*at*/) {}
    virtual void on_internal_refused(ClusterEnd& /*at*/, const Value& /*message*/) {}
    virtual void on_refused(ClusterEnd& /*at*/, wire::HandleId /*offer*/) {}
    /// What was shared did not arrive, for good.
    virtual void on_unshared(ClusterEnd& /*at*/, wire::HandleId /*handle*/) {}
    virtual void on_baton(ClusterEnd& at) = 0;
    virtual void on_written(ClusterEnd& /*at*/, std::uint64_t /*token*/) {}
    virtual void on_end(ClusterEnd& at) = 0;
  };

  ClusterEnd(Story& story, Pid pid, int descriptor, bool announces, Program& program);

  /// `token` not 0: on_written will say so.
  bool say(const Value& message, std::uint64_t token = 0);
  /// The descriptor is the end's from now on, if it is taken.
  std::optional<wire::HandleId> share(const Value& message, int descriptor);
  std::optional<wire::HandleId> offer(const Value& message, int descriptor);
  /// The descriptor is the program's again.
  int take_back(wire::HandleId offer);
  /// As a process does that closes its channel and lives on.
  void close_rudely() {
    if (open()) close_channel();
  }

  [[nodiscard]] bool ready(Act act) const override;
  void act(Act act) override;
  [[nodiscard]] std::uint64_t due() const override;
  bool send(MessageId, const Value&, int, Cargo, bool) override { return false; }
  void disconnect() override;
  void peer_died() override;
  [[nodiscard]] bool accepts() const override { return open() && machine_.accepts(); }
  [[nodiscard]] bool idle() const override { return machine_.idle() && queue_.empty() && !dirty_; }
  [[nodiscard]] bool end_told() const { return end_told_; }

 private:
  void read();
  void collect();
  void write();
  void after_send(int result, bool carries);
  void deliver();
  void happened();
  void carry_out(const wire::Notice& notice);
  wire::HandleId keep(int descriptor);
  int give_up(wire::HandleId id);

  wire::ChannelMachine machine_;
  Program* program_;
  std::string queue_;
  std::deque<wire::Output::Mark> marks_;
  std::uint64_t taken_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t not_before_ = 0;
  std::vector<std::uint64_t> retries_;
  std::vector<int> handles_;                                     // by id; -1: gone
  std::vector<std::pair<std::uint64_t, std::uint64_t>> tokens_;  // sequence, token
  bool dirty_ = true;
  bool may_deliver_ = true;
  bool fed_ = false;
  bool blocked_ = false;
  bool end_seen_ = false;
  bool end_told_ = false;
  bool shut_ = false;
  bool peer_dead_ = false;
};

}  // namespace baton::sim
