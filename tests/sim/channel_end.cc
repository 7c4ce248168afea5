#include "sim/channel_end.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "baton/wire/advanced.h"
#include "sim/file_kinds.h"

namespace baton::sim {
namespace {

using wire::Notice;

const std::string server_key = "4:127.0.0.1:0";

// What was read from the connection that a message brings, if anything was: it shows of which one.
std::string read_ahead(const Value& message) {
  if (message.find("ahead") == nullptr) return {};
  std::string bytes = "of " + std::to_string(message["n"].get_if_integer().value_or(-1));
  for (const char byte : {'\0', '\n', '"', '\x7f', '\x80', '\xff'}) bytes += byte;
  return bytes;
}

}  // namespace

ChannelEnd::ChannelEnd(Story& story, Pid pid, int descriptor, const wire::ChannelLimits& limits,
                       Serialization serialization, bool announces)
    : Peer(story, pid, descriptor),
      limits_(limits),
      serialization_(serialization),
      machine_(limits, serialization),
      internals_first_(random().below(2) == 1) {
  if (announces) machine_.announce();
}

bool ChannelEnd::ready(Act act) const {
  switch (act) {
    case Act::read:
      return open() && !end_seen() && !machine_.saturated() && (polled() & (POLLIN | POLLERR)) != 0;
    case Act::write:
      return may_write();
    case Act::deliver:
      return may_deliver_ || machine_.large_frame() || machine_.kept_frame();
    case Act::timer:
      return due() <= story().now();
    case Act::close:
      return open() && (shut_ || machine_.output_over()) && end_seen();
  }
  return false;
}

bool ChannelEnd::may_write() const {
  if (!open() || machine_.output_over() || (queue_.empty() && !dirty_) || not_before_ > story().now())
    return false;
  return !blocked_ || (polled() & (POLLOUT | POLLERR | POLLHUP)) != 0;
}

std::uint64_t ChannelEnd::due() const {
  std::uint64_t first = retries_.empty() ? never : *std::ranges::min_element(retries_);
  for (const Kept& kept : kept_) first = std::min(first, kept.until);
  if (not_before_ > story().now() && open()) first = std::min(first, not_before_);
  return first;
}

void ChannelEnd::act(Act act) {
  switch (act) {
    case Act::read:
      return read();
    case Act::write:
      return write();
    case Act::deliver:
      return deliver();
    case Act::close:
      return close_channel();
    case Act::timer:
      let_go_of_kept();
      if (retries_.empty() || *std::ranges::min_element(retries_) > story().now()) return;
      retries_.erase(std::ranges::min_element(retries_));
      for (const auto& entry : machine_.ledger().entries()) {
        if (entry.state != wire::HandoffLedger::State::refused) continue;
        met(Met::handle_offered_again);
        if (machine_.peer_is_baton()) story().overtaken(messages_[entry.sequence]);
      }
      machine_.retry_due();
      happened();
  }
}

// ------------------------------------------------------------------------------------------------ the
// program

bool ChannelEnd::send(MessageId id, const Value& message, int descriptor, Cargo cargo, bool keyed) {
  if (!open()) return false;
  if (end_seen()) met(Met::answered_after_half_close);
  Result<std::uint64_t> sent = 0;
  if (cargo == Cargo::nothing) {
    sent = machine_.send(message);
  } else {
    sent = send_handle(id, message, descriptor, cargo, keyed);
  }
  if (!sent) {
    if (sent.error().code() == Errc::queue_full) met(Met::queue_full);
    return false;
  }
  messages_.resize(*sent + 1, none);
  messages_[*sent] = id;
  machine_.watch(*sent);
  if (random().below(16) == 15) change_mind();
  if (machine_.ledger().size() == limits_.offers) met(Met::offers_at_the_limit);
  happened();
  return true;
}

Result<std::uint64_t> ChannelEnd::send_handle(MessageId id, const Value& message, int descriptor, Cargo cargo,
                                              bool keyed) {
  const bool offer = cargo == Cargo::connection && !keyed && random().below(2) == 0;
  Value said = message;
  // Where nobody would understand it, it is tried now and then.
  const bool ahead_too = random().below(machine_.peer_is_baton() ? 4 : 32) == 0;
  if (cargo == Cargo::connection && ahead_too) said.set("ahead", true);
  const std::string ahead = read_ahead(said);
  const wire::ChannelMachine::Outgoing handle{static_cast<wire::HandleId>(handles_.size()),
                                              type_of(cargo),
                                              keyed ? server_key : std::string_view{},
                                              offer,
                                              cargo == Cargo::datagram ? "udp4" : std::string_view{},
                                              ahead};
  auto sent = machine_.send(said, &handle);
  if (sent) handles_[keep(descriptor, id, keyed)].offer = offer ? *sent : 0;
  if (!ahead.empty() && sent && !machine_.peer_is_baton())
    story().wrong("Node would lose what was read ahead");
  return sent;
}

void ChannelEnd::disconnect() {
  if (!machine_.ledger().empty()) met(Met::disconnected_with_offers);
  if (machine_.unsent() > 0) met(Met::disconnected_with_a_queue);
  machine_.disconnect();
  happened();
}

void ChannelEnd::peer_died() {
  peer_dead_ = true;
  machine_.peer_gone();
  happened();
}

void ChannelEnd::socket_closed() {
  machine_.socket_closed(server_key);
  happened();
}

void ChannelEnd::ask() {
  if (asked_ || !key_known_ || !open() || end_seen() || !machine_.accepts()) return;
  asked_ = machine_.ask_sockets_closed(server_key);
  machine_.ask_socket_count(server_key);
  happened();
}

void ChannelEnd::about_to_die() {
  if (undelivered_handles_ > 0) {
    met(machine_.unsent() > 0 ? Met::killed_before_its_ack : Met::killed_before_its_delivery);
  }
  if (open() && kernel().unread(pid(), descriptor()) > 0) met(Met::killed_with_unread_input);
}

// ------------------------------------------------------------------------------------------------ the kernel

void ChannelEnd::read() {
  std::array<char, 512> room;
  static constexpr std::array<std::uint32_t, 4> sizes{512, 64, 7, 1};
  const std::uint32_t size = sizes[random().below(sizes.size())];
  const Received got = kernel().receive(pid(), descriptor(), std::span(room).first(size), 253);
  if (got.result == -EAGAIN || got.result == -EINTR) return;
  if (got.result <= 0) {
    if (got.result < 0) met(Met::reset);
    end_seen_ = true;
    machine_.end_of_input(got.result < 0);
    if (!machine_.ledger().empty()) met(Met::in_doubt);
    if (peer_dead_) machine_.peer_gone();
    return happened();
  }
  std::vector<wire::ReceivedHandle> brought;
  for (const int descriptor : got.descriptors) {
    const FileKind kind = kernel().kind_of(kernel().file_of(pid(), descriptor));
    brought.push_back({keep(descriptor, none), kind_of(kind)});
    ++undelivered_handles_;
  }
  if (got.truncated) met(Met::descriptor_cut_off);
  machine_.received({room.data(), static_cast<std::size_t>(got.result)}, brought, got.truncated);
  was_fed();
}

void ChannelEnd::was_fed() {
  if (machine_.input_refused()) {
    met(Met::input_refused);
    if (peer_dead_) machine_.peer_gone();
  }
  happened();
}

/// Takes what the machine has for the kernel.
void ChannelEnd::collect() {
  wire::Output output = machine_.take_output();
  for (const auto& mark : output.marks) marks_.push_back({taken_ + mark.offset, mark.handle});
  taken_ += output.bytes.size();
  queue_ += output.bytes;
}

void ChannelEnd::write() {
  collect();
  dirty_ = false;
  if (queue_.empty()) return;
  if (shut_) return story().wrong("there is output after the direction was finished");
  // One run: up to the next descriptor.
  std::size_t length = queue_.size();
  const bool carries = !marks_.empty() && marks_.front().offset == written_;
  if (marks_.size() > (carries ? 1U : 0U)) length = marks_[carries ? 1 : 0].offset - written_;
  int carried = -1;
  if (carries) carried = handles_[marks_.front().handle].descriptor;
  if (carries && carried < 0) return story().wrong("a handle was closed before it was sent");
  const std::span<const int> descriptors(&carried, carries ? 1 : 0);
  after_send(kernel().send(pid(), descriptor(), {queue_.data(), length}, descriptors), length, carries);
}

void ChannelEnd::after_send(int result, std::size_t length, bool carries) {
  blocked_ = result == -EAGAIN;
  if (result == -EAGAIN || result == -EINTR) return;
  if (result == -ETOOMANYREFS || result == -ENOBUFS) {
    if (result == -ETOOMANYREFS) met(Met::too_many_references);
    not_before_ = story().now() + 5;
    return;
  }
  if (result < 0) {
    met(Met::output_broke);
    machine_.output_broken(Error(-result, "send", "sendmsg"));
    return happened();
  }
  if (carries) marks_.pop_front();
  if (carries && static_cast<std::size_t>(result) < length) met(Met::part_of_a_write_with_a_descriptor);
  queue_.erase(0, static_cast<std::size_t>(result));
  written_ += static_cast<std::uint64_t>(result);
  machine_.written(written_);
  happened();
}

// ------------------------------------------------------------------------------------------------ the
// machine

/// What takes the loop too long comes back when it likes.
bool ChannelEnd::reads_elsewhere() {
  const auto read = [this](const std::string& frame) {
    return wire::read_message(serialization_, frame, limits_);
  };
  const auto large = machine_.large_frame();
  const auto kept = machine_.kept_frame();
  if (large && random().below(2) == 0) {
    met(Met::read_elsewhere);
    machine_.read_large(read(*large));
    was_fed();
  } else if (kept && random().below(2) == 0) {
    met(Met::read_elsewhere_after_it_waited);
    machine_.read_kept(kept, read(*kept).value());
    happened();
  } else {
    return false;
  }
  return true;
}

void ChannelEnd::deliver() {
  if (reads_elsewhere()) return;
  const bool internals_only = internals_first_ && random().below(2) == 1;
  auto delivery = machine_.next_delivery({!internals_only, !internals_only, !internals_only});
  if (!delivery) {
    may_deliver_ = internals_only;
    return;
  }
  if (internals_only) met(Met::internal_overtook_messages);
  if (delivery->ended) return story().ended(*this);
  int descriptor = -1;
  if (delivery->handle) {
    descriptor = std::exchange(handles_[*delivery->handle].descriptor, -1);
    --undelivered_handles_;
    if (descriptor < 0) return story().wrong("a closed handle is delivered");
    if (delivery->ahead != read_ahead(delivery->message)) story().wrong("what was read ahead is lost");
    if (!delivery->ahead.empty()) met(Met::read_ahead);
    if (delivery->type == type_of(Cargo::datagram)) met(Met::datagram_came);
  }
  story().delivered(*this, delivery->message, descriptor, !delivery->key.empty());
}

void ChannelEnd::happened() {
  dirty_ = may_deliver_ = true;
  if (machine_.output_over()) {
    queue_.clear();
    marks_.clear();
  }
  while (const auto notice = machine_.next_notice()) carry_out(*notice);
}

void ChannelEnd::carry_out(const Notice& notice) {
  switch (notice.kind) {
    case Notice::Kind::close_handle:
      return close_handle(notice.handle);
    case Notice::Kind::handle_ours:
      return returned(notice);
    case Notice::Kind::settled:
      for (wire::HandleId id = 0; id < handles_.size(); ++id) {
        if (handles_[id].offer == notice.sequence) offer_settled(id, !notice.error);
      }
      return settled(messages_[notice.sequence], !notice.error);
    case Notice::Kind::offer_refused:
      met(Met::offer_refused);
      if (handles_[notice.handle].offer == 0) story().wrong("something is refused that was not on offer");
      return;
    case Notice::Kind::retry_later:
      met(Met::handle_refused);
      retries_.push_back(story().now() + notice.milliseconds);
      return;
    case Notice::Kind::shut_down:
      shut_ = true;
      if (!queue_.empty()) story().wrong("the direction is finished with bytes in the queue");
      kernel().shut_sending(pid(), descriptor());
      return;
    case Notice::Kind::sockets_closed:
      met(Met::all_closed_told);
      asked_ = false;
      return;
    case Notice::Kind::report:
      if (notice.error->code() == Errc::handle_unclaimed) met(Met::stray_descriptor);
      if (notice.error->code() == Errc::unexpected_message) met(Met::early_answer);
      if (notice.error->code() == Errc::disconnected) met(Met::handle_after_the_end);
      return story().reported(*this, *notice.error);
    case Notice::Kind::peer_died:
    case Notice::Kind::socket_count:
    case Notice::Kind::internal_refused:
    case Notice::Kind::peer_is_baton:
      return;
  }
}

void ChannelEnd::settled(MessageId id, bool well) {
  collect();
  if (well && queues(id)) story().wrong("a message that is not in the kernel is said to be sent");
  story().settled(id, well);
}

bool ChannelEnd::queues(MessageId id) const {
  if (queue_.empty()) return false;
  if (serialization_ == Serialization::json) {
    const std::string text = "\"n\":" + std::to_string(id);
    const std::size_t at = queue_.find(text);
    return at != std::string::npos && std::string_view(",}").contains(queue_[at + text.size()]);
  }
  // The member as it stands between the head of a message (version, object) and its end.
  std::string text;
  if (!wire::write_advanced(Value::object().set("n", id), text)) return false;
  return queue_.contains(std::string_view(text).substr(3, text.size() - 5));
}

// Its ACK stands for the answer that the program above waits for.
void ChannelEnd::offer_settled(wire::HandleId id, bool well) {
  if (handles_[id].descriptor < 0) return story().wrong("an offer was closed by somebody else");
  if (well) {
    handles_[id].offer = 0;
    story().keeps_a_copy(*this, handles_[id].descriptor, true);
    kept_.push_back({story().now() + random().below(50), id});
    return story().taken(*this, handles_[id].message);
  }
  machine_.take_back(id);
  const Handle handle = std::exchange(handles_[id], {-1, none, false});
  if (peer_dead_ && end_seen()) met(Met::offer_ours_after_death);
  story().returned(*this, handle.message, handle.descriptor);
}

void ChannelEnd::let_go_of_kept() {
  std::erase_if(kept_, [this](const Kept& kept) {
    if (kept.until > story().now()) return false;
    met(Met::offer_kept_after_its_ack);
    machine_.take_back(kept.id);
    story().keeps_a_copy(*this, handles_[kept.id].descriptor, false);
    kernel().close(pid(), std::exchange(handles_[kept.id], {-1, none, false}).descriptor);
    return true;
  });
}

// Takes an offer back that has not left: settled as one that failed.
void ChannelEnd::change_mind() {
  for (wire::HandleId id = 0; id < handles_.size(); ++id) {
    if (handles_[id].offer == 0) continue;
    const auto& entries = machine_.ledger().entries();
    if (std::ranges::find(entries, id, &wire::HandoffLedger::Entry::handle) != entries.end()) continue;
    met(Met::offer_taken_out_of_the_queue);
    story().withdrawn(handles_[id].message);
    return machine_.take_back(id);
  }
}

void ChannelEnd::returned(const Notice& notice) {
  const Handle handle = std::exchange(handles_[notice.handle], {-1, none, false});
  if (handle.descriptor < 0 || handle.message != messages_[notice.sequence])
    return story().wrong("a handle comes back that was not sent, or was closed");
  if (notice.error->code() == Errc::handle_lost) {
    met(Met::ours_after_four_refusals);
  } else {
    met(peer_dead_ && end_seen() ? Met::ours_after_death : Met::ours_from_the_queue);
  }
  story().returned(*this, handle.message, handle.descriptor);
}

void ChannelEnd::close_handle(wire::HandleId id) {
  const Handle handle = std::exchange(handles_[id], {-1, none, false});
  if (handle.descriptor < 0) return story().wrong("a handle is closed twice");
  kernel().close(pid(), handle.descriptor);
  if (handle.message == none) {
    --undelivered_handles_;
  } else {
    key_known_ = key_known_ || handle.keyed;
    story().taken(*this, handle.message);
  }
}

wire::HandleId ChannelEnd::keep(int descriptor, MessageId message, bool keyed) {
  handles_.push_back({descriptor, message, keyed});
  return static_cast<wire::HandleId>(handles_.size() - 1);
}

std::string ChannelEnd::outgrown() const {
  // On top come handles that are offered again, and answers, up to those to one read.
  if (machine_.unsent() > limits_.queue + limits_.message + machine_.ledger().bytes() + 1024)
    return "the output grows without bound";
  const bool baton = machine_.peer_is_baton();
  if (machine_.ledger().size() > (baton ? limits_.offers : 1U))
    return "more handles are on offer than allowed";
  if (machine_.ledger().bytes() > limits_.queue + limits_.message + 1)
    return "the frames on offer grow without bound";
  // One that came last, and one whose message is not whole.
  if (undelivered_handles_ > static_cast<int>(limits_.handles) + 2) return "the handles grow without bound";
  return {};
}

}  // namespace baton::sim
