#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "baton/wire/value.h"

namespace baton::cli {

// To whom goes what a worker says to its primary, when that is no program of the app's: what the primaries of
// known libraries do with it.
//   - @socket.io/cluster-adapter: the answer to a question to who has asked it, everything else to the
//   others;
//   - pm2-intercom ({topic, data}): to all workers, who has sent it too. log4js with `pm2: true` says so to
//     the worker of NODE_APP_INSTANCE 0, which never says it itself.
class Exchange {
 public:
  using WorkerId = std::uint32_t;

  // `slot`: 1 and up.
  void joined(WorkerId worker, unsigned slot) { workers_[worker].slot = slot; }
  void left(WorkerId worker);

  // Nothing if it is of no known kind.
  [[nodiscard]] std::optional<std::vector<WorkerId>> recipients(WorkerId from, const Value& message);

  // What kind of message it is, for people: "topic log4js:message"; empty if nothing in it says so.
  [[nodiscard]] static std::string kind_of(const Value& message);

 private:
  static constexpr std::size_t most_names = 1024;  // of a worker; socket.io has one for each namespace
  struct Worker {
    unsigned slot = 0;
    std::deque<std::string> names;
  };
  [[nodiscard]] std::vector<WorkerId> all_but(WorkerId one) const;
  std::vector<WorkerId> of_socket_io(WorkerId from, const Value& message);
  void remember(WorkerId worker, const Value& name);

  std::map<WorkerId, Worker> workers_;
  std::map<std::string, WorkerId> owners_;  // of each name the living worker that said it first
};

}  // namespace baton::cli
