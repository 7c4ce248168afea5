#include "cli/node_primary.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <optional>

#include "base/thrown.h"
#include "baton/wire/json.h"
#include "spawn/process_table_linux.h"
#include "supervisor/duration_text.h"
#include "supervisor/worker_mark.h"
#include "wire/peer_value.h"

namespace baton::cli {

using supervisor::RestartPolicy;
using supervisor::Time;

namespace {

constexpr std::chrono::milliseconds patience_with_tree{1000};

std::string own_mark() { return supervisor::mark_of_worker(::getpid(), 0); }

}  // namespace

NodePrimary::NodePrimary(Process& self, std::string module, ForkOptions how, supervisor::RestartLimits limits,
                         Hooks hooks)
    : self_(self),
      module_(std::move(module)),
      how_(std::move(how)),
      limits_(limits),
      hooks_(std::move(hooks)),
      reports_(self.loop(), [this](std::string_view line) { hooks_.say("primary: " + std::string(line)); }) {}

NodePrimary::~NodePrimary() {
  if (child_ == nullptr) return;
  child_->on_internal({});
  child_->on_error({});
  child_->on_exit({});
  child_->stop();
}

void NodePrimary::start() {
  try {
    fork();
  } catch (...) {
    return start_again(thrown_by("start " + module_, std::current_exception()).what(), false);
  }
  hooks_.say("primary started (pid " + std::to_string(child_->pid()) + ")");
  hooks_.started(child_->pid());
}

void NodePrimary::fork() {
  ForkOptions how = how_;
  hooks_.prepare(how);
  SpawnOptions spawn = how.spawn();
  // Not for it, and not to be believed: it is no service of systemd and no worker.
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "NODE_UNIQUE_ID"}) {
    spawn.remove_env(name);
  }
  spawn.detached().add_env(std::string(supervisor::worker_mark), own_mark());
  auto output = supervisor::WorkerOutput::open(
      self_.loop(), spawn,
      [this](int stream, std::string_view line, bool whole) { hooks_.on_line(pid_, stream, line, whole); },
      [] {});
  if (!output) throw std::move(output).error();
  if (output_paused_) (*output)->pause();
  const auto since = spawner::started_now();
  child_ = &self_.fork(module_, how.spawn(std::move(spawn)));
  supervisor::program_beside() = since;
  pid_ = child_->pid();
  unread_ = Unread();
  output_ = std::move(*output);
  started_at_ = self_.loop().now();
  child_->on_internal([this](Message message) {
    if (message.value().members().size() > wire::most_members_looked_at) return;  // no order
    if (message.value()["cmd"] != Value("NODE_BATON_HEARD")) return hooks_.on_order(message.take_value());
    if (stopped_) terminate();
  });
  child_->on_message([](const Message&) {});
  child_->on_error([this](const Error& error) { reports_.report(error); });
  child_->on_exit([this](const ExitStatus& status) { on_exit(status); });
}

void NodePrimary::on_exit(const ExitStatus& status) {
  again_.stop();
  child_ = nullptr;
  ending_ = true;
  end_tree([this, how = status.describe()] { output_->finish([this, how] { tell_end(how); }); });
}

void NodePrimary::end_tree(Callback done) {
  spawner::TreeEnd::Leader leader{
      pid_, [] { return true; }, [](int) -> Result<bool> { return false; },
      [](const spawner::ProcessEntry&, const std::optional<std::string>& claimed) {
        return claimed == own_mark();
      },
      std::string(supervisor::worker_mark)};
  tree_ = std::make_unique<spawner::TreeEnd>(
      self_.loop(), std::move(leader), [this, done = std::move(done)](const Result<void>& outcome) mutable {
        tree_deadline_.stop();
        if (!outcome) hooks_.say(std::string("primary: ") + outcome.error().what());
        tree_.reset();
        done();
      });
  tree_->ask();
  tree_deadline_ = Timer(self_.loop(), patience_with_tree, [this] { tree_->kill(); });
}

void NodePrimary::tell_end(const std::string& end) {
  ending_ = false;
  supervisor::program_beside().reset();
  hooks_.ended(pid_);
  const std::string how = "primary (pid " + std::to_string(pid_) + "): " + end;
  if (stopped_) {
    hooks_.say(how + ", told to stop");
    return std::exchange(stopped_, nullptr)();
  }
  start_again(how, !RestartPolicy::unstable(limits_, self_.loop().now() - started_at_));
}

void NodePrimary::start_again(const std::string& why, bool stable) {
  Time wait{0};
  if (stable) {
    policy_.died_stable();
  } else {
    const double chance = std::uniform_real_distribution<double>()(random_);
    wait = policy_.died_unstable(limits_, self_.loop().now(), chance);
  }
  hooks_.say(why + "; next start in " + supervisor::duration_text(wait));
  again_ = Timer(self_.loop(), wait, [this] { start(); });
}

bool NodePrimary::send(const Value& news) {
  const auto written = wire::WrittenMessage::of(serialization(), news);
  return written && send(*written);
}

bool NodePrimary::send(const wire::WrittenMessage& news) {
  if (child_ == nullptr || !child_->connected() || unread_.full()) return false;
  auto sent = child_->send_written(news);
  if (sent.error() != nullptr) return false;
  std::move(sent).then(unread_.add(news.size()));
  return true;
}

void NodePrimary::pause(bool on) {
  if (child_ != nullptr) child_->pause(on);
}

void NodePrimary::stop(std::chrono::milliseconds grace, Callback done) {
  again_.stop();
  if (child_ == nullptr && !ending_) return done();
  // What it leaves behind must come to us, and the supervisor adopts nobody any more.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  stopped_ = std::move(done);
  if (ending_) return;
  grace_ = grace / 2;
  const Value last = Value::object().set("cmd", "NODE_BATON_WORKER").set("event", "end");
  if (grace_.count() == 0 || !send(last)) return terminate();
  again_ = Timer(self_.loop(), grace_, [this] { terminate(); });
}

void NodePrimary::terminate() {
  again_.stop();
  if (child_ != nullptr) child_->process().stop(grace_);
}

void NodePrimary::pause_output() {
  output_paused_ = true;
  if (output_) output_->pause();
}

void NodePrimary::resume_output() {
  output_paused_ = false;
  if (output_) output_->resume();
}

}  // namespace baton::cli
