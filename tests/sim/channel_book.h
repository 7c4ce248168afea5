#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/peer.h"

namespace baton::sim {

/// What really happened to every message and connection of a run, and what must not have. It sees all
/// processes at once.
class ChannelBook {
 public:
  explicit ChannelBook(ModelKernel& kernel) : kernel_(&kernel) {}
  void reset();

  /// One direction of one channel.
  int open_stream();
  MessageId accept(int stream, Peer& from, Peer& to, Cargo cargo, int connection, bool is_settled,
                   bool internal = false);
  /// The next message's number, for its text; it counts only when accepted.
  [[nodiscard]] MessageId next() const { return static_cast<MessageId>(messages_.size()); }
  void withdraw_last();

  void accepted_by_primary(int connection, Pid pid);
  void delivered(MessageId id, int stream, Peer& at, int descriptor);
  void taken(MessageId id);
  void returned(MessageId id, Peer& from, int descriptor);
  void keeps_a_copy(int connection, Pid pid, bool keeps);
  void withdrawn(MessageId id) { messages_[id].withdrawn = true; }
  void overtaken(MessageId id) { messages_[id].overtaken = true; }
  void settled(MessageId id, bool well);
  void reads(int connection, Pid pid);
  void answers(int connection);
  void wrong(std::string what);

  [[nodiscard]] bool all_delivered(int stream) const;
  [[nodiscard]] bool carries_connection(MessageId id) const {
    return messages_[id].cargo == Cargo::connection;
  }
  [[nodiscard]] bool known(MessageId id) const { return id < messages_.size(); }
  /// After everything has come to rest.
  void check_the_end();
  [[nodiscard]] const std::string& first_wrong() const { return wrong_; }

 private:
  struct Message {
    int stream;
    std::uint32_t index;
    int plain;  // its place among those without a handle; -1: it has one
    Peer* from;
    Peer* to;
    Cargo cargo;
    int connection;
    bool is_settled;  // the sender will be told its fate
    bool internal;
    bool withdrawn = false;
    bool delivered = false, taken = false, returned = false, overtaken = false, settled = false, well = false;
  };
  struct Stream {
    std::uint32_t sent = 0;
    std::array<int, 2> plain_sent{};  // by kind: for the program, internal
    std::array<int, 2> plain_delivered{};
    std::array<std::int64_t, 2> last{-1, -1};
  };
  struct Owner {
    Pid holder = -1;  // who may act on it; -1: it is on offer
    std::int64_t offer = -1;
    std::vector<Pid> keepers{};  // of copies that nobody acts on
    bool twice = false;          // a careless peer acted on it before its ACK could be read
  };

  void in_order(const Message& message, const Peer& at);
  void check_message(const Message& message);
  void check_connection(int number);

  ModelKernel* kernel_;
  std::vector<Message> messages_;
  std::vector<Stream> streams_;
  std::vector<Owner> owners_;
  std::string wrong_;
};

}  // namespace baton::sim
