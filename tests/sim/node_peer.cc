#include "sim/node_peer.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "wire/handle_message.h"

namespace baton::sim {
namespace {

constexpr std::uint32_t slots = 60;  // of libuv's control buffer

Value envelope(std::string_view type, const Value& message) {
  return Value::object().set("cmd", "NODE_HANDLE").set("type", type).set("msg", message);
}

}  // namespace

bool NodePeer::ready(Act act) const {
  switch (act) {
    case Act::read:
      return open() && !end_ && (polled() & (POLLIN | POLLERR)) != 0;
    case Act::write:
      if (!open() || writes_.empty() || not_before_ > story().now()) return false;
      return !blocked_ || (polled() & (POLLOUT | POLLERR | POLLHUP)) != 0;
    case Act::deliver:
      return end_ && !told_;
    case Act::timer:
      return false;
    case Act::close:
      return open() && (end_ || (disconnecting_ && !queue_));
  }
  return false;
}

void NodePeer::act(Act act) {
  switch (act) {
    case Act::read:
      return read();
    case Act::write:
      return write();
    case Act::deliver:
      told_ = true;
      return story().ended(*this);
    case Act::close:
      return close_all();
    case Act::timer:
      return;
  }
}

std::uint64_t NodePeer::due() const {
  return open() && not_before_ > story().now() ? not_before_ : Peer::never;
}

// ------------------------------------------------------------------------------------------------ sending

bool NodePeer::send(MessageId id, const Value& message, int descriptor, Cargo cargo, bool keyed) {
  if (!accepts()) return false;
  Item item{id, message, descriptor, cargo == Cargo::connection};
  if (cargo != Cargo::nothing) {
    item.body = envelope(type_of(cargo), message);
    if (cargo == Cargo::datagram) item.body.set("dgramType", "udp4");
    if (keyed) item.body.set("key", "4:127.0.0.1:0");
  }
  put(std::move(item));
  return true;
}

void NodePeer::put(Item item) {
  if (queue_) return queue_->push_back(std::move(item));
  std::string frame = codec_.frame(item.tries > 0 ? envelope("net.Native", item.body) : item.body);
  if (item.tries > 0) met(Met::node_wrapped_twice);
  if (item.descriptor < 0) return put_frame(std::move(frame));
  queue_.emplace();
  writes_.push_back({std::move(frame), item.descriptor, false, !item.kept});
  if (item.kept) pending_ = std::move(item);
}

void NodePeer::put_frame(std::string frame, bool is_ack) {
  writes_.push_back({std::move(frame), -1, is_ack, false});
}

void NodePeer::answer(bool accepted) {
  if (!queue_) return story().wrong("an answer that Node does not wait for: it dies");
  if (pending_ && (accepted || pending_->tries == 3)) {
    drop(*pending_, accepted);
    pending_.reset();
  }
  std::deque<Item> waiting = std::move(*queue_);
  queue_.reset();
  if (pending_) {
    Item again = std::move(*pending_);
    pending_.reset();
    ++again.tries;
    put(std::move(again));
  }
  for (Item& item : waiting) put(std::move(item));
}

void NodePeer::drop(Item& item, bool taken) {
  kernel().close(pid(), item.descriptor);
  if (taken) story().taken(*this, item.id);
}

void NodePeer::disconnect() { disconnecting_ = true; }

bool NodePeer::acts_early() const { return std::ranges::any_of(writes_, &Write::is_ack); }

void NodePeer::about_to_die() {
  if (acts_early()) met(Met::node_died_before_its_ack);
}

void NodePeer::write() {
  Write& next = writes_.front();
  const std::span<const int> carried(&next.descriptor, next.descriptor >= 0 ? 1 : 0);
  const int result = kernel().send(pid(), descriptor(), next.bytes, carried);
  blocked_ = result == -EAGAIN;
  if (result == -EAGAIN || result == -EINTR) return;
  if (result == -ETOOMANYREFS || result == -ENOBUFS) {
    not_before_ = story().now() + 5;
    return;
  }
  if (result > 0) {
    if (next.close_after && next.descriptor >= 0) kernel().close(pid(), next.descriptor);
    next.descriptor = -1;
    next.bytes.erase(0, static_cast<std::size_t>(result));
    if (!next.bytes.empty()) return;
  } else if (next.close_after && next.descriptor >= 0) {
    kernel().close(pid(), next.descriptor);
  }
  writes_.pop_front();
}

// ------------------------------------------------------------------------------------------------ receiving

void NodePeer::read() {
  std::array<char, 512> room;
  const Received got = kernel().receive(pid(), descriptor(), room, slots);
  if (got.result == -EAGAIN || got.result == -EINTR) return;
  if (got.result <= 0) {
    end_ = true;
    return;
  }
  for (const int descriptor : got.descriptors) {
    if (slot_ >= 0) kernel().close(pid(), slot_);
    slot_ = descriptor;
  }
  codec_.feed({room.data(), static_cast<std::size_t>(got.result)});
  while (const auto frame = codec_.next()) on_frame(frame->text());
}

void NodePeer::on_frame(std::string_view text) {
  auto message = codec_.read(text, wire::ChannelLimits());
  if (!message) return story().wrong("a frame that is no message: Node dies");
  const std::string_view command = wire::internal_command(*message);
  if (command == "NODE_HANDLE") return handle_message(std::move(*message));
  if (command == "NODE_HANDLE_ACK") return answer(true);
  if (command == "NODE_HANDLE_NACK") return answer(false);
  if (command == "NODE_SOCKET_NOTIFY_CLOSE") {
    put({0, Value::object().set("cmd", "NODE_SOCKET_ALL_CLOSED").set("key", "4:127.0.0.1:0"), -1, false});
  }
  // The last two are for the preload module.
  constexpr std::string_view heard[] = {"", "NODE_STORM", "NODE_CLUSTER", "NODE_BATON_PING",
                                        "NODE_BATON_DRAIN"};
  if (std::ranges::find(heard, command) != std::end(heard)) story().delivered(*this, *message, -1, false);
}

void NodePeer::handle_message(Value message) {
  if (slot_ < 0) {
    met(Met::node_refused);
    return put_frame(codec_.nack());
  }
  put_frame(codec_.ack(), true);
  // libuv has tried to write it by now; it may be in the kernel or not.
  if (writes_.size() == 1 && !blocked_) write();
  story().delivered(*this, message["msg"], std::exchange(slot_, -1), false);
}

void NodePeer::close_all() {
  if (slot_ >= 0) kernel().close(pid(), std::exchange(slot_, -1));
  // Of what waits, nobody is told.
  for (const Write& one : writes_) {
    if (one.close_after && one.descriptor >= 0) kernel().close(pid(), one.descriptor);
  }
  if (pending_) drop(*pending_, false);
  pending_.reset();
  if (queue_) {
    for (Item& item : *queue_) {
      if (item.descriptor >= 0) drop(item, false);
    }
  }
  queue_.reset();
  writes_.clear();
  end_ = true;
  told_ = true;
  close_channel();
}

}  // namespace baton::sim
