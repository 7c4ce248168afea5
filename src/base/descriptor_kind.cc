#include "baton/base/descriptor_kind.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace baton {
namespace {

int option(int descriptor, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

// What kind of file it is never changes; whoever keeps the file (FUSE, NFS) is not asked, as he may take his
// time.
bool is_open(int descriptor, mode_t& mode) {
  struct statx status{};
  if (::statx(descriptor, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return false;
  mode = status.stx_mode;
  return true;
}

}  // namespace

DescriptorKind descriptor_kind(int descriptor) noexcept {
  // Connections come by the thousand, and for them one question will do: the state is the first byte of
  // tcp_info, which only TCP knows.
  unsigned char state = 0;
  socklen_t length = sizeof state;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &state, &length) == 0 && length == sizeof state) {
    return state == TCP_LISTEN ? DescriptorKind::tcp_listener : DescriptorKind::tcp;
  }
  const int type = option(descriptor, SO_TYPE);
  mode_t mode = 0;
  if (type < 0 && !is_open(descriptor, mode)) return DescriptorKind::closed;
  if (S_ISFIFO(mode)) return DescriptorKind::pipe;
  if (S_ISCHR(mode) && ::isatty(descriptor) == 1) return DescriptorKind::terminal;
  if (type < 0) return DescriptorKind::other;
  const int domain = option(descriptor, SO_DOMAIN);
  const bool inet = domain == AF_INET || domain == AF_INET6;
  if (inet && type == SOCK_DGRAM) return DescriptorKind::udp;
  if (type != SOCK_STREAM) return DescriptorKind::other;
  if (domain != AF_UNIX) return DescriptorKind::other;
  const bool listens = option(descriptor, SO_ACCEPTCONN) == 1;
  return listens ? DescriptorKind::unix_listener : DescriptorKind::unix_stream;
}

std::string_view describe(DescriptorKind kind) noexcept {
  switch (kind) {
    case DescriptorKind::closed:
      return "no open descriptor";
    case DescriptorKind::tcp_listener:
      return "a listening TCP socket";
    case DescriptorKind::tcp:
      return "a TCP socket";
    case DescriptorKind::unix_listener:
      return "a listening Unix-domain socket";
    case DescriptorKind::unix_stream:
      return "a Unix-domain socket";
    case DescriptorKind::pipe:
      return "a pipe";
    case DescriptorKind::udp:
      return "a UDP socket";
    case DescriptorKind::terminal:
      return "a terminal";
    case DescriptorKind::other:
      break;
  }
  return "neither a socket nor a pipe";
}

}  // namespace baton
