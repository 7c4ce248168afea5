#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/wire/json.h"
#include "cluster/primary_machine.h"

namespace baton::cluster {

/// A primary machine with a driver that notes what it is told to do, one line for each action.
class PrimaryWorld {
 public:
  explicit PrimaryWorld(Policy policy = {}, PrimaryLimits limits = {}) : machine(std::move(policy), limits) {}

  /// A worker of this number, which is also its slot.
  PrimaryWorld& start(WorkerId worker, bool baton = false) {
    machine.worker_started(worker, worker);
    if (baton) machine.worker_is_baton(worker);
    return *this;
  }
  void say(WorkerId worker, std::string_view json) {
    auto message = wire::read_json(json);
    ASSERT_TRUE(message.has_value()) << json;
    machine.message(worker, *message);
  }
  void query(WorkerId worker, int port = 80, unsigned seq = 1, std::string_view more = "") {
    say(worker, R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":)" +
                    std::to_string(port) + R"(,"addressType":4)" + std::string(more) +
                    R"(,"backlog":0,"seq":)" + std::to_string(seq) + "}");
  }
  /// A worker that listens on the first listener, which is opened when it is the first.
  void join(WorkerId worker, bool baton = false) {
    start(worker, baton);
    say(worker, R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})");
    query(worker);
    open_all();
    (void)take();
  }
  void open_all() {
    for (const ListenerId id : machine.listeners()) {
      if (!machine.listener(id)->open) machine.opened(id, 0, wire::Sockname{"::", "IPv6", 80});
    }
  }
  /// Accepts one connection after the other while the machine says so, at most `most`.
  int accept(int most, ListenerId listener = 1) {
    int count = 0;
    for (; count < most && machine.accepts(listener); ++count)
      machine.accepted(listener, ++connection, "192.0.2.1");
    return count;
  }
  void answer(WorkerId worker, uint64_t seq, bool accepted = true) {
    say(worker, R"({"cmd":"NODE_CLUSTER","ack":)" + std::to_string(seq) +
                    (accepted ? R"(,"accepted":true,"seq":9})" : R"(,"accepted":false,"seq":9})"));
  }

  /// The actions since the last call.
  std::vector<std::string> take() {
    std::vector<std::string> lines;
    while (auto action = machine.next_action()) lines.push_back(line(*action));
    return lines;
  }
  /// The same, of one kind: those that begin with `word`.
  std::vector<std::string> take(std::string_view word) {
    std::vector<std::string> lines = take();
    std::erase_if(lines, [&](const std::string& one) { return !one.starts_with(word); });
    return lines;
  }

  /// Who was offered what: "w1 c7".
  std::vector<std::string> offers() {
    std::vector<std::string> lines = take("offer ");
    for (std::string& one : lines) one = one.substr(6, one.find(" {") - 6);
    return lines;
  }

  PrimaryMachine machine;
  ConnectionId connection = 0;

 private:
  static std::string line(const PrimaryAction& action) {
    using enum PrimaryAction::Kind;
    const std::string worker = " w" + std::to_string(action.worker);
    const std::string listener = " l" + std::to_string(action.listener) +
                                 (action.slot == 0 ? std::string() : "/" + std::to_string(action.slot));
    const std::string connection = " c" + std::to_string(action.connection);
    switch (action.kind) {
      case send:
        return "send" + worker + " " + to_json(action.message);
      case offer:
        return "offer" + worker + connection + " " + to_json(action.message);
      case take_back:
        return "take_back" + connection;
      case close_connection:
        return "close" + connection + (action.on ? " taken by" + worker : std::string());
      case open:
        return "open" + listener;
      case share:
        return "share" + worker + listener + " " + to_json(action.message);
      case accept:
        return "accept" + listener + (action.on ? " on" : " off");
      case close_listener:
        return "close_listener" + listener;
      case kill:
        return "kill" + worker + " " + std::to_string(action.signal);
      case signal:
        return "signal" + worker + " " + std::to_string(action.signal) + (action.on ? " always" : "");
      case stopped_listening:
        return "stopped_listening" + worker;
      case signalled:
        return "signalled" + worker;
      case look:
        return "look" + connection;
      case look_no_more:
        return "look_no_more" + connection;
      case online:
        return "online" + worker;
      case listening:
        return "listening" + worker + " " + std::to_string(action.query.port.value_or(-2));
      case listen_failed:
        return "listen_failed" + worker + " " + action.error->what();
      case report:
        return "report" + worker + " " + action.error->what();
    }
    return "?";
  }
};

}  // namespace baton::cluster
