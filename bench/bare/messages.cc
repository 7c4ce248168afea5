// messages pp|ppe|ow COUNT CPU CPU: what the kernel alone takes for lines between two processes over a socket
// pair.
//   pp    ping-pong, both ends blocking in read
//   ppe   ping-pong, both ends around epoll, as an event loop is
//   ow    one way, a write for each line; the reader counts them

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "support/measure.h"

namespace {

constexpr size_t frame_size = sizeof bench::small_frame - 1;

void write_frame(int end) {
  if (write(end, bench::small_frame, frame_size) != static_cast<ssize_t>(frame_size)) bench::die("write");
}

/// Reads one line; with epoll if it was given one.
class Reader {
 public:
  Reader(int end, bool with_epoll) : end_(end) {
    if (!with_epoll) return;
    epoll_ = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, end, &event);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  void read_frame() {
    epoll_event event;
    if (epoll_ >= 0 && epoll_wait(epoll_, &event, 1, 10000) != 1) bench::die("epoll_wait");
    const ssize_t got = read(end_, bytes_, sizeof bytes_);
    if (got <= 0 || bytes_[got - 1] != '\n') bench::die("read");
  }

 private:
  int end_;
  int epoll_ = -1;
  char bytes_[4096];
};

void count_lines(int end, long wanted) {
  static char bytes[65536];
  while (wanted > 0) {
    const ssize_t got = read(end, bytes, sizeof bytes);
    if (got <= 0) bench::die("read");
    wanted -= std::count(bytes, bytes + got, '\n');
  }
}

void other_end(int end, std::string_view mode, long count, int cpu) {
  bench::pin(cpu);
  alarm(120);
  if (mode == "ow") {
    count_lines(end, count);
    write_frame(end);
  } else {
    Reader reader(end, mode == "ppe");
    for (long i = 0; i < count; ++i) {
      reader.read_frame();
      write_frame(end);
    }
  }
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string_view mode = argv[1];
  const long count = std::atol(argv[2]);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) bench::die("socketpair");
  const pid_t child = fork();
  if (child == 0) other_end(ends[1], mode, count, std::atoi(argv[4]));
  bench::pin(std::atoi(argv[3]));
  alarm(120);
  const double start = bench::now_us();
  const double cpu = bench::cpu_us(RUSAGE_SELF);
  if (mode == "ow") {
    for (long i = 0; i < count; ++i) write_frame(ends[0]);
    Reader(ends[0], false).read_frame();
  } else {
    Reader reader(ends[0], mode == "ppe");
    for (long i = 0; i < count; ++i) {
      write_frame(ends[0]);
      reader.read_frame();
    }
  }
  const double wall = bench::now_us() - start;
  const double used = bench::cpu_us(RUSAGE_SELF) - cpu;
  waitpid(child, nullptr, 0);
  const auto n = static_cast<double>(count);
  bench::print_figures({{"wall_us", wall / n},
                        {"cpu_us", (used + bench::cpu_us(RUSAGE_CHILDREN)) / n},
                        {"per_second", n / wall * 1e6}});
}
