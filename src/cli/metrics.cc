#include "cli/metrics.h"

#include <algorithm>
#include <array>
#include <optional>

namespace baton::cli {
namespace {

using supervisor::Snapshot;
using supervisor::Usage;
using supervisor::WorkerState;
using supervisor::WorkerView;
using Type = OpenMetrics::Type;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::string text_of(const std::optional<int>& number) { return number ? std::to_string(*number) : ""; }

// What the workers of each slot have together; while one is replaced there are two.
template <class T, class Get>
std::map<unsigned, T> by_slot(const std::vector<Usage>& workers, Get get) {
  std::map<unsigned, T> sums;
  for (const Usage& usage : workers) {
    if (const auto value = get(usage)) sums[usage.slot()] += *value;
  }
  return sums;
}

void of_the_app(OpenMetrics& out, const Snapshot& snapshot) {
  out.family("baton_app_up", Type::gauge, "", "Whether a worker is ready.");
  out.add({}, std::uint64_t{snapshot.ready() > 0 ? 1U : 0U});
  out.family("baton_app_workers", Type::gauge, "", "Workers by state.");
  for (const WorkerState state :
       {WorkerState::starting, WorkerState::ready, WorkerState::draining, WorkerState::backoff}) {
    const auto count = std::ranges::count(snapshot.workers(), state, &WorkerView::state);
    out.add({{"state", name_of(state)}}, static_cast<std::uint64_t>(count));
  }
  out.family("baton_worker_restarts", Type::counter, "", "Workers that were started in place of another.");
  std::map<std::string, std::uint64_t> restarts = snapshot.restarts();
  for (const char* reason :
       {"exit", "signal", "hang", "memory", "never_ready", "start_failed", "reload", "replace"}) {
    restarts.try_emplace(reason, 0);  // so that the first one is seen as a rise
  }
  for (const auto& [reason, count] : restarts) out.add({{"reason", reason}}, count);
  out.family("baton_worker_exit", Type::counter, "", "Workers that ended, by exit code or signal.");
  for (const supervisor::ExitCount& exit : snapshot.exits()) {
    out.add({{"code", text_of(exit.code())}, {"signal", text_of(exit.signal())}}, exit.count());
  }
  out.family("baton_worker_ready_seconds", Type::summary, "seconds",
             "From a worker's start until it was ready.");
  out.add(snapshot.ready_count(), seconds(snapshot.ready_time()));
  out.family("baton_reload", Type::counter, "", "Rolling reloads that are over.");
  out.add({{"result", "done"}}, snapshot.reloads_done());
  out.add({{"result", "failed"}}, snapshot.reloads_failed());
}

void of_the_cluster(OpenMetrics& out, const Snapshot& snapshot) {
  out.family("baton_worker_loop_lag_seconds", Type::gauge, "seconds",
             "How late a worker's event loop ran last.");
  std::map<unsigned, std::chrono::nanoseconds> lags;
  for (const WorkerView& worker : snapshot.workers()) {
    if (worker.loop_lag()) lags[worker.slot()] = std::max(lags[worker.slot()], *worker.loop_lag());
  }
  for (const auto& [slot, lag] : lags) out.add({{"worker", std::to_string(slot)}}, seconds(lag));
  out.family("baton_cluster_connections", Type::counter, "",
             "Connections that a worker was handed and accepted.");
  for (const auto& [slot, count] : snapshot.accepted()) out.add({{"worker", std::to_string(slot)}}, count);
  out.family("baton_cluster_inflight_handles", Type::gauge, "",
             "Connections handed over and not answered yet.");
  out.add({}, snapshot.in_flight());
  out.family("baton_cluster_handle_requeued", Type::counter, "",
             "Connections that came back from one worker and went to another.");
  out.add({}, snapshot.requeued());
}

void of_this_process(OpenMetrics& out, const Usage& self) {
  const auto gauge = [&out](std::string_view name, std::string_view unit, std::string_view help,
                            const std::optional<std::uint64_t>& value) {
    if (!value) return;
    out.family(name, Type::gauge, unit, help);
    out.add({}, *value);
  };
  if (self.cpu()) {
    out.family("process_cpu_seconds", Type::counter, "seconds", "CPU time of the primary, user and system.");
    out.add({}, seconds(*self.cpu()));
  }
  gauge("process_resident_memory_bytes", "bytes", "Resident memory of the primary.", self.rss());
  gauge("process_virtual_memory_bytes", "bytes", "Virtual memory of the primary.", self.virtual_memory());
  gauge("process_open_fds", "", "Descriptors that the primary has open.", self.open_fds());
  gauge("process_max_fds", "", "Descriptors that the primary may have open.", self.max_fds());
  if (self.start_time()) {
    out.family("process_start_time_seconds", Type::gauge, "seconds",
               "When the primary was started, since 1970.");
    out.add({}, seconds(*self.start_time()));
  }
}

}  // namespace

void Figures::on_event(const supervisor::Event& event) {
  if (event.kind() != supervisor::EventKind::problem) ++events_;
  if (event.kind() != supervisor::EventKind::worker_exited || !event.status()) return;
  const ResourceUsage& usage = event.status()->usage();
  cpu_of_the_gone_[event.slot()] += usage.user_time() + usage.system_time();
}

void Figures::of_workers(OpenMetrics& out, const std::vector<Usage>& workers) const {
  out.family("baton_worker_cpu_seconds", Type::counter, "seconds", "CPU time of the workers of a slot.");
  auto cpu = by_slot<std::chrono::nanoseconds>(workers, [](const Usage& usage) { return usage.cpu(); });
  for (const auto& [slot, time] : cpu_of_the_gone_) cpu[slot] += time;
  for (const auto& [slot, time] : cpu) out.add({{"worker", std::to_string(slot)}}, seconds(time));

  out.family("baton_worker_memory_bytes", Type::gauge, "bytes",
             "Resident memory, and that with shared pages divided among those who share them.");
  const auto rss = by_slot<std::uint64_t>(workers, [](const Usage& usage) { return usage.rss(); });
  const auto pss = by_slot<std::uint64_t>(workers, [](const Usage& usage) { return usage.pss(); });
  for (const auto& [slot, bytes] : rss) out.add({{"worker", std::to_string(slot)}, {"type", "rss"}}, bytes);
  for (const auto& [slot, bytes] : pss) out.add({{"worker", std::to_string(slot)}, {"type", "pss"}}, bytes);

  out.family("baton_worker_open_fds", Type::gauge, "", "Descriptors that a worker has open.");
  const auto fds = by_slot<std::uint64_t>(workers, [](const Usage& usage) { return usage.open_fds(); });
  for (const auto& [slot, count] : fds) out.add({{"worker", std::to_string(slot)}}, count);
}

std::string Figures::metrics(const Snapshot& snapshot, const std::vector<Usage>& workers,
                             const Usage& self) const {
  OpenMetrics out;
  of_the_app(out, snapshot);
  of_workers(out, workers);
  of_the_cluster(out, snapshot);
  of_this_process(out, self);
  return out.finish();
}

}  // namespace baton::cli
