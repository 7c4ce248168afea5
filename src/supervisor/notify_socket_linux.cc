#include "supervisor/notify_socket_linux.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/patiently.h"
#include "baton/net/native.h"
#include "loop/turn.h"
#include "spawn/process_table_linux.h"

namespace baton::supervisor {
namespace {

// As systemd's own limit; what is longer is no message.
constexpr size_t longest_message = 4096;
// Many programs send more with it than their readiness, descriptors to be kept for one.
constexpr size_t most_descriptors = 253;
// The worker's descriptor. High, because Node keeps the first ones from its own children, up to the first
// gap.
constexpr int usual_number = 100;

constexpr std::chrono::milliseconds pause_until_closed(10);
constexpr std::chrono::milliseconds folder_patience(50);
constexpr std::chrono::milliseconds stranger_patience(1000);
constexpr std::chrono::milliseconds last_patience(100);
constexpr size_t most_strangers = 8;  // looked at at a time

constexpr std::string_view notify_operation = "open a notify socket";

std::string random_name() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) < 0) bytes.fill(0);
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

// The path of a descriptor, for who has it.
std::string path_of_descriptor(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

bool call_with_address(int (*call)(int, const sockaddr*, socklen_t), const Fd& socket,
                       const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path) return errno = ENAMETOOLONG, false;
  name.copy(address.sun_path, name.size());
  const bool abstract = name.front() == '@';
  if (abstract) address.sun_path[0] = '\0';
  const size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
  return call(socket.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) == 0;
}

Fd datagram_socket() { return Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// A socket, and what it was bound to, which has no name any more.
struct Bound {
  Fd socket = datagram_socket();
  Fd place;
};

// Binds it in a folder of its own for a moment.
void bind_in(const std::string& parent, Bound& bound) {
  std::string folder = parent + "/baton-XXXXXX";
  if (!bound.socket || ::mkdtemp(folder.data()) == nullptr) return;
  const std::string path = folder + "/notify";
  if (call_with_address(::bind, bound.socket, path)) {
    bound.place.reset(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    ::unlink(path.c_str());
  }
  ::rmdir(folder.c_str());
}

// Of those who can look, for a container may have no /proc.
bool can_be_reached(const Fd& place) {
  const Fd client = datagram_socket();
  return client && call_with_address(::connect, client, path_of_descriptor(place.get()));
}

int number_for_worker(const ForkOptions& how) {
  rlimit limit{};
  const auto& limits = how.spawn().limits();
  if (const auto own = limits.find(RLIMIT_NOFILE); own != limits.end()) {
    limit = own->second;
  } else {
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  // The spawner needs room above it.
  const bool high = limit.rlim_cur > 2 * usual_number && how.channel_number() < usual_number &&
                    !how.spawn().stdio().contains(usual_number);
  return high ? usual_number : how.channel_number() + 1;
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

Result<std::unique_ptr<NotifySocket>> NotifySocket::open(Loop& loop, Callback ready, Kind kind) {
  Fd socket = datagram_socket();
  if (!socket) return failure(errno, notify_operation, "socket");
  std::unique_ptr<NotifySocket> opened(new NotifySocket(loop, std::move(socket), std::move(ready)));
  const bool held = kind == Kind::held && opened->bind_and_hold();
  if (!held && !opened->bind_abstract()) return failure(errno, notify_operation, "bind " + opened->abstract_);
  const int on = 1;
  if (::setsockopt(opened->socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return failure(errno, notify_operation, "setsockopt SO_PASSCRED");
  }
  try {
    opened->poll_ = Poll(loop, opened->socket_.get(), [self = opened.get()](int) { self->read_now(); });
    opened->poll_.unref();
    opened->poll_.want(Poll::readable);
  } catch (const Error& error) {
    return std::unexpected(error);
  }
  return opened;
}

NotifySocket::NotifySocket(Loop& loop, Fd socket, Callback ready)
    : loop_(loop), ready_(std::move(ready)), socket_(std::move(socket)) {}

NotifySocket::~NotifySocket() {
  poll_.close();
  // What lies unread in it may be descriptors.
  aside_->close(std::move(socket_));
}

bool NotifySocket::bind_and_hold() {
  const std::array<const char*, 5> parents{std::getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp", "/run",
                                           std::getenv("TMPDIR")};
  for (const char* parent : parents) {
    // The path of a socket is at most 107 bytes long.
    if (parent == nullptr || *parent != '/' || std::strlen(parent) > 60) continue;
    // A socket is bound but once. Anybody who may read the folder can hold it.
    const auto bound = std::make_shared<Bound>();
    if (!patiently(folder_patience, [bound, in = std::string(parent)] { bind_in(in, *bound); })) return false;
    place_ = std::move(bound->place);
    // Its worker may run as anybody; it has no name by which somebody else could find it.
    if (place_ && ::chmod(path_of_descriptor(place_.get()).c_str(), 0666) == 0 && can_be_reached(place_)) {
      socket_ = std::move(bound->socket);
      return true;
    }
    place_.reset();
  }
  return false;
}

bool NotifySocket::bind_abstract() {
  if (!socket_) return false;
  abstract_ = "@baton-" + random_name();
  return call_with_address(::bind, socket_, abstract_);
}

std::string NotifySocket::name() const { return place_ ? path_of_descriptor(place_.get()) : abstract_; }

void NotifySocket::hand_to(ForkOptions& how) {
  SpawnOptions spawn = how.spawn();
  if (place_) {
    const int number = number_for_worker(how);
    spawn.pass(std::move(place_), number).add_env("NOTIFY_SOCKET", path_of_descriptor(number));
  } else {
    spawn.add_env("NOTIFY_SOCKET", abstract_);
  }
  how.spawn(std::move(spawn));
}

// Nobody can hold who reads what is open already. It is opened before the worker could hold its folder.
void NotifySocket::set_worker(pid_t pid, spawner::Lane lane) {
  worker_ = pid;
  lane_ = std::move(lane);
  status_.reset(::open(("/proc/" + std::to_string(pid) + "/status").c_str(), O_RDONLY | O_CLOEXEC));
  look_at_worker();
}

// Entrypoints change their user.
void NotifySocket::look_at_worker() {
  std::array<char, 4096> buffer;
  const ssize_t got = ::pread(status_.get(), buffer.data(), buffer.size(), 0);
  const std::string_view status(buffer.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
  constexpr std::string_view key = "\nUid:\t";
  const size_t at = status.find(key);
  if (at == status.npos) return;
  uid_t user = 0;
  const char* begin = status.data() + at + key.size();
  if (std::from_chars(begin, status.data() + status.size(), user).ec == std::errc()) user_ = user;
}

void NotifySocket::hear(const NotifySender& sender) {
  // It is in no namespace that this process can see: no descendant.
  if (sender.pid == 0) return;
  // The kernel tells that without /proc.
  if (sender.pid == worker_ || ::getsid(sender.pid) == worker_) return heard();
  if (::kill(sender.pid, 0) == 0 || errno != ESRCH) return look_at(sender);
  // It has ended. What its user may do to the worker is no less than to speak for it.
  look_at_worker();
  if (sender.uid == user_) heard();
}

// It can hold whoever looks at it.
void NotifySocket::look_at(const NotifySender& stranger) {
  if (strangers_.size() >= most_strangers || strangers_.contains(stranger.pid)) return;
  Stranger& one = strangers_[stranger.pid];
  one.look = spawner::Look(
      loop_, lane_, stranger_patience,
      [descends = one.descends, pid = stranger.pid, worker = worker_] {
        *descends = spawner::descends_from(pid, worker);
      },
      [this, descends = one.descends, stranger](const Result<void>& looked) {
        strangers_.erase(stranger.pid);
        if (!looked) return;
        if (*descends) return heard();
        if (::kill(stranger.pid, 0) != 0 && errno == ESRCH) hear(stranger);
      });
  one.look.unref();
}

void NotifySocket::heard() {
  if (!std::exchange(heard_, true)) ready_();
}

void NotifySocket::read_now() {
  const auto until = Turn::Clock::now() + Turn::share;
  while (!aside_->full() && read_one() && Turn::Clock::now() < until) {
  }
  if (aside_->full()) wait_until_closed();
}

void NotifySocket::read_last() {
  read_now();
  if (heard_ || strangers_.empty() || !lane_.finish(last_patience)) return;
  if (std::ranges::any_of(strangers_, [](const auto& one) { return one.second.descends->load(); })) heard();
}

// What came with the messages takes its time to be closed: no more of them before.
void NotifySocket::wait_until_closed() {
  if (!poll_) return;
  poll_.want(Poll::nothing);
  again_ = Timer(loop_, pause_until_closed, [this] {
    again_.stop();
    poll_.want(Poll::readable);
  });
  again_.unref();
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
  NotifySender sender;
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
       part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET) continue;
    if (part_of->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      std::memcpy(&who, CMSG_DATA(part_of), sizeof who);
      sender = {who.pid, who.uid};
    } else if (part_of->cmsg_type == SCM_RIGHTS) {
      // Closing them is what a sender of BARRIER=1 waits for.
      const size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(part_of) + i * sizeof(int), sizeof descriptor);
        Fd sent(descriptor);
        const DescriptorKind kind = descriptor_kind(sent.get());
        const net::Native closed(std::move(sent), kind, aside_);
      }
    }
  }
  const bool whole = static_cast<size_t>(got) <= longest_message;
  if (!whole || !says_ready(std::string_view(text.data(), static_cast<size_t>(got)))) return true;
  if (!heard_) hear(sender);
  return true;
}

}  // namespace baton::supervisor
