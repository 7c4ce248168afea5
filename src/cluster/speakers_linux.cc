#include "cluster/speakers_linux.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "baton/base/error.h"

namespace baton::cluster {

void Speakers::heard(pid_t speaker, pid_t worker, bool asks_for_listener) {
  const bool itself = speaker == worker || speaker <= 0;
  const auto known = others_.find(speaker);
  if (itself || (known == others_.end() && others_.size() >= most)) {
    itself_ = true;
    itself_asked_ = itself_asked_ || asks_for_listener;
    return;
  }
  Speaker& one = known != others_.end() ? known->second : others_[speaker];
  one.asked = one.asked || asks_for_listener;
  if (one.process) return;
  if (watch(one, speaker)) return;
  if (errno == ESRCH) return gone(speaker);
  // Without descriptors to spare its end goes unseen.
  others_.erase(speaker);
  heard(worker, worker, asks_for_listener);
}

bool Speakers::watch(Speaker& one, pid_t speaker) {
  one.process.reset(static_cast<int>(::syscall(SYS_pidfd_open, speaker, 0)));
  if (!one.process) return false;
  one.end = Poll(loop_, one.process.get(), [this, speaker](int) { gone(speaker); });
  one.end.unref();
  try {
    one.end.want(Poll::readable);
    return true;
  } catch (const Error& error) {
    return errno = error.code().value(), false;
  }
}

void Speakers::gone(pid_t speaker) {
  auto one = others_.extract(speaker);
  if (!one) return;
  one.mapped().end.close();
  const auto tell = [this](Loss what) { loop_.defer([lost = lost_, what] { lost(what); }); };
  const bool asks =
      itself_asked_ || std::ranges::any_of(others_, [](const auto& other) { return other.second.asked; });
  if (one.mapped().asked && !asks) {
    tell(Loss::server);
  } else if (!itself_ && others_.empty()) {
    tell(Loss::last);
  }
}

}  // namespace baton::cluster
