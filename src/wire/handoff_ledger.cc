#include "wire/handoff_ledger.h"

#include <algorithm>
#include <utility>

namespace baton::wire {

void HandoffLedger::offer(HandleId handle, uint64_t sequence, std::string frame) {
  entries_.push_back(Entry{handle, sequence, std::move(frame), 0, false, State::offered});
}

std::deque<HandoffLedger::Entry>::iterator HandoffLedger::oldest_offer() {
  return std::ranges::find(entries_, State::offered, &Entry::state);
}

std::optional<HandoffLedger::Entry> HandoffLedger::accepted() {
  const auto entry = oldest_offer();
  if (entry == entries_.end()) return std::nullopt;
  std::optional<Entry> taken(std::move(*entry));
  entries_.erase(entry);
  return taken;
}

std::optional<HandoffLedger::Entry> HandoffLedger::refused(bool& had_offer) {
  const auto entry = oldest_offer();
  had_offer = entry != entries_.end();
  if (!had_offer) return std::nullopt;
  ++entry->refusals;
  entry->state = State::refused;
  if (entry->refusals <= retries) return std::nullopt;
  std::optional<Entry> ours(std::move(*entry));
  entries_.erase(entry);
  return ours;
}

std::vector<const HandoffLedger::Entry*> HandoffLedger::offer_again() {
  // The peer answers in the order of the offers, and these are offered last.
  std::ranges::stable_partition(entries_, [](const Entry& entry) { return entry.state != State::refused; });
  std::vector<const Entry*> again;
  for (Entry& entry : entries_) {
    if (entry.state != State::refused) continue;
    entry.state = State::offered;
    again.push_back(&entry);
  }
  return again;
}

std::vector<HandoffLedger::Entry> HandoffLedger::channel_ended() {
  std::vector<Entry> ours;
  for (Entry& entry : entries_) {
    if (entry.state == State::refused) ours.push_back(std::move(entry));
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.state == State::refused; });
  for (Entry& entry : entries_) entry.state = State::in_doubt;
  return ours;
}

std::vector<HandoffLedger::Entry> HandoffLedger::holder_gone() {
  std::vector<Entry> ours;
  for (Entry& entry : entries_) {
    if (entry.state == State::in_doubt) ours.push_back(std::move(entry));
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.state == State::in_doubt; });
  return ours;
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
