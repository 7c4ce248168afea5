#include "cli/admin_order.h"

#include <algorithm>

#include "cli/units.h"

namespace baton::cli {
namespace {

using supervisor::WorkerView;

constexpr std::string_view workers_prefix = "/workers/";
constexpr std::string_view replace_suffix = "/replace";

bool is_replacement(std::string_view path) {
  return path.size() > workers_prefix.size() + replace_suffix.size() && path.starts_with(workers_prefix) &&
         path.ends_with(replace_suffix);
}

OrderAnswer replace_worker(std::string_view slot, supervisor::Supervisor& service) {
  const supervisor::Snapshot now = service.snapshot();
  const auto found = std::ranges::find_if(
      now.workers(), [&](const WorkerView& worker) { return std::to_string(worker.slot()) == slot; });
  if (found == now.workers().end()) return {404, "there is no worker " + std::string(slot) + "\n"};
  service.replace(found->slot());
  return {202, "worker " + std::string(slot) + " is replaced\n"};
}

OrderAnswer scale(std::string_view query, supervisor::Supervisor& service) {
  constexpr std::string_view key = "n=";
  if (!query.starts_with(key)) return {400, "scale to how many? /scale?n=4\n"};
  const auto count = parse_workers(query.substr(key.size()));
  if (!count) return {400, "n: " + count.error() + "\n"};
  service.scale_to(*count);
  return {202, "scaled to " + std::to_string(*count) + "\n"};
}

}  // namespace

bool is_order(std::string_view path) { return path == "/reload" || path == "/scale" || is_replacement(path); }

OrderAnswer obey_order(std::string_view target, supervisor::Supervisor& service) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, mark);
  if (!is_order(path)) return {404, "there are POST /reload, /scale?n=N and /workers/N/replace\n"};
  if (service.snapshot().state() == supervisor::State::draining) return {409, "it ends\n"};
  if (path == "/scale") return scale(target.substr(std::min(mark + 1, target.size())), service);
  if (is_replacement(path)) {
    path.remove_prefix(workers_prefix.size());
    path.remove_suffix(replace_suffix.size());
    return replace_worker(path, service);
  }
  service.reload();
  return {202, "every worker is replaced\n"};
}

}  // namespace baton::cli
