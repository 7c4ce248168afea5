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
    if (status_) peer_gone();
    close_if_over();
  });
  process_.on_exit([this](const ExitStatus& status) {
    // What the child had sent is in our socket by now.
    read_now();
    status_ = status;
    peer_gone();
    if (auto callback = std::move(on_exit_)) loop().call([&] { callback(status); });
    // Messages that nobody takes do not keep us waiting.
    if (!channel_closed_) unref();
  });
  // Its last output may still be on the way, and would be lost with its streams.
  process_.on_close([this](const ExitStatus&) {
    streams_closed_ = true;
    close_if_over();
  });
}

void ForkedChild::close_if_over() {
  if (!streams_closed_ || !channel_closed_ || closing_) return;
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
