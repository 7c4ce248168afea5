#pragma once

#include <string>
#include <string_view>

#include "sim/peer.h"
#include "wire/channel_codec.h"

namespace baton::sim {

/// A peer that does anything: bytes and descriptors at random, whole lies, halves of truths.
class ByzantinePeer final : public Peer {
 public:
  ByzantinePeer(Story& story, Pid pid, int descriptor, Serialization serialization);

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
  [[nodiscard]] std::string framed(std::string_view line) const;

  bool reads_;
  std::string queue_;
  wire::ChannelCodec codec_;
  bool json_;
  bool in_step_ = true;    // of lengths: a wrong one makes parts of all that follows
  bool line_over_ = true;  // what comes next begins a frame
};

}  // namespace baton::sim
