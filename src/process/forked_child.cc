#include "baton/process/forked_child.h"

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
    if (auto callback = std::move(on_exit_)) callback(status);
    // Whoever else holds its end of the channel does not keep us waiting.
    if (!channel_closed_) unref();
    close_if_over();
  });
}

void ForkedChild::close_if_over() {
  if (!status_ || !channel_closed_ || !forget_) return;
  loop().defer([this, forget = std::move(forget_)]() mutable {
    if (auto callback = std::move(on_close_)) callback(*status_);
    loop().defer(std::move(forget));
  });
  forget_ = nullptr;
}

}  // namespace baton
