#include "sim/channel_storm.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "sim/byzantine_peer.h"
#include "sim/channel_end.h"
#include "sim/channel_storm_run.h"
#include "sim/node_peer.h"

namespace baton::sim {

// ------------------------------------------------------------------------------------------------ the cast

std::optional<Failure> ChannelStorm::run(Random& random, Cast cast) {
  begin(random, cast);
  const std::uint32_t steps = below(600);
  for (std::uint32_t i = 0; i < steps && book_.first_wrong().empty(); ++i) {
    step();
    check();
  }
  calm_down();
  come_to_rest();
  check_undisturbed();
  finish();
  links_.clear();
  held_.clear();
  std::string said = book_.first_wrong();
  if (said.empty()) said = model_.violation();
  if (said.empty()) said = model_.audit();
  if (said.empty()) return std::nullopt;
  return Failure{std::move(said)};
}

void ChannelStorm::begin(Random& random, Cast cast) {
  random_ = &random;
  now_ = 0;
  calm_ = false;
  cast_ = cast;
  model_.reset(random);
  book_.reset();
  links_.clear();
  held_.clear();
  limits_ = {};
  limits_.message = 400;
  limits_.depth = 20;
  limits_.queue = random.between(300, 1500);
  // A coin that was thrown already.
  serialization_ = limits_.queue % 2 == 0 ? Serialization::advanced : Serialization::json;
  io_share_ = random.between(16, 50);
  limits_.high_water = 100;
  if (limits_.queue % 3 > 0) limits_.values = limits_.queue % 7 * 20;  // the rest waits as it came
  if (limits_.queue % 4 == 0) limits_.at_once = limits_.queue % 11 * 20;
  limits_.offers = random.between(1, 6);
  limits_.handles = limits_.offers + 1 + limits_.queue % 5;
  model_.faults = {.short_send = some(),
                   .short_receive = some(),
                   .blocked_send = some(),
                   .blocked_receive = some(),
                   .interrupted = some(),
                   .no_memory = some(),
                   .dropped_descriptors = below(6) == 5 ? std::uint16_t{900} : some()};
  model_.privileged = below(4) != 3;
  model_.start(-1, roomy);
  if (cast == Cast::byzantine) open_link(true);
  for (std::uint32_t i = random.between(1, 2); i > 0; --i) open_link(false);
}

void ChannelStorm::open_link(bool lies) {
  const Buffer buffer{.capacity = below(3) == 2 ? random_->between(20, 200) : random_->between(200, 4000),
                      .piece = random_->between(30, 1000),
                      .overhead = below(20)};
  int ends[2];
  if (model_.socket_pair(primary, ends, buffer) != 0) return;
  const Pid worker = model_.start(primary, 64);
  const int inherited = model_.inherit(primary, ends[1], worker);
  model_.close(primary, ends[1]);
  auto link = std::make_unique<Link>();
  link->lies = lies;
  link->streams = {book_.open_stream(), book_.open_stream()};
  link->ends[0] = make_end(0, primary, ends[0], lies);
  link->ends[1] = make_end(1, worker, inherited, lies);
  links_.push_back(std::move(link));
}

std::unique_ptr<Peer> ChannelStorm::make_end(std::size_t side, Pid pid, int descriptor, bool lies) {
  if (lies && side == 1) return std::make_unique<ByzantinePeer>(*this, pid, descriptor, serialization_);
  if (cast_ == (side == 0 ? Cast::node_primary : Cast::node_worker)) {
    return std::make_unique<NodePeer>(*this, pid, descriptor, serialization_);
  }
  const bool announces = side == 1 && (cast_ == Cast::batons || cast_ == Cast::byzantine);
  if (announces) met(Met::batons_agreed);
  return std::make_unique<ChannelEnd>(*this, pid, descriptor, limits_, serialization_, announces);
}

Link& ChannelStorm::link_of(const Peer& peer) {
  for (const auto& link : links_) {
    if (link->ends[0].get() == &peer || link->ends[1].get() == &peer) return *link;
  }
  return *links_.front();
}

// ------------------------------------------------------------------------------------------------ what ends
// tell

void ChannelStorm::delivered(Peer& at, const Value& message, int descriptor, bool keyed) {
  const Link& link = link_of(at);
  const std::size_t side = link.side(at);
  if (link.lies) {
    const auto truth = message["file"].get_if_integer();
    if (truth && (descriptor < 0 || model_.file_of(at.pid(), descriptor) != *truth)) {
      wrong("a message of the liar's that is true came with another descriptor");
    }
    if (descriptor >= 0) model_.close(at.pid(), descriptor);
    return;
  }
  const auto id = static_cast<MessageId>(message["n"].get_if_integer().value_or(~MessageId{0}));
  book_.delivered(id, link.streams[1 - side], at, descriptor);
  if (descriptor < 0 || !book_.first_wrong().empty()) return;
  if (book_.carries_connection(id)) {
    held_.push_back({at.pid(), descriptor, model_.connection_of(at.pid(), descriptor), &at, keyed});
  } else {
    model_.close(at.pid(), descriptor);
  }
}

void ChannelStorm::taken(Peer& /*from*/, MessageId message) { book_.taken(message); }

void ChannelStorm::returned(Peer& from, MessageId message, int descriptor) {
  book_.returned(message, from, descriptor);
  const int connection = model_.connection_of(from.pid(), descriptor);
  if (connection >= 0) {
    held_.push_back({from.pid(), descriptor, connection, nullptr, false});
  } else {
    model_.close(from.pid(), descriptor);
  }
}

void ChannelStorm::ended(Peer& at) {
  Link& link = link_of(at);
  const std::size_t side = link.side(at);
  if (std::exchange(link.ended[side], true)) wrong("the end was told twice");
}

/// Between honest ends nothing is worth a report but descriptors cut off and what an end cut short.
void ChannelStorm::reported(Peer& at, const Error& error) {
  const Link& link = link_of(at);
  Peer& other = *link.ends[1 - link.side(at)];
  if (link.lies || error.code() == Errc::handle_lost || error.code() == Errc::disconnected) return;
  if (error.code() == Errc::handle_unclaimed && (!other.alive() || other.careless())) return;
  wrong(std::string("an honest peer is reported: ") + error.what());
}

// ------------------------------------------------------------------------------------------------ one step

void ChannelStorm::step() {
  ++now_;
  if (below(32) == 31) now_ += 300;
  const std::uint32_t choice = below(64);
  if (choice < io_share_) return io();
  if (choice < 62) return program();
  trouble();
}

void ChannelStorm::io() {
  Peer& peer = *any_link().ends[below(2)];
  if (!peer.running()) return;
  const std::uint32_t first = below(std::size(acts));
  for (std::size_t i = 0; i < std::size(acts); ++i) {
    const Act act = acts[(first + i) % std::size(acts)];
    if (!peer.ready(act)) continue;
    peer.act(act);
    return;
  }
}

void ChannelStorm::program() {
  Link& link = any_link();
  const std::size_t side = below(2);
  if (!link.ends[side]->running()) return;
  const std::size_t held = held_.empty() ? 0 : below(held_.size());
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      (void)send(link, side, Cargo::nothing, -1, -1, false);
      return;
    case 4:
    case 5:
      return accept();
    case 6:
      return send_shared(link, side);
    case 7:
      return link.ends[side]->ask();
    case 8:
      if (link.ended[side] || below(8) == 7) disconnect(link, side);
      return;
    case 9:
    case 10:
      if (!held_.empty()) work(held);
      return;
    default:
      if (!held_.empty()) give_away(held);
  }
}

void ChannelStorm::trouble() {
  Link& link = any_link();
  Peer& worker = *link.ends[1];
  switch (below(10)) {
    case 0:
    case 1:
      see_death(link, 0);
      see_death(link, 1);
      return;
    case 2:
    case 3:
      if (worker.alive()) kill(worker.pid());
      if (links_.size() < 5 && model_.runnable(primary)) open_link(false);
      return;
    case 4:
      if (below(4) == 3 && model_.alive(primary)) kill(primary);
      return;
    case 5:
    case 6: {
      Peer& peer = *link.ends[below(2)];
      if (!peer.alive()) return;
      if (!peer.idle()) met(Met::stopped_with_handles);
      model_.stop(peer.pid());
      return;
    }
    case 7:
      model_.set_limit(worker.pid(), below(6));
      return;
    case 8:
      model_.set_limit(below(2) == 0 ? primary : worker.pid(), below(2) == 0 ? roomy : below(10));
      return;
    default:
      for (Pid pid = 0; pid < model_.process_count(); ++pid) {
        if (model_.stopped(pid)) model_.resume(pid);
      }
  }
}

void ChannelStorm::kill(Pid pid) {
  for (const auto& link : links_) {
    for (const auto& end : link->ends) {
      if (end->pid() == pid) end->about_to_die();
    }
  }
  if (pid == primary) met(Met::primary_killed);
  model_.kill(pid, 9);
  std::erase_if(held_, [&](const Held& held) { return held.pid == pid; });
}

void ChannelStorm::see_death(Link& link, std::size_t side) {
  if (link.death_seen[side] || !link.ends[side]->running() || link.ends[1 - side]->alive()) return;
  link.death_seen[side] = true;
  link.ends[side]->peer_died();
}

void ChannelStorm::disconnect(Link& link, std::size_t side) {
  if (!link.ends[side]->accepts()) return;
  link.disconnected[side] = true;
  link.ends[side]->disconnect();
}

// ------------------------------------------------------------------------------------------------ the
// programs

void ChannelStorm::accept() {
  if (!model_.runnable(primary) || model_.connection_count() >= 40) return;
  const int descriptor = model_.open_connection(primary);
  if (descriptor < 0) return;
  const int connection = model_.connection_of(primary, descriptor);
  book_.accepted_by_primary(connection, primary);
  held_.push_back({primary, descriptor, connection, nullptr, false});
}

bool ChannelStorm::send(Link& link, std::size_t side, Cargo cargo, int descriptor, int connection,
                        bool keyed) {
  Peer& from = *link.ends[side];
  if (!from.accepts()) return false;
  const bool internal = below(4) == 3;
  const MessageId id = book_.accept(link.streams[side], from, *link.ends[1 - side], cargo, connection,
                                    !from.careless(), internal);
  Value message = Value::object().set("n", id);
  if (internal) message.set("cmd", "NODE_STORM");
  if (const std::uint32_t padding = below(3) == 2 ? below(120) : 0; padding > 0) {
    message.set("p", std::string(padding, '.'));
  }
  if (from.send(id, message, descriptor, cargo, keyed)) return true;
  book_.withdraw_last();
  return false;
}

void ChannelStorm::send_shared(Link& link, std::size_t side) {
  const Pid pid = link.ends[side]->pid();
  const bool listens = below(3) < 2;
  const int copy = listens ? model_.listen(pid, 3) : model_.open_datagram(pid);
  if (copy < 0) return;
  if (!send(link, side, listens ? Cargo::listener : Cargo::datagram, copy, -1, false))
    model_.close(pid, copy);
}

void ChannelStorm::hand_over(std::size_t index, Peer& through) {
  const Held held = held_[index];
  Link& link = link_of(through);
  if (!send(link, link.side(through), Cargo::connection, held.descriptor, held.connection, below(2) == 1))
    return;
  if (held.keyed && held.via != nullptr) held.via->socket_closed();
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
}

void ChannelStorm::give_away(std::size_t index) {
  const Held held = held_[index];
  if (held.read || !model_.runnable(held.pid)) return;
  if (held.pid == primary) return hand_over(index, *any_link().ends[0]);
  if (held.via == nullptr || below(4) != 3) return work(index);
  met(Met::handle_sent_back);
  hand_over(index, *held.via);
}

void ChannelStorm::work(std::size_t index) {
  Held& held = held_[index];
  if (!model_.runnable(held.pid) || (held.pid == primary && !calm_)) return;
  if (!held.read) {
    book_.reads(held.connection, held.pid);
    model_.read_connection(held.pid, held.descriptor);
    held.read = true;
    return;
  }
  book_.answers(held.connection);
  model_.answer_connection(held.pid, held.descriptor);
  model_.close(held.pid, held.descriptor);
  Peer* const via = held.via;
  const bool keyed = held.keyed;
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
  if (keyed && via != nullptr) via->socket_closed();
}

namespace {

std::optional<Failure> storm(Random& random, Cast cast) {
  static ChannelStorm one;  // it keeps its memory from seed to seed
  return one.run(random, cast);
}

}  // namespace

std::optional<Failure> batons_storm(Random& random) { return storm(random, Cast::batons); }
std::optional<Failure> silent_batons_storm(Random& random) { return storm(random, Cast::silent_batons); }
std::optional<Failure> node_storm(Random& random) {
  return storm(random, random.below(2) == 0 ? Cast::node_worker : Cast::node_primary);
}
std::optional<Failure> byzantine_storm(Random& random) { return storm(random, Cast::byzantine); }

}  // namespace baton::sim
