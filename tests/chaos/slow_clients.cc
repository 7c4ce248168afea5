#include "chaos/slow_clients.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace baton::chaos {
namespace {

constexpr std::string_view first_lines = "GET / HTTP/1.1\r\nHost: a\r\n";
constexpr std::string_view next_line = "X-a: b\r\n";

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), std::string("chaos: ") + what);
}

}  // namespace

SlowClients::SlowClients(std::uint16_t port, unsigned count, Clock::duration opening, Clock::duration pause)
    : port_(port),
      opening_(opening),
      pause_(pause),
      connections_(count),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) fail("epoll_create1");
}

void SlowClients::step() {
  const auto count = static_cast<unsigned>(connections_.size());
  const Clock::duration passed = Clock::now() - start_;
  while (begun_ < count && opening_ * begun_ <= passed * count) begin();
  say_what_is_due();
  std::array<epoll_event, 256> events{};
  const int happened = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < happened; ++i) read(connections_[events[static_cast<std::size_t>(i)].data.u32]);
}

void SlowClients::begin() {
  const std::uint32_t number = begun_++;
  Connection& connection = connections_[number];
  connection.since = Clock::now();
  connection.fd = Fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!connection.fd) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  if (connect(connection.fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    fail("connect");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = number;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd.get(), &event) != 0) fail("epoll_ctl");
  if (number % 2 == 0) lines_.push_back({connection.since, number});
}

void SlowClients::say_what_is_due() {
  const auto now = Clock::now();
  while (!lines_.empty() && lines_.front().due <= now) {
    const Line line = lines_.front();
    lines_.pop_front();
    Connection& connection = connections_[line.connection];
    if (!connection.fd) continue;
    const std::string_view text = connection.spoke ? next_line : first_lines;
    // What the kernel does not take is said the next time.
    if (send(connection.fd.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
      connection.spoke = true;
    lines_.push_back({now + pause_, line.connection});
  }
}

void SlowClients::read(Connection& connection) {
  std::array<char, 512> bytes;
  const ssize_t got = recv(connection.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got > 0) {
    const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
    connection.told = !connection.told && text.starts_with("HTTP/1.1 408 ");
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    ++(got == 0 && connection.told ? told_ : broken_);
    const Clock::duration life = Clock::now() - connection.since;
    shortest_life_ = std::min(shortest_life_, life);
    longest_life_ = std::max(longest_life_, life);
    connection.fd.reset();
  }
}

}  // namespace baton::chaos
