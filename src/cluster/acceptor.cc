#include "cluster/acceptor.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "net/sockaddr.h"

namespace baton::cluster {
namespace {

constexpr int accepts_a_turn = 64;
constexpr auto pause_when_short = std::chrono::milliseconds(100);
constexpr auto report_interval = std::chrono::seconds(1);

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// The same client is the same text, whichever protocol it came by.
std::string client_address(const sockaddr_storage& address, socklen_t length) {
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      char text[INET_ADDRSTRLEN] = "";
      return ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    }
  }
  return net::Endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&address), length).address();
}

}  // namespace

Acceptor::Acceptor(Loop& loop, int descriptor, bool with_client)
    : loop_(loop),
      descriptor_(descriptor),
      accepted_kind_(descriptor_kind(descriptor) == DescriptorKind::unix_listener
                         ? DescriptorKind::unix_stream
                         : DescriptorKind::tcp),
      with_client_(with_client),
      last_report_(-report_interval) {}

void Acceptor::want(bool on) {
  wanted_ = on;
  update();
}

void Acceptor::close() noexcept {
  closed_ = true;
  poll_.close();
  shortage_.stop();
}

void Acceptor::update() {
  if (closed_) return;
  const bool reads = wanted_ && !shortage_.active();
  if (!poll_) {
    if (!reads) return;
    poll_ = Poll(loop_, descriptor_, [this](int) { accept(); });
  }
  poll_.want(reads ? Poll::readable : Poll::nothing);
}

void Acceptor::accept() {
  const auto self = shared_from_this();
  for (int i = 0; i < accepts_a_turn && wanted_ && !closed_; ++i) {
    // Who has no room says so by want(false); the poll stays level until then.
    if (!room_() || !accept_one()) return;
  }
}

// False: nothing more is to be had now.
bool Acceptor::accept_one() {
  sockaddr_storage address;
  socklen_t length = sizeof address;
  address.ss_family = AF_UNSPEC;
  auto* where = with_client_ ? reinterpret_cast<sockaddr*>(&address) : nullptr;
  Fd connection(
      ::accept4(descriptor_, where, where == nullptr ? nullptr : &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (connection) {
    const std::string client = where == nullptr ? std::string() : client_address(address, length);
    take_(net::Native(std::move(connection), accepted_kind_), client);
    return true;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
  if (is_shortage(errno)) {
    fail(errno);
    return false;
  }
  // Anything else concerns one connection (accept(2)) or is a broken listener, which must not spin.
  const bool broken = errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT;
  if (broken) fail(errno);
  return !broken;
}

// Waiting on a level for what cannot be accepted now would spin.
void Acceptor::fail(int error) {
  shortage_ = Timer(loop_, pause_when_short, [this] {
    shortage_.stop();
    update();
  });
  update();
  if (loop_.now() - last_report_ < report_interval) return;
  last_report_ = loop_.now();
  error_(Error(error, "accept on " + net::local_endpoint(descriptor_).to_string(), "accept4"));
}

}  // namespace baton::cluster
