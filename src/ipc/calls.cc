#include "ipc/calls.h"

#include <exception>
#include <string>
#include <utility>

#include "base/thrown.h"

namespace baton {
namespace {

constexpr std::size_t most_open = 65536;
constexpr std::size_t most_at_work = 1024;
// Of those that are too long to be read on the loop.
constexpr std::size_t most_large = 16;

}  // namespace

// What a request at work needs; the channel may be gone when it is done.
struct Calls::Work {
  Calls* calls;
  std::size_t count = 0;
  std::size_t large = 0;
};

Calls::~Calls() {
  if (at_work_) at_work_->calls = nullptr;
}

Op<Value> Calls::ask(const Value& request) {
  Promise<Value> promise(loop_, "request");
  auto op = promise.op();
  if (ended_) {
    promise.resolve(failure(Errc::disconnected, "request"));
    return op;
  }
  if (open_.size() >= most_open) {
    promise.resolve(
        failure(Errc::queue_full, "request", std::to_string(most_open) + " wait for their reply"));
    return op;
  }
  const int64_t id = ++last_;
  if (auto sent = channel_.send_call(wire::request(id, request)); !sent) {
    promise.resolve(std::unexpected(sent.error()));
    return op;
  }
  if (!at_work_) at_work_ = std::make_shared<Work>(this);
  promise.on_given_up([weak = std::weak_ptr(at_work_), id](bool /*dropped*/) {
    const auto work = weak.lock();
    if (work && work->calls != nullptr) work->calls->given_up(id);
  });
  open_.emplace(id, std::move(promise));
  return op;
}

void Calls::given_up(int64_t id) {
  open_.erase(id);
  channel_.waits_changed();
}

void Calls::answer_with(Answer answer) { answer_ = std::make_shared<const Answer>(std::move(answer)); }

void Calls::came(wire::Call&& call) {
  if (call.kind == wire::CallKind::request) return serve(std::move(call));
  const auto open = open_.find(call.id);
  if (open == open_.end()) return;  // too late
  auto promise = std::move(open->second);
  open_.erase(open);
  if (call.error) {
    promise.resolve(failure(Errc::peer_failed, "request", *call.error));
  } else {
    promise.resolve(std::move(call.value));
  }
  channel_.waits_changed();
}

void Calls::serve(wire::Call&& request) {
  const bool large = request.value.large();
  if (!at_work_) at_work_ = std::make_shared<Work>(this);
  if (at_work_->count >= most_at_work || (large && at_work_->large >= most_large)) {
    reply(request.id, wire::refusal(request.id, "too many requests at once"));
    return;
  }
  ++at_work_->count;
  if (large) ++at_work_->large;
  start(loop_, work(at_work_, request.id, std::move(request.value)));
}

Task<> Calls::work(std::shared_ptr<Work> work, int64_t id, Value request) {
  const bool large = request.large();
  Value message;
  const auto answer = work->calls->answer_;  // it may be replaced meanwhile
  try {
    Value value = co_await (*answer)(std::move(request));
    message = wire::reply(id, std::move(value));
  } catch (...) {
    message = wire::refusal(id, what_of(std::current_exception()));
  }
  --work->count;
  if (large) --work->large;
  if (work->calls != nullptr) work->calls->reply(id, message);
}

void Calls::reply(int64_t id, const Value& message) {
  auto sent = channel_.send_call(message);
  // What cannot be said is an answer too.
  if (!sent && message.find("error") == nullptr) {
    sent = channel_.send_call(wire::refusal(id, sent.error().what()));
  }
  if (!sent && sent.error().code() != Errc::disconnected) channel_.lost_reply(sent.error());
}

void Calls::ended() {
  ended_ = true;
  for (auto& [id, promise] : std::exchange(open_, {}))
    promise.resolve(failure(Errc::disconnected, "request"));
}

}  // namespace baton
