#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "sim/peer.h"
#include "wire/channel_machine.h"

namespace baton::sim {

/// Baton's own end: the machine of wire/, driven over the model kernel as the real driver drives it over
/// Linux, but at the pace that chance sets.
class ChannelEnd final : public Peer {
 public:
  ChannelEnd(Story& story, Pid pid, int descriptor, const wire::ChannelLimits& limits,
             Serialization serialization, bool announces);

  [[nodiscard]] bool ready(Act act) const override;
  void act(Act act) override;
  [[nodiscard]] std::uint64_t due() const override;

  bool send(MessageId id, const Value& message, int descriptor, Cargo cargo, bool keyed) override;
  void disconnect() override;
  void peer_died() override;
  void socket_closed() override;
  void ask() override;
  void about_to_die() override;

  [[nodiscard]] bool accepts() const override { return open() && machine_.accepts(); }
  [[nodiscard]] bool idle() const override { return machine_.idle() && queue_.empty() && !dirty_; }
  [[nodiscard]] bool in_doubt() const override { return end_seen() && !machine_.ledger().empty(); }
  [[nodiscard]] bool waits() const override { return asked_; }
  [[nodiscard]] bool internals_overtake() const override { return internals_first_; }
  [[nodiscard]] std::string outgrown() const override;

 private:
  static constexpr MessageId none = ~MessageId{0};
  // A descriptor that the machine knows by its place here.
  struct Handle {
    int descriptor;
    MessageId message;  // that it rides on; none for one that was received
    bool keyed;
    std::uint64_t offer = 0;  // sequence of the message it is offered with
  };
  // An offer that was acknowledged, whose copy is kept a while.
  struct Kept {
    std::uint64_t until;
    wire::HandleId id;
  };

  Result<std::uint64_t> send_handle(MessageId id, const Value& message, int descriptor, Cargo cargo,
                                    bool keyed);
  void read();
  void was_fed();
  void collect();
  void write();

  bool reads_elsewhere();
  void deliver();
  void after_send(int result, std::size_t length, bool carries);
  void happened();
  void carry_out(const wire::Notice& notice);
  void settled(MessageId id, bool well);
  void offer_settled(wire::HandleId id, bool well);
  void let_go_of_kept();
  void change_mind();
  void returned(const wire::Notice& notice);
  void close_handle(wire::HandleId id);
  wire::HandleId keep(int descriptor, MessageId message, bool keyed = false);
  [[nodiscard]] bool end_seen() const { return end_seen_ || machine_.input_refused(); }
  [[nodiscard]] bool may_write() const;

  [[nodiscard]] bool queues(MessageId id) const;

  wire::ChannelLimits limits_;
  Serialization serialization_;
  wire::ChannelMachine machine_;
  std::string queue_;  // what was taken from the machine and is not in the kernel
  std::deque<wire::Output::Mark> marks_;
  std::uint64_t taken_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t not_before_ = 0;  // of the next write
  std::vector<std::uint64_t> retries_;
  std::vector<Kept> kept_;
  std::vector<Handle> handles_;
  std::vector<MessageId> messages_;  // by sequence
  int undelivered_handles_ = 0;
  bool internals_first_;
  bool dirty_ = true;        // the machine may have output
  bool may_deliver_ = true;  // or deliveries
  bool blocked_ = false;
  bool end_seen_ = false;
  bool shut_ = false;
  bool peer_dead_ = false;
  bool asked_ = false;
  bool key_known_ = false;
};

}  // namespace baton::sim
