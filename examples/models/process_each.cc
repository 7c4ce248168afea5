// A process for each connection, by fork(2). Each client has a copy of the whole program to itself: nothing
// is shared, one that crashes takes nobody along, and the kernel runs them on every core. Each costs a
// process.

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <set>
#include <utility>

#include "models/models.h"
#include "models/plain.h"

namespace models {
namespace {

volatile std::sig_atomic_t asked_to_end = 0;

class ProcessEach {
 public:
  explicit ProcessEach(Plain plain) : plain_(std::move(plain)) {
    // They come while it waits, and at no other moment.
    struct sigaction action{};
    action.sa_handler = [](int number) {
      if (number == SIGTERM) asked_to_end = 1;
    };
    sigset_t held;
    ::sigemptyset(&held);
    for (const int number : {SIGTERM, SIGCHLD}) {
      ::sigaction(number, &action, nullptr);
      ::sigaddset(&held, number);
    }
    ::sigprocmask(SIG_BLOCK, &held, &open_);
    ::sigdelset(&open_, SIGTERM);
    ::sigdelset(&open_, SIGCHLD);
  }

  void run() {
    while (asked_to_end == 0) {
      collect_ended(WNOHANG);
      const bool full = children_.size() >= static_cast<std::size_t>(plain_.limit());
      if (full) say_full("process-each", plain_.limit(), "processes");
      // Who is full waits for the end of a child: for SIGCHLD.
      pollfd wanted{plain_.listener().get(), POLLIN, 0};
      if (::ppoll(&wanted, full ? 0 : 1, nullptr, &open_) > 0) serve(accept_one(plain_.listener()));
    }
    for (const pid_t child : children_) ::kill(child, SIGKILL);
    while (!children_.empty()) collect_ended(0);
  }

 private:
  void serve(const baton::Fd& connection) {
    const pid_t self = ::getpid();
    const pid_t child = ::fork();
    if (child > 0) {
      children_.insert(child);
    } else if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != self) ::_exit(1);
      plain_.listener().reset();
      serve_to_the_end(connection, plain_.wait());
      ::_exit(0);
    } else {  // the client finds its connection closed
      say_full("process-each", static_cast<int>(children_.size()),
               "processes, which is what the system allows,");
    }
  }

  void collect_ended(int how) {
    for (;;) {
      const pid_t ended = ::waitpid(-1, nullptr, how);
      if (ended <= 0) return;
      children_.erase(ended);
    }
  }

  Plain plain_;
  sigset_t open_{};
  std::set<pid_t> children_;
};

}  // namespace

baton::Task<> process_each(baton::Process& self) {
  Plain plain = co_await begin_plain(self);
  if (plain) ProcessEach(std::move(plain)).run();
  self.exit(0);
}

}  // namespace models
