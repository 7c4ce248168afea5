#include "baton/process/forked_child.h"

#include <utility>

namespace baton {

ForkedChild::ForkedChild(Channel channel, Child process)
    : Channel(std::move(channel)), process_(std::move(process)) {}

void ForkedChild::begin(Callback forget) {
  forget_ = std::move(forget);
  on_peer_death([this](std::string_view what) { uncaught_ = what; });
  Channel::on_close([this] {
    channel_closed_ = true;
    if (process_.status()) peer_gone();
    close_if_over();
  });
  process_.on_exit([this](const ExitStatus& status) {
    // What the child had sent is in our socket by now.
    peer_gone([this, status] { was_heard(status); });
  });
  // Its last output may still be on the way, and would be lost with its streams.
  process_.on_close([this](const ExitStatus&) {
    streams_closed_ = true;
    close_if_over();
  });
}

Op<ExitStatus> ForkedChild::exited() {
  Promise<ExitStatus> promise(loop(), "exit of " + std::to_string(pid()));
  auto op = promise.op();
  if (status_) {
    promise.resolve(*status_);
  } else {
    exit_waits_.push_back(std::move(promise));
  }
  return op;
}

void ForkedChild::was_heard(const ExitStatus& status) {
  const auto self = shared_from_this();
  status_ = status;
  for (Promise<ExitStatus>& one : std::exchange(exit_waits_, {})) one.resolve(status);
  if (auto callback = std::move(on_exit_)) loop().call([&] { callback(status); });
  // Messages that nobody takes do not keep us waiting.
  if (!channel_closed_) unref();
  close_if_over();
}

void ForkedChild::close_if_over() {
  if (!status_ || !streams_closed_ || !channel_closed_ || closing_) return;
  closing_ = true;
  loop().defer([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    if (auto callback = std::move(self->on_close_)) self->loop().call([&] { callback(*self->status_); });
    self->loop().defer([weak] {
      if (const auto still = weak.lock()) still->forget();
    });
  });
}

// Who has kept a reference may still ask, and holds nothing else by it.
void ForkedChild::forget() {
  Channel::forget();
  process_.close_streams();
  on_exit_ = nullptr;
  on_close_ = nullptr;
  std::exchange(forget_, nullptr)();
}

}  // namespace baton
