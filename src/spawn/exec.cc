#include "baton/spawn/exec.h"

#include <memory>

#include "baton/spawn/child.h"

namespace baton {
namespace {

constexpr size_t fed_at_once = size_t{64} << 10;

}  // namespace

// Keeps itself alive in the loop until the command is over, whether or not somebody waits for the result.
class Execution : public std::enable_shared_from_this<Execution> {
 public:
  Execution(Loop& loop, const std::string& file, const ExecOptions& options)
      : loop_(loop),
        options_(options),
        promise_(loop, "exec " + file),
        whole_tree_(options.process().whole_tree()) {}

  Op<ExecResult> run(std::string file, std::vector<std::string> arguments) {
    auto op = promise_.op();
    // These limits are for the output too, so they are not left to the child.
    auto process = options_.process();
    process.timeout(std::nullopt);
    const std::stop_token token = process.kill_on();
    process.kill_on(std::stop_token());
    try {
      child_ = spawn(loop_, std::move(file), std::move(arguments), process);
    } catch (const Error& error) {
      promise_.resolve(std::unexpected(error));
      return op;
    }
    loop_.keep(shared_from_this());
    result_.pid_ = child_.pid();
    collect_all();
    if (options_.on_child()) loop_.call([this] { options_.on_child()(child_); });
    feed();
    child_.on_close([this](const ExitStatus& status) { finish(status); });
    if (const auto time = options_.process().timeout()) {
      timer_ = Timer(loop_, *time, [this] {
        result_.timed_out_ = true;
        end_by_force();
      });
    }
    if (token.stop_possible()) {
      stop_callback_.emplace(token, [this] {
        result_.cancelled_ = true;
        end_by_force();
      });
    }
    return op;
  }

 private:
  void collect_all() {
    for (const auto& [target, what] : options_.process().stdio()) {
      if (target == 0 || what.kind() != Stdio::Kind::pipe) continue;
      collect(target, target == 1 ? result_.out_ : target == 2 ? result_.err_ : result_.more_[target]);
    }
  }

  void collect(int target, std::string& text) {
    child_.stream(target).on_data([this, target, &text](std::string_view bytes) {
      const size_t room = options_.max_buffer() - text.size();
      text.append(bytes.substr(0, room));
      if (bytes.size() <= room) return;
      result_.truncated_ = true;
      result_.too_long_ = target;
      end_by_force();
    });
  }

  // Unless somebody else writes, there is no more to read than the input.
  void feed() {
    const bool fed_by_others = options_.on_child() && !options_.input();
    if (child_.piped(0) && !fed_by_others) {
      child_.stdin_stream().on_drain([this] { feed_more(); });
      feed_more();
    }
    for (const auto& [target, text] : result_.more_) {
      if (!options_.on_child()) child_.stream(target).end();
    }
  }

  // In pieces, as what waits in a stream has a limit and the input has none.
  void feed_more() {
    net::Socket& to = child_.stdin_stream();
    const std::string_view input =
        options_.input() ? std::string_view(*options_.input()) : std::string_view();
    while (fed_ < input.size()) {
      const std::string_view piece = input.substr(fed_, fed_at_once);
      fed_ += piece.size();
      if (!to.write(piece)) return;
    }
    to.end();
  }

  void end_by_force() {
    timer_.stop();
    try {
      const int signal = options_.process().kill_signal();
      if (whole_tree_ ? child_.kill_tree(signal) > 0 : child_.kill(signal)) result_.killed_ = true;
    } catch (const Error& error) {
      return give_up(error);
    }
    for (const auto& [target, what] : options_.process().stdio()) {
      if (child_.piped(target)) child_.stream(target).close();
    }
  }

  // It is not ours to kill any more, and would keep us waiting for as long as it likes.
  void give_up(const Error& error) {
    const auto self = shared_from_this();
    timer_.stop();
    promise_.resolve(std::unexpected(error));
    loop_.defer([self] {
      self->stop_callback_.reset();
      self->child_.detach();
      self->child_ = Child();
      self->loop_.let_go(self.get());
    });
  }

  void finish(const ExitStatus& status) {
    timer_.stop();
    stop_callback_.reset();
    result_.status_ = status;
    promise_.resolve(std::move(result_));
    loop_.let_go(this);
  }

  Loop& loop_;
  ExecOptions options_;
  Promise<ExecResult> promise_;
  ExecResult result_;
  std::optional<std::stop_callback<Callback>> stop_callback_;
  Timer timer_;
  Child child_;
  size_t fed_ = 0;  // of the input
  bool whole_tree_;
};

namespace {

std::string name_of_stream(int target) {
  if (target == 1) return "standard output";
  if (target == 2) return "standard error";
  return "descriptor " + std::to_string(target);
}

}  // namespace

std::string ExecResult::describe() const {
  std::string text = status_.describe();
  if (timed_out_) text += ": the time was up";
  if (cancelled_) text += ": cancelled";
  if (truncated_) {
    text += ": " + name_of_stream(too_long_);
    text += " is longer than max_buffer (ERR_CHILD_PROCESS_STDIO_MAXBUFFER)";
  }
  return text;
}

std::optional<std::string_view> ExecResult::output(int descriptor) const {
  if (descriptor == 1) return out_;
  if (descriptor == 2) return err_;
  const auto found = more_.find(descriptor);
  if (found == more_.end()) return std::nullopt;
  return found->second;
}

Op<ExecResult> exec(Loop& loop, std::string command, const ExecOptions& options) {
  ExecOptions how = options;
  if (how.process().shell().empty()) how.shell();
  return exec_file(loop, std::move(command), {}, how);
}

Op<ExecResult> exec_file(Loop& loop, std::string file, std::vector<std::string> arguments,
                         const ExecOptions& options) {
  return std::make_shared<Execution>(loop, file, options)->run(std::move(file), std::move(arguments));
}

}  // namespace baton
