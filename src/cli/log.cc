#include "cli/log.h"

#include <chrono>

#include "baton/spawn/signal_names.h"
#include "cli/log_text.h"

namespace baton::cli {
namespace {

using supervisor::Event;
using supervisor::EventKind;
using supervisor::OutputLine;

constexpr std::chrono::milliseconds flush_patience{1000};  // for slow readers, at the end

double in_milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// No worker has the number 0: it is the program of --primary.
std::string writer_of(const OutputLine& line) {
  return line.slot() == 0 ? "primary" : std::to_string(line.slot());
}

// Who looks at a terminal has no other clock there.
std::string beginning(const LogOutput& stream) { return stream.is_terminal() ? time_of_day() + " " : ""; }

}  // namespace

Log::Log(Loop& loop, bool json, std::string name)
    : json_(json), name_(std::move(name)), err_(std::make_shared<LogOutput>(loop, 2)) {
  out_ = LogOutput::same(1, 2) ? err_ : std::make_shared<LogOutput>(loop, 1);
  for (LogOutput* stream : {err_.get(), out_.get()}) {
    stream->on_dropped([this, stream](std::size_t lines) {
      return own_line(
          Value::object().set("event", "dropped").set("lines", lines),
          std::to_string(lines) + " lines of this log were dropped: it was not read, or had no room",
          *stream);
    });
  }
}

void Log::on_full_changed(const std::function<void()>& callback) {
  err_->on_full(callback);
  out_->on_full(callback);
}

void Log::flush() {
  const auto end = std::chrono::steady_clock::now() + flush_patience;
  for (LogOutput* stream : {out_.get(), err_.get()}) {
    const auto left = end - std::chrono::steady_clock::now();
    stream->flush(static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }
}

void Log::own(Value object, std::string_view text) { err_->write(own_line(std::move(object), text, *err_)); }

std::string Log::own_line(Value object, std::string_view text, const LogOutput& stream) const {
  if (json_) {
    if (!name_.empty()) object.set("name", name_);
    object.set("message", text);
    return json_line(std::move(object));
  }
  return beginning(stream) + "baton" + (name_.empty() ? "" : " " + visible(name_)) + ": " + visible(text) +
         "\n";
}

Value Log::describe(const Event& event) const {
  Value object = Value::object().set("event", name_of(event.kind()));
  if (event.slot() != 0) object.set("worker", event.slot());
  if (event.pid() != 0) object.set("pid", event.pid());
  if (event.status() && event.status()->code()) object.set("code", *event.status()->code());
  if (event.status() && event.status()->signal()) {
    object.set("signal", signal_name(*event.status()->signal()));
  }
  if (event.kind() == EventKind::worker_ready) object.set("took_ms", in_milliseconds(event.took()));
  if (event.wait()) object.set("wait_ms", in_milliseconds(*event.wait()));
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
                    : beginning(*err_) + visible(event.describe()) + "\n");
}

void Log::listening_for_admin(std::string_view address) {
  own(Value::object().set("event", "admin").set("address", address), "admin on " + std::string(address));
}

void Log::output(const OutputLine& line) {
  LogOutput& stream = line.stream() == 1 ? *out_ : *err_;
  if (!json_) {
    line_.assign(beginning(stream)).append("[").append(writer_of(line)).append("] ");
    stream.is_terminal() ? append_coloured(line_, line.text()) : append_visible(line_, line.text());
    if (line.cut()) line_.append(" [cut: the line goes on]");
    stream.write(line_.append("\n"));
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
