#include "supervisor/notify_socket_linux.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "spawn/process_table_linux.h"

namespace baton::supervisor {
namespace {

// As systemd's own limit; what is longer is no message.
constexpr size_t longest_message = 4096;
// Of one worker at a time, so that one who floods does not starve the rest.
constexpr int reads_a_turn = 16;
// Many programs send more with it than their readiness, descriptors to be kept for one.
constexpr size_t most_descriptors = 253;

std::string random_name() {
  std::array<unsigned char, 8> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) < 0) bytes.fill(0);
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

std::string make_folder() {
  const std::array<const char*, 4> parents{std::getenv("XDG_RUNTIME_DIR"), "/run", std::getenv("TMPDIR"),
                                           "/tmp"};
  for (const char* parent : parents) {
    // The path of a socket is at most 107 bytes long.
    if (parent == nullptr || *parent != '/' || std::strlen(parent) > 60) continue;
    std::string path = std::string(parent) + "/baton-XXXXXX";
    if (::mkdtemp(path.data()) != nullptr) return path;
  }
  return {};
}

}  // namespace

bool says_ready(std::string_view datagram) noexcept {
  while (!datagram.empty()) {
    const size_t end = datagram.find('\n');
    if (datagram.substr(0, end) == "READY=1") return true;
    if (end == std::string_view::npos) return false;
    datagram.remove_prefix(end + 1);
  }
  return false;
}

NotifyFolder::NotifyFolder(bool for_others) : path_(make_folder()), for_others_(for_others) {
  if (!path_.empty() && for_others) ::chmod(path_.c_str(), 0711);
  if (path_.empty()) path_ = "@baton-" + std::to_string(::getpid()) + "-" + random_name();
}

NotifyFolder::~NotifyFolder() {
  if (path_.front() == '/') ::rmdir(path_.c_str());
}

std::string NotifyFolder::name(uint64_t id) const { return path_ + "/" + std::to_string(id); }

Result<std::unique_ptr<NotifySocket>> NotifySocket::open(Loop& loop, std::string name, Callback ready,
                                                         bool for_others) {
  const std::string operation = "open the notify socket " + name;
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return failure(errno, operation, "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path) return failure(ENAMETOOLONG, operation);
  name.copy(address.sun_path, name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (name.front() == '@' ? 0 : 1);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) !=
      0) {
    return failure(errno, operation, "bind");
  }
  if (for_others && name.front() == '/') ::chmod(name.c_str(), 0666);
  std::unique_ptr<NotifySocket> opened(
      new NotifySocket(loop, std::move(socket), std::move(name), std::move(ready)));
  const int on = 1;
  if (::setsockopt(opened->socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return failure(errno, operation, "setsockopt SO_PASSCRED");
  }
  try {
    opened->poll_.want(Poll::readable);
  } catch (const Error& error) {
    return std::unexpected(error);
  }
  return opened;
}

NotifySocket::NotifySocket(Loop& loop, Fd socket, std::string name, Callback ready)
    : name_(std::move(name)),
      ready_(std::move(ready)),
      socket_(std::move(socket)),
      poll_(loop, socket_.get(), [this](int) { read_now(); }) {
  poll_.unref();
}

NotifySocket::~NotifySocket() {
  poll_.close();
  if (name_.front() == '/') ::unlink(name_.c_str());
}

void NotifySocket::read_now() {
  for (int i = 0; i < reads_a_turn; ++i) {
    if (!read_one()) return;
  }
}

bool NotifySocket::read_one() {
  std::array<char, longest_message + 1> text;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(most_descriptors * sizeof(int))>
      control;
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EINTR;
  pid_t sender = 0;
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
       part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET) continue;
    if (part_of->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      std::memcpy(&who, CMSG_DATA(part_of), sizeof who);
      sender = who.pid;
    } else if (part_of->cmsg_type == SCM_RIGHTS) {
      // Closing them is what a sender of BARRIER=1 waits for.
      const size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(part_of) + i * sizeof(int), sizeof descriptor);
        const Fd closed(descriptor);
      }
    }
  }
  const bool whole = static_cast<size_t>(got) <= longest_message;
  if (!whole || !says_ready(std::string_view(text.data(), static_cast<size_t>(got)))) return true;
  const bool stranger = spawner::find_process(sender).has_value() && !spawner::descends_from(sender, worker_);
  if (!stranger) ready_();
  return true;
}

}  // namespace baton::supervisor
