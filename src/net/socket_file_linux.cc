#include <fcntl.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/patiently.h"
#include "net/bound_file.h"
#include "net/socket_file.h"

namespace baton::net {
namespace {

constexpr std::chrono::milliseconds remove_patience(300);

// A folder that stays the same one while names in it are looked at and removed.
class SocketFolder {
 public:
  explicit SocketFolder(const std::string& path) {
    const size_t slash = path.rfind('/');
    name_ = slash == std::string::npos ? path : path.substr(slash + 1);
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    descriptor_.reset(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  // Removes the name if `is_it` says so of what it stands for. Between a look and a removal another file may
  // come to stand there; so it is moved to a name that nobody else uses, looked at once more, and moved back
  // if it is another.
  template <class IsIt>
  bool remove_if(IsIt is_it) const {
    if (!is_it(*this, name_)) return false;
    const std::string aside = unused_name();
    if (!move(name_, aside)) return false;
    if (is_it(*this, aside)) return ::unlinkat(descriptor_.get(), aside.c_str(), 0) == 0;
    if (!move(aside, name_)) {
      // Its own name, which others chose, may be made to be shown wrongly.
      std::fprintf(stderr, "baton: the file of a socket was taken for another and is called %s by now\n",
                   aside.c_str());
    }
    return false;
  }

  // A socket, and nothing else; not what a link leads to.
  [[nodiscard]] std::optional<struct stat> socket_at(const std::string& name) const {
    struct stat found{};
    const bool there = ::fstatat(descriptor_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there || !S_ISSOCK(found.st_mode)) return std::nullopt;
    return found;
  }

  // A path that is short enough for any name of `remove_if`, unless it is the one that was given.
  [[nodiscard]] std::string path_of(const std::string& name) const {
    return "/proc/self/fd/" + std::to_string(descriptor_.get()) + "/" + name;
  }
  [[nodiscard]] bool is_own_name(const std::string& name) const { return name == name_; }

 private:
  static std::string unused_name() {
    std::array<unsigned char, 12> bytes{};
    (void)::getrandom(bytes.data(), bytes.size(), 0);
    std::string name = ".baton-";
    for (const unsigned char byte : bytes) name += static_cast<char>('a' + byte % 26);
    return name;
  }
  // File systems that cannot move without replacing keep what they have.
  [[nodiscard]] bool move(const std::string& from, const std::string& to) const {
    return ::renameat2(descriptor_.get(), from.c_str(), descriptor_.get(), to.c_str(), RENAME_NOREPLACE) == 0;
  }

  Fd descriptor_;
  std::string name_;
};

// Whether a process holds the socket whose file that is. A stream socket refuses who connects to it until it
// listens, as the file of a socket that is gone does; but to one of another kind the kernel says what it is,
// and a socket of the same kind takes the datagrams. Nobody at the other end hears of this.
bool is_held(const std::string& path) {
  const Fd probe(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const SocketAddress address(Endpoint::unix_path(path));
  return !probe || ::connect(probe.get(), address.get(), address.length()) == 0 || errno != ECONNREFUSED;
}

void remove_stale(const std::string& path) {
  const SocketFolder folder(path);
  (void)folder.remove_if([&](const SocketFolder& in, const std::string& name) {
    return in.socket_at(name) && !is_held(in.is_own_name(name) ? path : in.path_of(name));
  });
}

// Whoever waits for the file means to connect: it listens with nothing in between. What hinders it says the
// caller's own listen(2).
int bind_and_listen(const Fd& socket, const SocketAddress& address, const std::function<void(int)>& bound) {
  const int status = ::bind(socket.get(), address.get(), address.length());
  if (status == 0 && bound) bound(socket.get());
  return status;
}

int bind_with_mode(const Fd& socket, const SocketAddress& address, FileMode mode,
                   const std::function<void(int)>& bound) {
  // The kernel gives the file the socket's own mode, less the umask.
  if (mode.at_most != 0777 && ::fchmod(socket.get(), mode.at_most) != 0) return -1;
  if (mode.at_least == 0) return bind_and_listen(socket, address, bound);
  const auto bind = [&] {
    const mode_t before = ::umask(077);
    ::umask(before & ~mode.at_least);
    const int status = bind_and_listen(socket, address, bound);
    const int error = errno;
    ::umask(before);
    return status == 0 ? 0 : error;
  };
  // The umask is the whole process's, unless a thread leaves that; and bind(2) may take as long as somebody
  // likes who holds the folder.
  int error = EAGAIN;
  bool own = false;
  try {
    std::thread([&] {
      own = ::unshare(CLONE_FS) == 0;
      if (own) error = bind();
    }).join();
  } catch (const std::system_error&) {
    // There is no thread to be had.
  }
  if (!own) {
    static std::mutex changing;
    const std::lock_guard<std::mutex> guard(changing);
    error = bind();
  }
  errno = error;
  return error == 0 ? 0 : -1;
}

}  // namespace

int bind_file(const Fd& socket, const std::string& path, FileMode mode,
              const std::function<void(int)>& bound) {
  const SocketAddress address(Endpoint::unix_path(path));
  const int status = bind_with_mode(socket, address, mode, bound);
  if (status == 0 || errno != EADDRINUSE) return status;
  // Its owner may have been just about to remove it.
  remove_stale(path);
  return bind_with_mode(socket, address, mode, bound);
}

bool SocketPlace::is_gone() const noexcept {
  if (path.empty()) return false;
  struct stat found{};
  // Whoever may not look knows nothing.
  if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT || errno == ENOTDIR;
  return found.st_dev != device || found.st_ino != inode;
}

void SocketPlace::remove_file() const {
  const SocketFolder folder(path);
  (void)folder.remove_if([&](const SocketFolder& in, const std::string& name) {
    const auto found = in.socket_at(name);
    return found && found->st_dev == device && found->st_ino == inode;
  });
}

SocketFile::SocketFile(int socket, std::string path) {
  Fd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat found{};
  if (!file || ::fstat(file.get(), &found) != 0 || !S_ISSOCK(found.st_mode)) return;
  if (!is_bound_to(socket, file)) return;
  place_ = {std::move(path), found.st_dev, found.st_ino};
  kept_ = std::make_shared<Fd>(std::move(file));
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : place_(std::exchange(other.place_, {})), kept_(std::move(other.kept_)) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  place_ = std::exchange(other.place_, {});
  kept_ = std::move(other.kept_);
  return *this;
}

void SocketFile::forget() noexcept {
  place_ = {};
  kept_.reset();
}

std::function<void()> SocketFile::removal() const {
  return [place = place_, kept = kept_] {
    if (kept) place.remove_file();
  };
}

void SocketFile::remove() noexcept {
  if (!*this) return;
  // A file that stays is no harm: it is nobody's, and gives way to the next one.
  if (!patiently(remove_patience, removal())) forget();
}

}  // namespace baton::net
