#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/channel_book.h"
#include "sim/peer.h"
#include "sim/scenario.h"
#include "wire/channel_machine.h"

namespace baton::sim {

enum class Cast : std::uint8_t { batons, silent_batons, node_worker, node_primary, byzantine };
inline constexpr Pid primary = 0;
inline constexpr std::uint32_t roomy = 4000;  // descriptors

/// A channel: its ends and streams are those of the primary, then those of the worker.
struct Link {
  std::array<std::unique_ptr<Peer>, 2> ends;
  std::array<int, 2> streams;  // by sender
  std::array<bool, 2> disconnected{}, ended{}, death_seen{};
  bool lies = false;

  [[nodiscard]] std::size_t side(const Peer& peer) const { return ends[0].get() == &peer ? 0 : 1; }
  [[nodiscard]] bool undisturbed() const {
    return !lies && ends[0]->alive() && ends[1]->alive() && !disconnected[0] && !disconnected[1] &&
           !ended[0] && !ended[1];
  }
};

/// A connection that a program has.
struct Held {
  Pid pid;
  int descriptor;
  int connection;
  Peer* via;  // the end that it came through; null: accepted here
  bool keyed;
  bool read = false;
};

/// One run of a storm after the other.
class ChannelStorm final : public Story {
 public:
  ChannelStorm() { kernel_ = &model_; }
  std::optional<Failure> run(Random& random, Cast cast);

  void delivered(Peer& at, const Value& message, int descriptor, bool keyed) override;
  void taken(Peer& from, MessageId message) override;
  void returned(Peer& from, MessageId message, int descriptor) override;
  void keeps_a_copy(Peer& at, int descriptor, bool keeps) override {
    book_.keeps_a_copy(model_.connection_of(at.pid(), descriptor), at.pid(), keeps);
  }
  void withdrawn(MessageId message) override { book_.withdrawn(message); }
  void overtaken(MessageId message) override { book_.overtaken(message); }
  void settled(MessageId message, bool well) override { book_.settled(message, well); }
  void ended(Peer& at) override;
  void reported(Peer& at, const Error& error) override;
  void wrong(std::string what) override { book_.wrong(std::move(what)); }

 private:
  void begin(Random& random, Cast cast);
  void open_link(bool lies);
  std::unique_ptr<Peer> make_end(std::size_t side, Pid pid, int descriptor, bool lies);
  Link& link_of(const Peer& peer);
  Link& any_link() { return *links_[below(links_.size())]; }
  std::uint32_t below(std::size_t n) { return random_->below(static_cast<std::uint32_t>(n)); }
  std::uint16_t some() { return static_cast<std::uint16_t>(below(4) == 3 ? below(300) : 0); }

  void step();
  void io();
  void program();
  void trouble();
  void kill(Pid pid);
  void see_death(Link& link, std::size_t side);
  void disconnect(Link& link, std::size_t side);

  void accept();
  void hand_over(std::size_t held, Peer& through);
  bool send(Link& link, std::size_t side, Cargo cargo, int descriptor, int connection, bool keyed);
  void send_shared(Link& link, std::size_t side);
  void work(std::size_t held);
  void give_away(std::size_t held);

  void calm_down();
  void come_to_rest();
  bool round();
  bool run_end(Peer& peer);
  bool serve_all();
  void check_undisturbed();
  void finish();
  void check();

  Random nothing_{0};
  ModelKernel model_{nothing_};
  ChannelBook book_{model_};
  Cast cast_ = Cast::batons;
  Serialization serialization_ = Serialization::json;
  wire::ChannelLimits limits_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Held> held_;
  std::uint32_t io_share_ = 0;  // of 64 steps
  bool calm_ = false;
};

}  // namespace baton::sim
