#include "wire/handoff_ledger.h"

#include <algorithm>
#include <utility>

namespace baton::wire {

void HandoffLedger::offer(HandleId handle, uint64_t sequence, std::string frame, uint64_t end) {
  bytes_ += frame.size();
  entries_.push_back(Entry{handle, sequence, std::move(frame), end, 0, false, State::offered});
}

void HandoffLedger::offer_once(HandleId handle, uint64_t sequence, uint64_t end) {
  entries_.push_back(Entry{handle, sequence, {}, end, 0, false, State::offered, true});
}

std::deque<HandoffLedger::Entry>::iterator HandoffLedger::oldest_offer(uint64_t written) {
  const auto oldest = std::ranges::find(entries_, State::offered, &Entry::state);
  return oldest != entries_.end() && oldest->end <= written ? oldest : entries_.end();
}

std::optional<HandoffLedger::Entry> HandoffLedger::accepted(uint64_t written) {
  const auto entry = oldest_offer(written);
  if (entry == entries_.end()) return std::nullopt;
  bytes_ -= entry->frame.size();
  std::optional<Entry> taken(std::move(*entry));
  entries_.erase(entry);
  return taken;
}

std::optional<HandoffLedger::Entry> HandoffLedger::refused(uint64_t written, bool& had_offer) {
  const auto entry = oldest_offer(written);
  had_offer = entry != entries_.end();
  if (!had_offer) return std::nullopt;
  ++entry->refusals;
  entry->state = State::refused;
  if (!entry->once && entry->refusals <= retries) return std::nullopt;
  bytes_ -= entry->frame.size();
  std::optional<Entry> ours(std::move(*entry));
  entries_.erase(entry);
  return ours;
}

std::vector<const HandoffLedger::Entry*> HandoffLedger::offer_again(uint64_t position) {
  // The peer answers in the order of the offers, and these are offered last.
  std::ranges::stable_partition(entries_, [](const Entry& entry) { return entry.state != State::refused; });
  std::vector<const Entry*> again;
  for (Entry& entry : entries_) {
    if (entry.state != State::refused) continue;
    entry.state = State::offered;
    entry.end = position += entry.frame.size();
    again.push_back(&entry);
  }
  return again;
}

std::vector<HandoffLedger::Entry> HandoffLedger::channel_ended() {
  std::vector<Entry> ours;
  for (Entry& entry : entries_) {
    if (entry.state != State::refused) continue;
    bytes_ -= entry.frame.size();
    ours.push_back(std::move(entry));
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.state == State::refused; });
  for (Entry& entry : entries_) entry.state = State::in_doubt;
  return ours;
}

std::vector<HandoffLedger::Entry> HandoffLedger::holder_gone() {
  std::vector<Entry> ours;
  for (Entry& entry : entries_) {
    if (entry.state != State::in_doubt) continue;
    bytes_ -= entry.frame.size();
    ours.push_back(std::move(entry));
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.state == State::in_doubt; });
  return ours;
}

bool HandoffLedger::unsent(HandleId handle, uint64_t written) const {
  const auto entry = std::ranges::find(entries_, handle, &Entry::handle);
  return entry != entries_.end() && entry->end > written;
}

bool HandoffLedger::watch(uint64_t sequence) {
  const auto entry = std::ranges::find(entries_, sequence, &Entry::sequence);
  if (entry == entries_.end()) return false;
  entry->watched = true;
  return true;
}

unsigned HandoffLedger::worst_refusals() const noexcept {
  unsigned worst = 0;
  for (const Entry& entry : entries_) {
    if (entry.state == State::refused) worst = std::max(worst, entry.refusals);
  }
  return worst;
}

}  // namespace baton::wire
