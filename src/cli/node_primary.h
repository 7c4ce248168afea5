#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "baton/loop/timer.h"
#include "baton/process/process.h"
#include "baton/supervisor/restart_policy.h"
#include "cli/unread.h"
#include "loop/limited_reports.h"
#include "spawn/tree_end_linux.h"
#include "supervisor/worker_output.h"
#include "wire/written_message.h"

namespace baton::cli {

// The program of --primary: a Node program beside the workers, to which they are the workers of its `cluster`
// (primary.cjs). It is no worker; when it ends another one is started, after a pause.
class NodePrimary {
 public:
  // What it does.
  struct Hooks {
    std::function<void(ForkOptions&)> prepare;  // before each start; throws what is in the way
    std::function<void(pid_t)> started;         // tell it of the workers now
    std::function<void(pid_t)> ended;
    std::function<void(Value)> on_order;  // what it says to us
    std::function<void(pid_t, int stream, std::string_view line, bool whole)> on_line;
    std::function<void(const std::string&)> say;
  };
  NodePrimary(Process& self, std::string module, ForkOptions how, supervisor::RestartLimits limits,
              Hooks hooks);
  NodePrimary(const NodePrimary&) = delete;
  NodePrimary& operator=(const NodePrimary&) = delete;
  // Cuts the hooks; what runs is ended with the process.
  ~NodePrimary();

  void start();
  // False: none runs that would hear it.
  bool send(const Value& news);
  bool send(const wire::WrittenMessage& news);
  [[nodiscard]] Serialization serialization() const noexcept { return how_.serialization(); }
  // While it is on, what it says waits.
  void pause(bool on);
  // SIGTERM once it has heard everything, and SIGKILL after `grace`; `done` comes when it is gone, and no
  // other one is started.
  void stop(std::chrono::milliseconds grace, Callback done);

  void pause_output();
  void resume_output();

 private:
  void fork();
  void terminate();
  void on_exit(const ExitStatus& status);
  // What it has left behind goes too.
  void end_tree(Callback done);
  void tell_end(const std::string& end);
  // `stable`: it has lived, and for long enough.
  void start_again(const std::string& why, bool stable);

  Process& self_;
  const std::string module_;
  const ForkOptions how_;
  const supervisor::RestartLimits limits_;
  const Hooks hooks_;
  supervisor::RestartPolicy policy_;
  std::minstd_rand random_{std::random_device()()};
  ForkedChild* child_ = nullptr;
  pid_t pid_ = 0;
  bool ending_ = false;  // its last words are read
  LimitedReports reports_;
  std::unique_ptr<supervisor::WorkerOutput> output_;
  Unread unread_;
  bool output_paused_ = false;
  supervisor::Time started_at_{0};
  Timer again_;
  std::unique_ptr<spawner::TreeEnd> tree_;
  Timer tree_deadline_;
  std::chrono::milliseconds grace_{0};
  Callback stopped_;  // somebody waits for its end
};

}  // namespace baton::cli
