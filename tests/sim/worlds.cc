#include "sim/worlds.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace baton::sim {

std::string describe(const Outcome& outcome) {
  std::string text = std::to_string(outcome.result);
  if (outcome.result < 0) text += std::string(" (") + strerrorname_np(-outcome.result) + ")";
  if (!outcome.bytes.empty()) text += " \"" + outcome.bytes.substr(0, 40) + "\"";
  for (std::size_t i = 0; i < outcome.numbers.size(); ++i) {
    text += " fd " + std::to_string(outcome.numbers[i]) + " of file " + std::to_string(outcome.identities[i]);
  }
  return outcome.truncated ? text + " truncated" : text;
}

// ------------------------------------------------------------------------------------------------ the real
// kernel

namespace {

Outcome outcome_of(int result) { return {.result = result < 0 ? -errno : result}; }

short poll_now(int number) {
  pollfd entry{.fd = number, .events = POLLIN | POLLOUT | POLLRDHUP, .revents = 0};
  ::poll(&entry, 1, 0);
  return entry.revents;
}

}  // namespace

RealWorld::RealWorld() {
  close_range(3, ~0U, 0);
  for (int number = 0; number < 3; ++number) {
    if (fcntl(number, F_GETFD) < 0) open("/dev/null", O_RDWR);
  }
  for (int i = 0; i < file_count; ++i) {
    struct stat status{};
    fstat(memfd_create("carried", MFD_CLOEXEC), &status);
    inodes_.push_back(status.st_ino);
  }
}

RealWorld::~RealWorld() { close_range(3, ~0U, 0); }

void RealWorld::set_limit(int limit) {
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  now.rlim_cur = static_cast<rlim_t>(limit);
  setrlimit(RLIMIT_NOFILE, &now);
}

int RealWorld::socket_pair(int ends[2]) {
  return outcome_of(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends)).result;
}

Outcome RealWorld::send(int number, const std::string& bytes, const std::vector<int>& carried) {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 300)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!carried.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * carried.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * carried.size());
    std::memcpy(CMSG_DATA(header), carried.data(), sizeof(int) * carried.size());
  }
  return outcome_of(static_cast<int>(sendmsg(number, &message, MSG_DONTWAIT | MSG_NOSIGNAL)));
}

Outcome RealWorld::receive(int number, std::size_t size, int slots) {
  std::string buffer(size, '\0');
  iovec part{.iov_base = buffer.data(), .iov_len = size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 253)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = slots > 0 ? control : nullptr;
  message.msg_controllen = slots > 0 ? CMSG_LEN(sizeof(int) * static_cast<unsigned>(slots)) : 0;
  Outcome outcome = outcome_of(static_cast<int>(recvmsg(number, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)));
  if (outcome.result < 0) return outcome;
  outcome.bytes = buffer.substr(0, static_cast<std::size_t>(outcome.result));
  outcome.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int got = -1;
      std::memcpy(&got, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      struct stat status{};
      fstat(got, &status);
      outcome.numbers.push_back(got);
      outcome.identities.push_back(
          static_cast<int>(std::ranges::find(inodes_, status.st_ino) - inodes_.begin()));
    }
  }
  return outcome;
}

Outcome RealWorld::shut_sending(int number) { return outcome_of(shutdown(number, SHUT_WR)); }
Outcome RealWorld::close(int number) { return outcome_of(::close(number)); }
Outcome RealWorld::duplicate(int number) { return outcome_of(fcntl(number, F_DUPFD_CLOEXEC, 0)); }
Outcome RealWorld::poll(int number) { return {.result = poll_now(number) & ~POLLOUT}; }
bool RealWorld::writable(int number) { return (poll_now(number) & POLLOUT) != 0; }

// ------------------------------------------------------------------------------------------------ the model

ModelWorld::ModelWorld() {
  pid = kernel.start(-1, 1000);
  for (int i = 0; i < 3 + file_count; ++i) {
    noted(kernel.open_other(pid));
    if (i >= 3) files_.push_back(kernel.file_of(pid, descriptors_[static_cast<std::size_t>(i)]));
  }
}

int ModelWorld::descriptor(int number) const {
  const auto index = static_cast<std::size_t>(number);
  return index < descriptors_.size() ? descriptors_[index] : number;
}

/// The kernel's number for a new descriptor.
Outcome ModelWorld::noted(int result) {
  if (result < 0) return {.result = result};
  const auto slot = static_cast<std::size_t>(ModelKernel::slot_of(result));
  if (slot >= descriptors_.size()) descriptors_.resize(slot + 1, -1);
  descriptors_[slot] = result;
  return {.result = static_cast<int>(slot)};
}

int ModelWorld::socket_pair(int ends[2]) {
  const int result = kernel.socket_pair(pid, ends, {});
  for (int i = 0; i < 2 && result == 0; ++i) ends[i] = noted(ends[i]).result;
  return result;
}

Outcome ModelWorld::send(int number, const std::string& bytes, const std::vector<int>& carried) {
  std::vector<int> descriptors;
  for (const int one : carried) descriptors.push_back(descriptor(one));
  return {.result = kernel.send(pid, descriptor(number), bytes, descriptors)};
}

Outcome ModelWorld::receive(int number, std::size_t size, int slots) {
  std::string buffer(size, '\0');
  const Received received =
      kernel.receive(pid, descriptor(number), buffer, static_cast<std::uint32_t>(slots));
  Outcome outcome{.result = received.result};
  if (received.result < 0) return outcome;
  outcome.bytes = buffer.substr(0, static_cast<std::size_t>(received.result));
  outcome.truncated = received.truncated;
  for (const int one : received.descriptors) {
    outcome.numbers.push_back(noted(one).result);
    outcome.identities.push_back(
        static_cast<int>(std::ranges::find(files_, kernel.file_of(pid, one)) - files_.begin()));
  }
  return outcome;
}

Outcome ModelWorld::shut_sending(int number) {
  return {.result = kernel.shut_sending(pid, descriptor(number))};
}
Outcome ModelWorld::close(int number) { return {.result = kernel.close(pid, descriptor(number))}; }
Outcome ModelWorld::duplicate(int number) { return noted(kernel.duplicate(pid, descriptor(number))); }
Outcome ModelWorld::poll(int number) { return {.result = kernel.poll(pid, descriptor(number)) & ~POLLOUT}; }
bool ModelWorld::writable(int number) { return (kernel.poll(pid, descriptor(number)) & POLLOUT) != 0; }

// ------------------------------------------------------------------------------------------------ processes

std::string in_child(const std::function<std::string()>& body) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return "pipe2";
  const pid_t child = fork();
  if (child == 0) {
    dup2(report[1], 2);
    std::string said;
    try {
      said = body();
    } catch (const std::exception& error) {
      said = error.what();
    }
    const bool written = write(2, said.data(), said.size()) == static_cast<ssize_t>(said.size());
    _exit(said.empty() && written ? 0 : 1);
  }
  close(report[1]);
  std::string text;
  char chunk[4096];
  for (ssize_t n = 0; (n = read(report[0], chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<std::size_t>(n));
  close(report[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0 && text.empty()) text = "the child ended with status " + std::to_string(status);
  return text;
}

}  // namespace baton::sim
