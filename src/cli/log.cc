#include "cli/log.h"

#include <chrono>

#include "baton/spawn/signal_names.h"
#include "cli/log_text.h"

namespace baton::cli {
namespace {

using supervisor::Event;
using supervisor::EventKind;
using supervisor::OutputLine;

constexpr int patience = 2000;  // ms for a slow reader, at the end

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Log::Log(Loop& loop, bool json, std::string name)
    : json_(json), name_(std::move(name)), err_(std::make_shared<LogOutput>(loop, 2)) {
  out_ = LogOutput::same(1, 2) ? err_ : std::make_shared<LogOutput>(loop, 1);
}

void Log::on_full_changed(const std::function<void()>& callback) {
  err_->on_full(callback);
  out_->on_full(callback);
}

void Log::flush() {
  out_->flush(patience);
  err_->flush(patience);
}

void Log::own(Value object, std::string_view text) {
  if (json_) {
    if (!name_.empty()) object.set("name", name_);
    object.set("message", text);
    err_->write(json_line(std::move(object)));
    return;
  }
  err_->write("baton" + (name_.empty() ? "" : " " + visible(name_)) + ": " + visible(text) + "\n");
}

Value Log::describe(const Event& event) const {
  Value object = Value::object().set("event", name_of(event.kind()));
  if (event.slot() != 0) object.set("worker", event.slot());
  if (event.pid() != 0) object.set("pid", event.pid());
  if (event.status() && event.status()->code()) object.set("code", *event.status()->code());
  if (event.status() && event.status()->signal()) {
    object.set("signal", signal_name(*event.status()->signal()));
  }
  if (event.kind() == EventKind::worker_ready) object.set("took_ms", milliseconds(event.took()));
  if (event.wait()) object.set("wait_ms", milliseconds(*event.wait()));
  if (event.kind() == EventKind::scaled) object.set("workers", event.workers());
  return object;
}

void Log::event(const Event& event) {
  if (event.kind() != EventKind::listening) return own(describe(event), event.describe());
  // Scripts wait for this line: it stands alone.
  err_->write(json_ ? json_line(Value::object()
                                    .set("event", "listening")
                                    .set("address", event.address())
                                    .set("workers", event.workers()))
                    : event.describe() + "\n");
}

void Log::listening_for_admin(std::string_view address) {
  own(Value::object().set("event", "admin").set("address", address), "admin on " + std::string(address));
}

void Log::output(const OutputLine& line) {
  LogOutput& stream = line.stream() == 1 ? *out_ : *err_;
  if (!json_) {
    stream.write("[" + std::to_string(line.slot()) + "] " + visible(line.text()) + "\n");
    return;
  }
  Value object = Value::object()
                     .set("worker", line.slot())
                     .set("pid", line.pid())
                     .set("stream", line.stream() == 1 ? "stdout" : "stderr")
                     .set("message", line.text());
  if (!line.whole()) object.set("partial", true);
  stream.write(json_line(std::move(object)));
}

}  // namespace baton::cli
