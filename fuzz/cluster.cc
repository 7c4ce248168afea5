#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "baton/wire/json.h"
#include "cluster/primary_machine.h"

// A primary of a cluster, driven as its driver does, by workers that say and do anything. Input: for each
// event a byte, and its arguments (see `Driver::step`).
//
// What must hold: a connection is offered only while it is the primary's, and closed exactly once; no
// descriptor is used that is not open; what is asked of the machine it remembers; it is bounded; and any
// message either parses to something that is written and read back as the same, or is an error.
namespace {

using baton::Value;
using namespace baton::cluster;
namespace wire = baton::wire;

void require(bool condition) {
  if (!condition) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), end_(data + size) {}
  [[nodiscard]] bool more() const { return data_ != end_; }
  std::uint8_t byte() { return more() ? *data_++ : std::uint8_t{0}; }
  std::uint32_t below(std::uint32_t n) { return byte() % n; }
  std::string bytes(std::size_t count) {
    count = std::min(count, static_cast<std::size_t>(end_ - data_));
    const std::string taken(reinterpret_cast<const char*>(data_), count);
    data_ += count;
    return taken;
  }

 private:
  const std::uint8_t* data_;
  const std::uint8_t* end_;
};

// What workers say most often. `%` becomes a small number.
constexpr std::string_view phrases[] = {
    R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})",
    R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":%,"addressType":4,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":%,"data":{"ticketKeys":"k"},"address":"::","port":0,"addressType":6,"flags":0,"backlog":%,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"/a","port":-1,"addressType":-1,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":%,"addressType":"udp4","fd":-1,"flags":0,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":null,"addressType":null,"fd":%,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","act":"listening","index":0,"data":null,"address":null,"port":%,"addressType":4,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","act":"close","key":"null:%:4:undefined","seq":%})",
    R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":%})",
    R"({"cmd":"NODE_CLUSTER","ack":%,"accepted":true,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","ack":%,"accepted":false,"seq":%})",
    R"({"cmd":"NODE_CLUSTER","accepted":[%,%],"refused":[%]})",
    R"({"cmd":"NODE_BATON_LOAD","connections":%,"lag":%})",
    R"({"cmd":"NODE_BATON_PONG","n":%})",
};

Policy policy_of(std::uint32_t number) {
  switch (number) {
    case 1:
      return Policy::Kind::shared;
    case 2:
      return Policy::Kind::reuse_port;
    case 3:
      return Policy::Kind::least_loaded;
    case 4:
      return Policy::Kind::sticky;
    case 5:
      return Policy::sticky(Policy::Sticky::header, "x");
    case 6:
      return Policy::chosen([](std::span<const Candidate> workers, std::string_view client) {
        return client.size() % (workers.size() + 1);
      });
    default:
      return Policy::Kind::round_robin;
  }
}

PrimaryLimits small_limits(Input& input) {
  PrimaryLimits limits;
  limits.workers = 6;
  limits.listeners = 8;
  limits.listeners_of_a_worker = 4;
  limits.open_queries = 3;
  limits.waiting = 4;
  limits.baton_window = 1 + input.below(4);
  limits.hang_timeout = input.below(2) == 0 ? 0 : 300;
  return limits;
}

class Driver {
 public:
  explicit Driver(Input& input) : input_(input), machine_(policy_of(input.below(7)), small_limits(input)) {}

  void run() {
    while (input_.more()) {
      machine_.time(now_);
      step();
      carry_out();
      check();
    }
    for (const WorkerId worker : std::set(workers_)) machine_.worker_gone(worker);
    carry_out();
    require(machine_.in_flight() == 0);
    machine_.close_listeners();
    carry_out();
    require(connections_.empty() && sockets_.empty());
  }

 private:
  void step() {
    switch (input_.below(12)) {
      case 0:
        if (workers_.size() < 6) {
          workers_.insert(++last_worker_);
          machine_.worker_started(last_worker_, 1 + input_.below(3));
        }
        return;
      case 1:
        return machine_.worker_is_baton(worker());
      case 2:
        return machine_.channel_ended(worker());
      case 3: {
        const WorkerId gone = worker();
        machine_.worker_gone(gone);
        workers_.erase(gone);
        return;
      }
      case 4:
        return machine_.disconnect(worker());
      case 5:
        now_ += std::uint64_t{1} << input_.below(12);
        return machine_.time(now_);
      case 6:
        return refuse();
      case 7:
        return accept_one();
      case 8:
        return look_at_one();
      case 9:
        return machine_.share_failed(worker(), 1 + input_.below(8));
      case 10:
        return say(input_.bytes(input_.byte()));
      default:
        return say(phrase());
    }
  }

  WorkerId worker() {
    if (workers_.empty()) return 0;
    return *std::next(workers_.begin(), input_.below(static_cast<std::uint32_t>(workers_.size())));
  }

  std::string phrase() {
    std::string text;
    for (const char c : phrases[input_.below(std::size(phrases))]) {
      if (c == '%') {
        text += std::to_string(input_.below(20));
      } else {
        text += c;
      }
    }
    return text;
  }

  void say(const std::string& text) {
    const auto value = wire::read_json(text);
    if (!value) return;
    machine_.message(worker(), *value);
    (void)wire::parse_primary_message(*value);
    const auto message = wire::parse_worker_message(*value);
    if (!message) return;
    if (message->kind == wire::WorkerMessage::Kind::answers && message->seq &&
        message->accepted.size() + message->refused.size() != 1) {
      return;
    }
    const auto again = wire::parse_worker_message(wire::to_value(*message));
    require(again.has_value() && wire::to_value(*again) == wire::to_value(*message));
  }

  void accept_one() {
    for (const auto& [place, on] : sockets_) {
      if (machine_.accepts(place.first, place.second) != on) require(false);
    }
    for (const auto& [place, on] : sockets_) {
      if (!on) continue;
      const ConnectionId id = ++last_connection_;
      connections_[id] = 0;
      return machine_.accepted(place.first, id, input_.bytes(input_.below(3)));
    }
  }

  void refuse() {
    for (const auto& [id, holder] : connections_) {
      if (holder != 0 && input_.below(2) == 1) return machine_.refused(ConnectionId{id});
    }
  }

  void look_at_one() {
    if (looks_.empty()) return;
    const ConnectionId id = *looks_.begin();
    looks_.erase(looks_.begin());
    machine_.sticky_value(id, input_.below(2) == 0 ? std::nullopt : std::optional<std::string_view>("x"));
  }

  void carry_out() {
    for (int i = 0; const auto action = machine_.next_action(); ++i) {
      require(i < 10000);
      carry_out(*action);
    }
  }

  void carry_out(const PrimaryAction& action) {
    using enum PrimaryAction::Kind;
    switch (action.kind) {
      case send:
      case share:
        require(action.message["cmd"].is_string());
        return;
      case offer:
        require(connections_.at(action.connection) == 0);
        connections_[action.connection] = action.worker;
        return;
      case take_back:
        require(connections_.at(action.connection) != 0);
        connections_[action.connection] = 0;
        return;
      case close_connection:
        require(connections_.erase(action.connection) == 1);
        looks_.erase(action.connection);
        return;
      case open:
        if (!machine_.listener(action.listener)) return;  // closed before it came to that
        if (input_.below(4) == 3) return machine_.open_failed(action.listener, action.slot, 98);
        sockets_[{action.listener, action.slot}] = false;
        return machine_.opened(action.listener, action.slot, std::nullopt);
      case PrimaryAction::Kind::accept:
        sockets_.at({action.listener, action.slot}) = action.on;
        return;
      case close_listener:
        std::erase_if(sockets_, [&](const auto& one) { return one.first.first == action.listener; });
        return;
      case PrimaryAction::Kind::look:
        require(connections_.contains(action.connection));
        looks_.insert(action.connection);
        return;
      case kill:
        require(machine_.worker(action.worker).has_value());
        return;
      default:
        return;
    }
  }

  void check() {
    require(machine_.in_flight() + machine_.waiting() == connections_.size());
    require(machine_.listeners().size() <= 8);
    if (const auto due = machine_.next_deadline()) require(*due > now_);
  }

  Input& input_;
  PrimaryMachine machine_;
  std::set<WorkerId> workers_;
  std::map<ConnectionId, WorkerId> connections_;  // and who has it on offer; 0: nobody
  std::set<ConnectionId> looks_;
  std::map<std::pair<ListenerId, unsigned>, bool> sockets_;
  WorkerId last_worker_ = 0;
  ConnectionId last_connection_ = 0;
  Milliseconds now_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Driver(input).run();
  return 0;
}
