// sockets COUNT CPU CPU: COUNT real connections passed with SCM_RIGHTS, one a message, no acknowledgement.
// The sender closes each after sending it, the receiver when it comes. What Baton and Node are measured
// against.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/measure.h"

namespace {

constexpr char frame[] =
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"s\",\"key\":\"4:127.0.0.1:0\"}\n";

void send_one(int channel, int descriptor) {
  iovec piece{const_cast<char*>(frame), sizeof frame - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  if (sendmsg(channel, &message, MSG_NOSIGNAL) != sizeof frame - 1) bench::die("sendmsg");
}

void receive(int channel, long wanted) {
  static char bytes[65536];
  alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))];
  while (wanted > 0) {
    iovec piece{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0) bench::die("recvmsg");
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i, --wanted) {
        int descriptor;
        std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
        close(descriptor);
      }
    }
  }
  if (write(channel, "d", 1) != 1) bench::die("write");
}

// The far ends live in a process of their own, started before the clock.
pid_t start_holder(const std::string& folder, uint16_t port, const char* count, int input) {
  const pid_t holder = fork();
  if (holder != 0) return holder;
  dup2(input, 0);
  const std::string program = folder + "/hold";
  execl(program.c_str(), "hold", std::to_string(port).c_str(), count, nullptr);
  bench::die("hold");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  bench::raise_descriptor_limit();
  const long count = std::atol(argv[1]);
  int ends[2];
  int input[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || pipe2(input, O_CLOEXEC) != 0)
    bench::die("socketpair");
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    bench::pin(std::atoi(argv[3]));
    receive(ends[1], count);
    _exit(0);
  }
  close(ends[1]);
  bench::pin(std::atoi(argv[2]));
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 4096) != 0) {
    bench::die("listen");
  }
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  const std::string self = argv[0];
  const pid_t holder =
      start_holder(self.substr(0, self.rfind('/')), ntohs(address.sin_port), argv[1], input[0]);
  std::vector<int> connections;
  for (long i = 0; i < count; ++i) connections.push_back(accept(listener, nullptr, nullptr));

  const double start = bench::now_us();
  const double cpu = bench::cpu_us(RUSAGE_SELF);
  for (const int connection : connections) {
    send_one(ends[0], connection);
    close(connection);
  }
  char done;
  if (read(ends[0], &done, 1) != 1) bench::die("read");
  const double wall = bench::now_us() - start;
  double used = bench::cpu_us(RUSAGE_SELF) - cpu;
  waitpid(child, nullptr, 0);
  used += bench::cpu_us(RUSAGE_CHILDREN);
  close(input[1]);
  waitpid(holder, nullptr, 0);
  const auto n = static_cast<double>(count);
  bench::print_figures({{"wall_us", wall / n}, {"cpu_us", used / n}, {"per_second", n / wall * 1e6}});
}
