#include "chaos/worker.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

namespace baton::chaos {
namespace {

struct Status {
  char state = 'X';
  pid_t parent = 0;
};

Status status_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || text.size() < name_end + 5) return {};
  return {text[name_end + 2], std::atoi(text.c_str() + name_end + 4)};
}

// The client's port, or 0 if the descriptor is no connection over IP.
std::uint16_t peer_port(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

}  // namespace

std::vector<Worker> Worker::of(pid_t primary) {
  std::vector<Worker> workers;
  const std::string number = std::to_string(primary);
  std::ifstream children("/proc/" + number + "/task/" + number + "/children");
  for (pid_t pid = 0; children >> pid;) {
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    const Status status = status_of(pid);
    // Looked at after the pidfd was opened: the number cannot have become another process's.
    if (pidfd && status.parent == primary && status.state != 'Z') workers.push_back({pid, std::move(pidfd)});
  }
  return workers;
}

bool Worker::signal(int number) const {
  return syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0;
}

bool Worker::freeze() const {
  if (!signal(SIGSTOP)) return false;
  for (;;) {
    const char state = status_of(pid_).state;
    if (state == 'T' || state == 't') return true;
    if (state == 'Z' || state == 'X') return false;
    pollfd ended{pidfd_.get(), POLLIN, 0};
    poll(&ended, 1, 0);
  }
}

std::optional<std::set<std::uint16_t>> Worker::connections() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(("/proc/" + std::to_string(pid_) + "/fd").c_str()),
                                                   closedir);
  if (!folder) return std::nullopt;
  std::set<std::uint16_t> ports;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    const Fd copy(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd_.get(), std::atoi(entry->d_name), 0)));
    if (!copy && (errno == EPERM || errno == ENOSYS)) return std::nullopt;
    if (const std::uint16_t port = copy ? peer_port(copy.get()) : 0) ports.insert(port);
  }
  return ports;
}

}  // namespace baton::chaos
