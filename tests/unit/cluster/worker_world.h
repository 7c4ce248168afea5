#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/wire/json.h"
#include "cluster/worker_machine.h"

namespace baton::cluster {

/// A worker machine with a driver that notes what it is told to do, one line for each action, and says of
/// everything that it has reached the kernel unless `kernel_full`.
class WorkerWorld {
 public:
  explicit WorkerWorld(bool under_baton = false, WorkerLimits limits = {}) : machine(limits) {
    if (under_baton) machine.primary_is_baton();
    machine.start();
    (void)take();
  }

  void hear(std::string_view json, std::optional<HandleId> handle = std::nullopt, bool read_done = true) {
    auto message = wire::read_json(json);
    ASSERT_TRUE(message.has_value()) << json;
    machine.message(*message, handle);
    if (read_done) machine.read_done();
  }
  static wire::ListenQuery port(int64_t number) {
    wire::ListenQuery query;
    query.port = number;
    query.has_flags = true;
    query.flags = 0;
    query.backlog = 0;
    return query;
  }
  /// Server 1 listens on port 80, by round robin, with the key "k".
  void serve() {
    machine.listen(1, port(80));
    hear(R"({"cmd":"NODE_CLUSTER","errno":null,"key":"k","ack":1,"data":null,"seq":0})");
    machine.listening(1, 80);
    (void)take();
  }
  void connection(HandleId handle, uint64_t seq, bool read_done = true, std::string_view key = "k") {
    hear(R"({"cmd":"NODE_CLUSTER","act":"newconn","key":")" + std::string(key) + R"(","seq":)" +
             std::to_string(seq) + "}",
         handle, read_done);
  }

  /// The actions since the last call.
  std::vector<std::string> take() {
    std::vector<std::string> lines;
    while (auto action = machine.next_action()) {
      lines.push_back(line(*action));
      if (action->token == 0) continue;
      last_token = action->token;
      if (!kernel_full) machine.in_kernel(action->token);
    }
    return lines;
  }

  WorkerMachine machine;
  bool kernel_full = false;
  uint64_t last_token = 0;

 private:
  static std::string line(const WorkerAction& action) {
    using enum WorkerAction::Kind;
    const std::string server = " s" + std::to_string(action.server);
    const std::string handle = " h" + std::to_string(action.handle);
    switch (action.kind) {
      case send:
        return to_json(action.message);
      case emulate:
        return "emulate" + server +
               (action.sockname ? " " + action.sockname->address + " " + std::to_string(action.sockname->port)
                                : std::string());
      case adopt:
        return "adopt" + server + handle + " " + action.type + " " + std::to_string(action.port);
      case failed:
        return "failed" + server + " " + action.error->code().message();
      case deliver:
        return "deliver" + server + handle;
      case close_handle:
        return "close_handle" + handle;
      case close_server:
        return "close_server" + server;
      case end_channel:
        return "end_channel";
      case ended:
        return action.agreed ? "ended as agreed" : "ended";
      case report:
        return std::string("report ") + action.error->what();
    }
    return "?";
  }
};

}  // namespace baton::cluster
