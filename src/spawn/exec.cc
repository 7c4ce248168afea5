#include "baton/spawn/exec.h"

#include <memory>

#include "baton/spawn/child.h"

namespace baton {

// Keeps itself alive in the loop until the command is over, whether or not somebody waits for the result.
class Execution : public std::enable_shared_from_this<Execution> {
 public:
  Execution(Loop& loop, const ExecOptions& options) : loop_(loop), options_(options), promise_(loop) {}

  Op<ExecResult> run(std::string file, std::vector<std::string> arguments) {
    auto op = promise_.op();
    // The time limit here is for the output too, so it is not left to the child.
    auto process = options_.process();
    process.timeout(std::nullopt);
    try {
      child_ = spawn(loop_, std::move(file), std::move(arguments), process);
    } catch (const Error& error) {
      promise_.resolve(std::unexpected(error));
      return op;
    }
    loop_.keep(shared_from_this());
    collect(1, result_.out_);
    collect(2, result_.err_);
    if (child_.piped(0)) child_.stdin_stream().end(options_.input());
    child_.on_close([this](const ExitStatus& status) { finish(status); });
    if (const auto time = options_.process().timeout()) {
      timer_ = Timer(loop_, *time, [this] {
        result_.timed_out_ = true;
        end_by_force();
      });
    }
    return op;
  }

 private:
  void collect(int target, std::string& text) {
    if (!child_.piped(target)) return;
    child_.stream(target).on_data([this, target, &text](std::string_view bytes) {
      const size_t room = options_.max_buffer() - text.size();
      text.append(bytes.substr(0, room));
      if (bytes.size() <= room) return;
      result_.truncated_ = true;
      result_.error_too_long_ = target == 2;
      end_by_force();
    });
  }

  void end_by_force() {
    timer_.stop();
    try {
      if (child_.kill(options_.process().kill_signal())) result_.killed_ = true;
    } catch (const Error&) {
      // Not ours to kill any more; its end is awaited all the same.
    }
    close_streams();
  }

  void close_streams() {
    for (const int target : {0, 1, 2}) {
      if (child_.piped(target)) child_.stream(target).close();
    }
  }

  void finish(const ExitStatus& status) {
    timer_.stop();
    result_.status_ = status;
    promise_.resolve(std::move(result_));
    loop_.let_go(this);
  }

  Loop& loop_;
  ExecOptions options_;
  Promise<ExecResult> promise_;
  ExecResult result_;
  Timer timer_;
  Child child_;
};

std::string ExecResult::describe() const {
  std::string text = status_.describe();
  if (timed_out_) text += ": the time was up";
  if (truncated_) {
    text += error_too_long_ ? ": standard error" : ": standard output";
    text += " is longer than max_buffer (ERR_CHILD_PROCESS_STDIO_MAXBUFFER)";
  }
  return text;
}

Op<ExecResult> exec(Loop& loop, std::string command, const ExecOptions& options) {
  std::vector<std::string> arguments;
  arguments.reserve(3);
  arguments.emplace_back("-c");
  // Else a command that begins with '-' would be an option.
  arguments.emplace_back("--");
  arguments.push_back(std::move(command));
  return exec_file(loop, options.shell(), std::move(arguments), options);
}

Op<ExecResult> exec_file(Loop& loop, std::string file, std::vector<std::string> arguments,
                         const ExecOptions& options) {
  return std::make_shared<Execution>(loop, options)->run(std::move(file), std::move(arguments));
}

}  // namespace baton
