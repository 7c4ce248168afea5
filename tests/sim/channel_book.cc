#include "sim/channel_book.h"

#include <algorithm>
#include <utility>

namespace baton::sim {
namespace {

std::uint64_t bit(Pid pid) { return std::uint64_t{1} << static_cast<unsigned>(pid); }

}  // namespace

void ChannelBook::reset() {
  messages_.clear();
  streams_.clear();
  owners_.clear();
  wrong_.clear();
}

void ChannelBook::wrong(std::string what) {
  if (wrong_.empty()) wrong_ = std::move(what);
}

int ChannelBook::open_stream() {
  streams_.emplace_back();
  return static_cast<int>(streams_.size()) - 1;
}

MessageId ChannelBook::accept(int stream, Peer& from, Peer& to, Cargo cargo, int connection, bool is_settled,
                              bool internal) {
  Stream& way = streams_[static_cast<std::size_t>(stream)];
  const int plain = cargo == Cargo::nothing ? way.plain_sent[internal ? 1 : 0]++ : -1;
  messages_.push_back({stream, way.sent++, plain, &from, &to, cargo, connection, is_settled, internal});
  const MessageId id = next() - 1;
  if (connection >= 0) {
    Owner& owner = owners_[static_cast<std::size_t>(connection)];
    if (owner.holder != from.pid()) wrong("a connection is sent by one who does not hold it");
    owner.holder = -1;
    owner.offer = id;
  }
  return id;
}

void ChannelBook::withdraw_last() {
  const Message& last = messages_.back();
  Stream& way = streams_[static_cast<std::size_t>(last.stream)];
  --way.sent;
  if (last.plain >= 0) --way.plain_sent[last.internal ? 1 : 0];
  if (last.connection >= 0) {
    Owner& owner = owners_[static_cast<std::size_t>(last.connection)];
    owner.holder = last.from->pid();
    owner.offer = -1;
  }
  messages_.pop_back();
}

void ChannelBook::accepted_by_primary(int connection, Pid pid) {
  owners_.resize(static_cast<std::size_t>(connection) + 1);
  owners_.back().holder = pid;
}

void ChannelBook::in_order(const Message& message, const Peer& at) {
  Stream& way = streams_[static_cast<std::size_t>(message.stream)];
  const std::size_t kind = message.internal ? 1 : 0;
  if (message.plain >= 0 && message.plain != way.plain_delivered[kind]++) {
    wrong("a message came out of order, or one before it was lost");
  }
  if (message.overtaken) return;
  const bool late = message.index < way.last[1 - kind] && !at.internals_overtake();
  if (message.index < way.last[kind] || late) wrong("a message came out of order");
  way.last[kind] = message.index;
}

void ChannelBook::delivered(MessageId id, int stream, Peer& at, int descriptor) {
  if (!known(id) || messages_[id].stream != stream) return wrong("a message came that nobody sent here");
  Message& message = messages_[id];
  if (message.delivered) return wrong("a message came twice");
  if (message.returned) return wrong("a handle came whose sender has taken it back");
  message.delivered = true;
  in_order(message, at);
  if ((descriptor >= 0) != (message.cargo != Cargo::nothing))
    return wrong("a message came without its handle");
  if (message.cargo == Cargo::listener || message.cargo == Cargo::datagram) {
    const bool listener = message.cargo == Cargo::listener;
    const FileKind kind = kernel_->kind_of(kernel_->file_of(at.pid(), descriptor));
    if (kind != (listener ? FileKind::listener : FileKind::datagram))
      wrong("a message came with another's handle");
  }
  if (message.cargo != Cargo::connection) return;
  if (kernel_->connection_of(at.pid(), descriptor) != message.connection) {
    return wrong("a message came with another's handle");
  }
  Owner& owner = owners_[static_cast<std::size_t>(message.connection)];
  if (owner.holder != -1 || owner.offer != id) return wrong("a connection has two owners");
  owner.holder = at.pid();
}

void ChannelBook::taken(MessageId id) {
  Message& message = messages_[id];
  if (message.taken || message.returned) wrong("a handle has two fates");
  message.taken = true;
}

void ChannelBook::returned(MessageId id, Peer& from, int descriptor) {
  Message& message = messages_[id];
  if (message.taken || message.returned) wrong("a handle has two fates");
  message.returned = true;
  if (message.cargo != Cargo::connection) return;
  if (kernel_->connection_of(from.pid(), descriptor) != message.connection)
    wrong("another's handle came back");
  const bool honest = !message.to->careless();
  const Connection& connection = kernel_->connection(message.connection);
  Owner& owner = owners_[static_cast<std::size_t>(message.connection)];
  const bool keeps_a_copy = std::ranges::find(owner.keepers, message.to->pid()) != owner.keepers.end();
  // Who had sent it before may have a copy until the ACK of that.
  const bool left = !message.withdrawn && !keeps_a_copy;
  if (honest && left && (connection.holders & bit(message.to->pid())) != 0) {
    wrong("a connection was taken back from one who still has it");
  }
  if (message.delivered) {
    if (honest || message.to->alive()) wrong("a delivered connection was taken back");
    owner.twice = true;
  }
  owner.holder = from.pid();
  owner.offer = -1;
}

void ChannelBook::keeps_a_copy(int connection, Pid pid, bool keeps) {
  auto& keepers = owners_[static_cast<std::size_t>(connection)].keepers;
  if (keeps) return keepers.push_back(pid);
  keepers.erase(std::ranges::find(keepers, pid));
}

void ChannelBook::settled(MessageId id, bool well) {
  Message& message = messages_[id];
  if (message.settled) wrong("a message was settled twice");
  message.settled = true;
  message.well = well;
  if (message.cargo != Cargo::nothing && (well ? !message.taken : !message.returned)) {
    wrong("a handle's message was settled otherwise than its handle");
  }
}

void ChannelBook::reads(int connection, Pid pid) {
  const Owner& owner = owners_[static_cast<std::size_t>(connection)];
  if (owner.holder != pid) wrong("a connection is read by one who does not hold it");
  if (!owner.twice && (kernel_->connection(connection).readers & ~bit(pid)) != 0) {
    wrong("a connection is read by two");
  }
}

void ChannelBook::answers(int connection) {
  if (kernel_->connection(connection).answers > 0 && !owners_[static_cast<std::size_t>(connection)].twice) {
    wrong("a connection is answered twice");
  }
}

bool ChannelBook::all_delivered(int stream) const {
  for (const Message& message : messages_) {
    if (message.stream != stream || message.delivered || message.returned) continue;
    // Node tells nobody of a handle that was refused too often.
    if (message.cargo == Cargo::nothing || !message.from->careless()) return false;
  }
  return true;
}

void ChannelBook::check_the_end() {
  for (const Message& message : messages_) check_message(message);
  for (int number = 0; number < kernel_->connection_count(); ++number) check_connection(number);
}

void ChannelBook::check_message(const Message& message) {
  if (!message.from->alive() || message.from->careless()) return;
  if (message.is_settled && !message.settled) wrong("nobody was told the fate of a message");
  if (message.cargo != Cargo::nothing && !message.taken && !message.returned) {
    wrong("a handle that was sent waits for ever");
  }
  if (message.delivered || message.returned || !message.to->alive() || message.to->careless()) return;
  wrong("a message was lost though both ends live");
}

void ChannelBook::check_connection(int number) {
  if (kernel_->connection(number).answers > 0) return;
  const Owner& owner = owners_[static_cast<std::size_t>(number)];
  if (owner.holder >= 0) {
    if (kernel_->alive(owner.holder)) wrong("a connection was never answered though its owner lives");
    return;
  }
  const Message& offer = messages_[static_cast<std::size_t>(owner.offer)];
  if (!offer.from->alive() || offer.from->careless() || offer.to->careless()) return;
  if (!offer.taken || offer.to->alive()) wrong("a connection was lost on its way");
}

}  // namespace baton::sim
