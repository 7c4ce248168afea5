#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "baton/loop/loop.h"
#include "baton/supervisor/event.h"
#include "baton/wire/value.h"
#include "cli/log_output.h"

namespace baton::cli {

// What `baton run` prints. Its own lines go to standard error; a worker's to the stream that it wrote them
// to, as "[id] line"; on a terminal with the time before it. With `json` each is an object.
class Log {
 public:
  // `name` is what --name gave; it stands in own lines.
  Log(Loop& loop, bool json, std::string name);

  void event(const supervisor::Event& event);
  void output(const supervisor::OutputLine& line);
  // Something of our own: `event` is its name in JSON, `text` what people read.
  void say(std::string_view event, std::string_view text) { own(Value::object().set("event", event), text); }
  void listening_for_admin(std::string_view address);

  // Whether more output of workers shall wait, because our reader is slow.
  [[nodiscard]] bool full() const { return out_->full() || err_->full(); }
  void on_full_changed(const std::function<void()>& callback);
  // Waits for a slow reader, for a moment: before the end.
  void flush();

 private:
  void own(Value object, std::string_view text);
  [[nodiscard]] std::string own_line(Value object, std::string_view text, const LogOutput& stream) const;
  [[nodiscard]] Value describe(const supervisor::Event& event) const;

  bool json_;
  std::string name_;
  std::string line_;  // the memory of the last one serves the next: a line may have hundreds of kilobytes
  std::shared_ptr<LogOutput> err_;
  std::shared_ptr<LogOutput> out_;
};

}  // namespace baton::cli
