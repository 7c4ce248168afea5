// many COUNT PROGRAM: the same as baton/crowd with posix_spawn, a socket pair for each, and epoll.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "support/measure.h"

namespace {

pid_t start_with_channel(char* program, int channel) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, channel, 3);
  char* arguments[] = {program, nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, program, &actions, nullptr, arguments, environ) != 0) bench::die("posix_spawn");
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  bench::raise_descriptor_limit();
  setenv("NODE_CHANNEL_FD", "3", 1);
  const int count = std::atoi(argv[1]);
  // So that no socket is 3 itself.
  const int reserved = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<pid_t> children;
  const double start = bench::now_us();
  for (int i = 0; i < count; ++i) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) bench::die("socketpair");
    children.push_back(start_with_channel(argv[2], ends[1]));
    close(ends[1]);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = ends[0];
    epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event);
  }
  const double forked = bench::now_us() - start;
  for (int left = count; left > 0;) {
    epoll_event events[64];
    const int ready = epoll_wait(poll, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      char bytes[256];
      if (read(events[i].data.fd, bytes, sizeof bytes) <= 0) bench::die("read");
      epoll_ctl(poll, EPOLL_CTL_DEL, events[i].data.fd, nullptr);
      --left;
    }
  }
  bench::print_figures({{"wall_us", bench::now_us() - start}, {"forked_us", forked}});
  for (const pid_t child : children) kill(child, SIGKILL);
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  close(reserved);
}
