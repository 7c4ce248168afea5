#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/peer.h"
#include "wire/channel_codec.h"

namespace baton::sim {

/// A small Node: its rules of sending, of answering and of pairing, its mistakes included. What would throw
/// in Node (a frame that is no message, an answer that nothing waits for) is a fault of the peer's here.
class NodePeer final : public Peer {
 public:
  NodePeer(Story& story, Pid pid, int descriptor, Serialization serialization = Serialization::json)
      : Peer(story, pid, descriptor), codec_(serialization, ~std::size_t{0}) {}

  [[nodiscard]] bool ready(Act act) const override;
  void act(Act act) override;
  [[nodiscard]] std::uint64_t due() const override;

  bool send(MessageId id, const Value& message, int descriptor, Cargo cargo, bool keyed) override;
  void disconnect() override;
  void about_to_die() override;

  [[nodiscard]] bool accepts() const override { return open() && !disconnecting_; }
  [[nodiscard]] bool idle() const override { return !queue_ && writes_.empty(); }
  [[nodiscard]] bool careless() const override { return true; }
  /// An ACK that is not in the kernel: what it stands for may be acted on already.
  [[nodiscard]] bool acts_early() const;

 private:
  struct Item {
    MessageId id;
    Value body;          // a NODE_HANDLE, or the whole message
    int descriptor;      // -1: none
    bool kept;           // until its ACK, to be sent again
    unsigned tries = 0;  // beyond the first
  };
  struct Write {
    std::string bytes;
    int descriptor;
    bool is_ack;
    bool close_after;
  };

  void read();
  void write();
  void on_frame(std::string_view text);
  void handle_message(Value message);
  void answer(bool accepted);
  void put(Item item);
  void put_frame(std::string frame, bool is_ack = false);
  void drop(Item& item, bool taken);
  void close_all();

  wire::ChannelCodec codec_;
  int slot_ = -1;  // the pending handle
  std::optional<std::deque<Item>> queue_;
  std::optional<Item> pending_;
  std::deque<Write> writes_;
  bool disconnecting_ = false;
  bool told_ = false;
  bool end_ = false;
  bool blocked_ = false;
  std::uint64_t not_before_ = 0;
};

}  // namespace baton::sim
