#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "baton/cluster/worker_process.h"
#include "cli/exchange.h"
#include "cli/node_primary.h"
#include "cli/unread.h"
#include "loop/next_turn.h"
#include "loop/work.h"
#include "wire/written_message.h"

namespace baton::cli {

// Takes what workers say to their primary under `baton run`: hands it to whom the libraries' own primaries
// would, and tells once of each kind that nobody takes. With a program of --primary that one gets all of it,
// and hears what becomes of the workers.
class WorkerMessages {
 public:
  explicit WorkerMessages(std::function<void(const std::string&)> notice) : notice_(std::move(notice)) {}

  // From now on `primary` takes everything.
  void give_to(NodePrimary& primary) { primary_ = &primary; }
  // It has started, and knows of no worker.
  void introduce_all();
  // What it says: {cmd: "NODE_BATON_SEND", id, message}.
  void send(Value order);
  // The worker that it names; null if that is gone.
  [[nodiscard]] cluster::WorkerProcess* find(const Value& id) const;

  // A worker has started.
  void follow(cluster::WorkerProcess& worker);
  /// There are no workers any more, whatever was heard of them.
  void service_is_over();

 private:
  static constexpr std::size_t most_kinds = 16;
  void introduce(cluster::WorkerProcess& worker);
  void take(cluster::WorkerProcess& from, Message& message);
  // In each serialization that somebody needs; null where it cannot be written.
  struct Written {
    std::optional<wire::WrittenMessage> json, advanced;
    [[nodiscard]] const wire::WrittenMessage* in(Serialization how) const {
      const auto& one = how == Serialization::json ? json : advanced;
      return one ? &*one : nullptr;
    }
  };
  struct Wanted {
    bool json = false, advanced = false;
    void add(Serialization how) { (how == Serialization::json ? json : advanced) = true; }
  };
  // Gives it to the first, second, ... of those it is for.
  using Give = std::function<void(const Written&, std::size_t)>;
  // A large message on its way.
  struct Large {
    std::shared_ptr<Written> written;
    std::size_t count;
    Give give;
    std::size_t next = 0;
    Work work{};
    NextTurn turn{};
  };
  static Written write(const Value& message, Wanted wanted);
  // A worker by its number, or the program of --primary.
  static constexpr std::uint32_t the_primary = 0;
  void pass_on(Loop& loop, std::uint32_t from, Value message, Wanted wanted, std::size_t count, Give give);
  void go_on(std::uint32_t from);
  // While it is on, what that one says waits.
  void hold(std::uint32_t from, bool on);
  void send_to(cluster::WorkerProcess& worker, const Written& message);
  void tell_once(const cluster::WorkerProcess& from, const Message& message);

  std::function<void(const std::string&)> notice_;
  std::map<std::uint32_t, cluster::WorkerProcess*> workers_;
  Exchange exchange_;
  NodePrimary* primary_ = nullptr;
  std::map<std::uint32_t, Unread> unread_;
  std::map<std::uint32_t, Large> large_;  // what that one has said, who is held meanwhile
  bool loss_told_ = false;
  bool deaf_told_ = false;
  std::set<std::string> told_;
};

}  // namespace baton::cli
