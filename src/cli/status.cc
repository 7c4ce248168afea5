#include "cli/status.h"

#include <algorithm>
#include <cmath>

#include "baton/wire/json.h"

namespace baton::cli {
namespace {

template <class T>
Value or_null(const std::optional<T>& value) {
  return value ? Value(*value) : Value(nullptr);
}

// To the millisecond.
Value seconds_of(std::chrono::nanoseconds time) {
  return Value(static_cast<double>(std::chrono::round<std::chrono::milliseconds>(time).count()) / 1000);
}

Value worker_object(const supervisor::WorkerView& worker, const std::vector<supervisor::Usage>& all) {
  const auto known = std::ranges::find(all, worker.pid().value_or(-1), &supervisor::Usage::pid);
  const auto usage = known == all.end() ? supervisor::Usage() : *known;
  return Value::object()
      .set("id", worker.slot())
      .set("pid", or_null(worker.pid()))
      .set("state", name_of(worker.state()))
      .set("restarts", worker.restarts())
      .set("uptime", worker.age() ? seconds_of(*worker.age()) : Value(nullptr))
      .set("cpu_seconds", usage.cpu() ? seconds_of(*usage.cpu()) : Value(nullptr))
      .set("memory_bytes", or_null(usage.rss()))
      .set("connections", or_null(worker.connections()));
}

}  // namespace

std::string status_text(const supervisor::Snapshot& snapshot, const std::vector<supervisor::Usage>& usage,
                        std::string_view name, std::chrono::milliseconds uptime) {
  Value workers = Value::array();
  for (const supervisor::WorkerView& worker : snapshot.workers())
    workers.push_back(worker_object(worker, usage));
  Value listeners = Value::array();
  for (const std::string& listener : snapshot.listeners()) listeners.push_back(listener);
  return to_json(Value::object()
                     .set("name", name)
                     .set("state", name_of(snapshot.state()))
                     .set("uptime", seconds_of(uptime))
                     .set("reloads", Value::object()
                                         .set("running", snapshot.reload_running())
                                         .set("done", snapshot.reloads_done())
                                         .set("failed", snapshot.reloads_failed()))
                     .set("workers", std::move(workers))
                     .set("listeners", std::move(listeners))) +
         "\n";
}

}  // namespace baton::cli
