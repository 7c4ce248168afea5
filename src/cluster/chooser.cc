#include "cluster/chooser.h"

#include <vector>

namespace baton::cluster {
namespace {

// Beyond it a loop counts as busy: only workers that are as late compete.
constexpr double late = 50;

uint64_t mixed(uint64_t x) {  // splitmix64's finish
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

uint64_t hash(std::string_view text) {  // FNV-1a: the same in every process
  uint64_t sum = 0xcbf29ce484222325U;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return sum;
}

}  // namespace

std::string digest(std::string_view client) { return std::to_string(hash(client)); }

namespace {

bool better(const Candidate& one, const Candidate& other) {
  const bool late_one = one.lag() > late;
  const bool late_other = other.lag() > late;
  if (late_one != late_other) return late_other;
  if (one.connections() != other.connections()) return one.connections() < other.connections();
  return one.lag() < other.lag();
}

// The first after `last` that has room or is waited for.
std::optional<size_t> next_in_turn(std::span<const Choice> workers, uint32_t last) {
  size_t first = 0;
  while (first < workers.size() && workers[first].worker.id() <= last) ++first;
  for (size_t i = 0; i < workers.size(); ++i) {
    const size_t index = (first + i) % workers.size();
    if (workers[index].room || workers[index].worth_it) return index;
  }
  return std::nullopt;
}

}  // namespace

std::optional<size_t> in_turn(std::span<const Choice> workers, uint32_t last) {
  const auto next = next_in_turn(workers, last);
  return next && workers[*next].room ? next : std::nullopt;
}

std::optional<size_t> awaited(std::span<const Choice> workers, uint32_t last) {
  const auto next = next_in_turn(workers, last);
  return next && !workers[*next].room ? next : std::nullopt;
}

std::optional<size_t> less_loaded(std::span<const Choice> workers, uint64_t random) {
  size_t count = 0;
  for (const Choice& one : workers) count += one.room ? 1 : 0;
  if (count == 0) return std::nullopt;
  const size_t first = (random >> 32U) % count;
  const size_t second = count == 1 ? first : (first + 1 + (random & 0xffffffffU) % (count - 1)) % count;
  std::optional<size_t> best;
  size_t place = 0;
  for (size_t index = 0; index < workers.size(); ++index) {
    if (!workers[index].room) continue;
    const bool drawn = place == first || place == second;
    ++place;
    if (!drawn) continue;
    // A tie is decided by chance too: the one that was drawn first.
    const bool wins = !best || better(workers[index].worker, workers[*best].worker) ||
                      (!better(workers[*best].worker, workers[index].worker) && place - 1 == first);
    if (wins) best = index;
  }
  return best;
}

std::optional<size_t> sticky(std::span<const Choice> workers, std::string_view client) {
  const uint64_t seed = hash(client);
  std::optional<size_t> best;
  uint64_t highest = 0;
  for (size_t index = 0; index < workers.size(); ++index) {
    const Choice& one = workers[index];
    if (!one.room && !one.worth_it) continue;
    const uint64_t weight = mixed(seed + one.worker.slot() * 0x9e3779b97f4a7c15U);
    // Of two in one slot the younger, who comes later.
    if (best && weight < highest) continue;
    best = index;
    highest = weight;
  }
  return best;
}

std::optional<size_t> chosen(std::span<const Choice> workers, const Chooser& chooser,
                             std::string_view client) {
  std::vector<Candidate> free;
  std::vector<size_t> indices;
  for (size_t index = 0; index < workers.size(); ++index) {
    if (!workers[index].room) continue;
    free.push_back(workers[index].worker);
    indices.push_back(index);
  }
  if (free.empty()) return std::nullopt;
  const size_t choice = chooser(free, client);
  if (choice >= indices.size()) return std::nullopt;
  return indices[choice];
}

}  // namespace baton::cluster
