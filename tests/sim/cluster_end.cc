#include "sim/cluster_end.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "sim/file_kinds.h"

namespace baton::sim {
namespace {

using wire::Notice;

wire::ChannelLimits roomy_limits() {
  wire::ChannelLimits limits;
  limits.message = 4000;
  limits.queue = 60000;
  limits.offers = 4;
  return limits;
}

}  // namespace

ClusterEnd::ClusterEnd(Story& story, Pid pid, int descriptor, bool announces, Program& program)
    : Peer(story, pid, descriptor), machine_(roomy_limits()), program_(&program) {
  if (announces) machine_.announce();
}

// ------------------------------------------------------------------------------------------------ the
// program

bool ClusterEnd::say(const Value& message, std::uint64_t token) {
  if (!open()) return false;
  const auto sent = machine_.send(message);
  if (!sent) return false;
  if (token != 0) {
    tokens_.emplace_back(*sent, token);
    machine_.watch(*sent);
  }
  happened();
  return true;
}

std::optional<wire::HandleId> ClusterEnd::share(const Value& message, int descriptor) {
  if (!open()) return std::nullopt;
  const wire::ChannelMachine::Outgoing handle{static_cast<wire::HandleId>(handles_.size()), "net.Native", {}};
  if (!machine_.send(message, &handle)) return std::nullopt;
  keep(descriptor);
  happened();
  return handle.id;
}

std::optional<wire::HandleId> ClusterEnd::offer(const Value& message, int descriptor) {
  if (!open()) return std::nullopt;
  const wire::ChannelMachine::Outgoing handle{
      static_cast<wire::HandleId>(handles_.size()), "net.Native", {}, true};
  if (!machine_.send(message, &handle)) return std::nullopt;
  keep(descriptor);
  happened();
  return handle.id;
}

int ClusterEnd::take_back(wire::HandleId offer) {
  machine_.take_back(offer);
  const int descriptor = give_up(offer);
  happened();
  return descriptor;
}

void ClusterEnd::disconnect() {
  machine_.disconnect();
  happened();
}

void ClusterEnd::peer_died() {
  if (std::exchange(peer_dead_, true)) return;
  if (end_seen_ || machine_.input_refused()) machine_.peer_gone();
  happened();
}

// ------------------------------------------------------------------------------------------------ the kernel

bool ClusterEnd::ready(Act act) const {
  const bool end_seen = end_seen_ || machine_.input_refused();
  switch (act) {
    case Act::read:
      return open() && !end_seen && !machine_.saturated() && (polled() & (POLLIN | POLLERR)) != 0;
    case Act::write:
      if (!open() || machine_.output_over() || (queue_.empty() && !dirty_) || not_before_ > story().now()) {
        return false;
      }
      return !blocked_ || (polled() & (POLLOUT | POLLERR | POLLHUP)) != 0;
    case Act::deliver:
      return may_deliver_;
    case Act::timer:
      return !retries_.empty() && *std::ranges::min_element(retries_) <= story().now();
    case Act::close:
      return open() && (shut_ || machine_.output_over()) && end_seen;
  }
  return false;
}

void ClusterEnd::act(Act act) {
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
      retries_.erase(std::ranges::min_element(retries_));
      machine_.retry_due();
      happened();
  }
}

std::uint64_t ClusterEnd::due() const {
  std::uint64_t first = retries_.empty() ? never : *std::ranges::min_element(retries_);
  if (not_before_ > story().now() && open()) first = std::min(first, not_before_);
  return first;
}

void ClusterEnd::read() {
  std::array<char, 1024> room;
  static constexpr std::array<std::uint32_t, 4> sizes{1024, 300, 64, 7};
  const std::uint32_t size = sizes[random().below(sizes.size())];
  const Received got = kernel().receive(pid(), descriptor(), std::span(room).first(size), 253);
  if (got.result == -EAGAIN || got.result == -EINTR) return;
  if (got.result <= 0) {
    end_seen_ = true;
    machine_.end_of_input(got.result < 0);
    if (peer_dead_) machine_.peer_gone();
    return happened();
  }
  std::vector<wire::ReceivedHandle> brought;
  for (const int descriptor : got.descriptors) {
    const FileKind kind = kernel().kind_of(kernel().file_of(pid(), descriptor));
    brought.push_back({keep(descriptor), kind_of(kind)});
  }
  machine_.received({room.data(), static_cast<std::size_t>(got.result)}, brought, got.truncated);
  happened();
}

void ClusterEnd::collect() {
  wire::Output output = machine_.take_output();
  for (const auto& mark : output.marks) marks_.push_back({taken_ + mark.offset, mark.handle});
  taken_ += output.bytes.size();
  queue_ += output.bytes;
}

void ClusterEnd::write() {
  collect();
  dirty_ = false;
  if (queue_.empty()) return;
  std::size_t length = queue_.size();
  const bool carries = !marks_.empty() && marks_.front().offset == written_;
  if (marks_.size() > (carries ? 1U : 0U)) length = marks_[carries ? 1 : 0].offset - written_;
  int carried = -1;
  if (carries) carried = handles_[marks_.front().handle];
  if (carries && carried < 0) return story().wrong("a handle was closed before it was sent");
  const std::span<const int> descriptors(&carried, carries ? 1 : 0);
  after_send(kernel().send(pid(), descriptor(), {queue_.data(), length}, descriptors), carries);
}

void ClusterEnd::after_send(int result, bool carries) {
  blocked_ = result == -EAGAIN;
  if (result == -EAGAIN || result == -EINTR) return;
  if (result == -ETOOMANYREFS || result == -ENOBUFS) {
    not_before_ = story().now() + 5;
    return;
  }
  if (result < 0) {
    machine_.output_broken(Error(-result, "send", "sendmsg"));
    return happened();
  }
  if (carries) marks_.pop_front();
  queue_.erase(0, static_cast<std::size_t>(result));
  written_ += static_cast<std::uint64_t>(result);
  machine_.written(written_);
  happened();
}

// ------------------------------------------------------------------------------------------------ the
// machine

void ClusterEnd::deliver() {
  auto delivery = machine_.next_delivery();
  if (!delivery) {
    may_deliver_ = false;
    if (std::exchange(fed_, false)) program_->on_read_done(*this);
    return;
  }
  if (delivery->ended) {
    end_told_ = true;
    return program_->on_end(*this);
  }
  int descriptor = -1;
  if (delivery->handle) descriptor = give_up(*delivery->handle);
  if (!delivery->internal) return story().wrong("a message that is not the cluster's");
  fed_ = true;
  program_->on_internal(*this, delivery->message, descriptor);
}

void ClusterEnd::happened() {
  dirty_ = may_deliver_ = true;
  if (machine_.output_over()) {
    queue_.clear();
    marks_.clear();
  }
  while (const auto notice = machine_.next_notice()) carry_out(*notice);
}

void ClusterEnd::carry_out(const Notice& notice) {
  switch (notice.kind) {
    case Notice::Kind::close_handle:
    case Notice::Kind::handle_ours: {
      const int descriptor = give_up(notice.handle);
      if (descriptor >= 0) kernel().close(pid(), descriptor);
      if (notice.kind == Notice::Kind::handle_ours) program_->on_unshared(*this, notice.handle);
      return;
    }
    case Notice::Kind::offer_refused:
      return program_->on_refused(*this, notice.handle);
    case Notice::Kind::internal_refused:
      fed_ = true;
      return program_->on_internal_refused(*this, notice.message);
    case Notice::Kind::peer_is_baton:
      return program_->on_baton(*this);
    case Notice::Kind::settled:
      for (const auto& [sequence, token] : tokens_) {
        if (sequence == notice.sequence && !notice.error) return program_->on_written(*this, token);
      }
      return;
    case Notice::Kind::retry_later:
      retries_.push_back(story().now() + notice.milliseconds);
      return;
    case Notice::Kind::shut_down:
      shut_ = true;
      kernel().shut_sending(pid(), descriptor());
      return;
    default:
      return;
  }
}

wire::HandleId ClusterEnd::keep(int descriptor) {
  handles_.push_back(descriptor);
  return static_cast<wire::HandleId>(handles_.size() - 1);
}

int ClusterEnd::give_up(wire::HandleId id) {
  const int descriptor = std::exchange(handles_[id], -1);
  if (descriptor < 0) story().wrong("a handle is given up twice");
  return descriptor;
}

}  // namespace baton::sim
