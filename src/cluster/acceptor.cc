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
constexpr auto report_interval = std::chrono::seconds(1);

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

Acceptor::Acceptor(Loop& loop, int descriptor, net::Holders holders, bool with_client)
    : loop_(loop),
      descriptor_(descriptor),
      accepted_kind_(descriptor_kind(descriptor) == DescriptorKind::unix_listener
                         ? DescriptorKind::unix_stream
                         : DescriptorKind::tcp),
      holders_(holders),
      with_client_(with_client),
      last_report_(-report_interval) {
  if (holders == net::Holders::others_too) net::bound_waits(descriptor);
}

void Acceptor::want(bool on) {
  wanted_ = on;
  update();
}

void Acceptor::close() noexcept {
  closed_ = true;
  poll_.close();
  pause_.stop();
}

void Acceptor::update() {
  if (closed_) return;
  const bool reads = wanted_ && !given_up_ && !pause_.active();
  if (!poll_) {
    if (!reads) return;
    poll_ = Poll(loop_, descriptor_, [this](int) { accept(); });
  }
  poll_.want(reads ? Poll::readable : Poll::nothing);
}

void Acceptor::accept() {
  const auto self = shared_from_this();
  const int most = holders_ == net::Holders::this_process ? accepts_a_turn : 1;
  for (int i = 0; i < most && wanted_ && !closed_ && !loop_.stopping(); ++i) {
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
  Fd connection = net::accept_connection(descriptor_, holders_, where, where == nullptr ? nullptr : &length);
  if (connection) {
    failures_.accepted();
    const std::string client = where == nullptr ? std::string() : client_address(address, length);
    take_(net::Native(std::move(connection), accepted_kind_), client);
    return true;
  }
  const int error = errno;
  const auto next = failures_.after(error);
  if (next == net::AcceptFailures::Next::wait) return false;
  if (next == net::AcceptFailures::Next::again) return true;
  fail(error, next == net::AcceptFailures::Next::give_up);
  return false;
}

void Acceptor::fail(int error, bool over) {
  given_up_ = over;
  pause_ = Timer(loop_, net::AcceptFailures::pause_time, [this] {
    pause_.stop();
    update();
  });
  update();
  if (!over && loop_.now() - last_report_ < report_interval) return;
  last_report_ = loop_.now();
  error_(Error(error, "accept on " + net::local_endpoint(descriptor_).to_string(),
               over ? "accept4, for the last time" : "accept4"));
}

}  // namespace baton::cluster
