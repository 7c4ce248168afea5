#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "baton/ipc/answer.h"
#include "baton/loop/loop.h"
#include "baton/loop/op.h"
#include "baton/wire/value.h"
#include "wire/call.h"

namespace baton {

/// The requests that go over one channel, in both directions: which of ours are open, and who answers the
/// peer's.
class Calls {
 public:
  /// What it needs of its channel.
  class Ends {
   public:
    virtual ~Ends() = default;
    /// Sends a message to the peer; an Error if that cannot be.
    virtual Result<void> send_call(const Value& message) = 0;
    /// The answer to a request could not be sent, nor that there is none.
    virtual void lost_reply(const Error& why) = 0;
    /// Whether somebody waits for a reply may have changed.
    virtual void waits_changed() = 0;
  };

  /// `channel` outlives it.
  Calls(Loop& loop, Ends& channel) : loop_(loop), channel_(channel) {}
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  ~Calls();

  Op<Value> ask(const Value& request);
  void answer_with(Answer answer);
  /// A call of the peer's has come. The program's function may destroy the channel, and this with it.
  void came(wire::Call&& call);
  /// Nothing more comes.
  void ended();
  /// Somebody waits for a reply.
  [[nodiscard]] bool waiting() const noexcept { return !open_.empty(); }
  [[nodiscard]] bool answering() const noexcept { return static_cast<bool>(*answer_); }

 private:
  struct Work;
  void serve(wire::Call&& request);
  void reply(int64_t id, const Value& message);
  void given_up(int64_t id);
  static Task<> work(std::shared_ptr<Work> work, int64_t id, Value request);

  Loop& loop_;
  Ends& channel_;
  std::shared_ptr<const Answer> answer_ = std::make_shared<const Answer>();
  std::map<int64_t, Promise<Value>> open_;
  int64_t last_ = 0;
  std::shared_ptr<Work> at_work_;
  bool ended_ = false;
};

}  // namespace baton
