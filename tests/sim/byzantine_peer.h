#pragma once

#include <string>

#include "sim/peer.h"

namespace baton::sim {

/// A peer that does anything: bytes and descriptors at random, whole lies, halves of truths.
class ByzantinePeer final : public Peer {
 public:
  ByzantinePeer(Story& story, Pid pid, int descriptor);

  [[nodiscard]] bool ready(Act act) const override;
  void act(Act act) override;
  bool send(MessageId /*id*/, const Value& /*message*/, int /*descriptor*/, Cargo /*cargo*/,
            bool /*keyed*/) override {
    return false;
  }
  void disconnect() override {}
  [[nodiscard]] bool accepts() const override { return false; }
  [[nodiscard]] bool idle() const override { return true; }
  [[nodiscard]] bool careless() const override { return true; }

 private:
  void read();
  void write();
  void invent();
  void tell_the_truth();

  bool reads_;
  std::string queue_;
  bool line_over_ = true;
};

}  // namespace baton::sim
