#include "models/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "models/service.h"

namespace models {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kept_request =
    "GET / HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    "\r\n";
constexpr std::string_view single_request =
    "GET / HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    "Connection: close\r\n"
    "\r\n";

double ms_between(Load::Clock::time_point from, Load::Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// The value below which that share of them lies. Orders them.
double quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto index =
      std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(index);
  std::ranges::nth_element(values, at);
  return *at;
}

}  // namespace

Load::Load(const Job& job)
    : job_(job),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(static_cast<std::size_t>(job.connections)) {
  took_ms_.reserve(std::size_t{1} << 20);
  for (Connection& connection : connections_) connect(connection);
}

Figures Load::measure() {
  const auto time = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(job_.seconds));
  run(Clock::now() + time / 4);
  counting_ = true;
  const auto start = Clock::now();
  run(start + time);
  counting_ = false;
  const auto now = Clock::now();
  Figures result = figures(now);
  result.requests_per_second = static_cast<double>(took_ms_.size()) / ms_between(start, now) * 1000;
  return result;
}

Figures Load::figures(Clock::time_point now) const {
  Figures result;
  result.failures = failures_;
  std::vector<double> took = took_ms_;
  result.p50_ms = quantile(took, 0.5);
  const double answered_p99 = quantile(took, 0.99);
  // Who still waits has waited at least so long. Left out, the worst server would look like the best.
  std::size_t waiting = 0;
  for (const Connection& connection : connections_) {
    if (!connection.served) ++result.unserved;
    const double waited = ms_between(connection.asked, now);
    if (connection.answered || (connection.served && waited <= answered_p99)) continue;
    took.push_back(waited);
    ++waiting;
  }
  if (took_ms_.empty()) result.p50_ms = quantile(took, 0.5);
  result.p99_ms = quantile(took, 0.99);
  result.p99_unanswered = waiting * 100 > took.size();
  return result;
}

void Load::run(Clock::time_point end) {
  std::array<epoll_event, 256> ready{};
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    const auto left = std::chrono::ceil<milliseconds>(end - now);
    const int most_ms = static_cast<int>(std::min<milliseconds>(left, milliseconds(1000)).count());
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), most_ms);
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections_[ready[static_cast<std::size_t>(i)].data.u32];
      if (connection.asking) {
        ask(connection);
      } else {
        hear(connection);
      }
    }
  }
}

void Load::watch(const Connection& connection, int operation, uint32_t what) const {
  epoll_event event{};
  event.events = what;
  event.data.u32 = static_cast<uint32_t>(&connection - connections_.data());
  ::epoll_ctl(epoll_.get(), operation, connection.socket.get(), &event);
}

void Load::connect(Connection& connection) {
  connection.asked = Clock::now();
  connection.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!connection.socket) throw baton::Error(errno, "connect");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(job_.port));
  if (::connect(connection.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    throw baton::Error(errno, "connect");
  }
  const int on = 1;
  ::setsockopt(connection.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch(connection, EPOLL_CTL_ADD, EPOLLIN);
  ask(connection);
}

// The time of a request of a new connection counts from before that.
void Load::ask(Connection& connection) {
  if (job_.keep_alive && !connection.asking) connection.asked = Clock::now();
  connection.got = 0;
  connection.answered = false;
  const std::string_view text = job_.keep_alive ? kept_request : single_request;
  if (::send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
      static_cast<ssize_t>(text.size())) {
    if (std::exchange(connection.asking, false)) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
  } else if (errno == EAGAIN || errno == ENOTCONN) {  // the connection is not there yet
    connection.asking = true;
    watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
  }
  // Of one that is broken, reading tells.
}

void Load::hear(Connection& connection) {
  char bytes[4096];
  const ssize_t got = ::read(connection.socket.get(), bytes, sizeof bytes);
  if (got > 0) return take(connection, std::string_view(bytes, static_cast<std::size_t>(got)));
  if (got < 0 && errno == EAGAIN) return;
  // The server ends a connection of one request.
  if (got == 0 && connection.answered && !job_.keep_alive) return connect(connection);
  fail(connection);
}

void Load::take(Connection& connection, std::string_view bytes) {
  if (!answer.substr(connection.got).starts_with(bytes)) return fail(connection);
  connection.got += bytes.size();
  if (connection.got < answer.size()) return;
  connection.answered = connection.served = true;
  if (counting_) took_ms_.push_back(ms_between(connection.asked, Clock::now()));
  if (job_.keep_alive) ask(connection);
}

void Load::fail(Connection& connection) {
  ++failures_;
  connection.asking = false;
  connect(connection);
}

baton::Task<> load(baton::Process& self) {
  // Ctrl-C reaches the whole foreground group; the primary decides what it means.
  std::signal(SIGINT, SIG_IGN);
  const auto message = co_await self.parent().next_message();
  if (!message) co_return;
  Load client(message->as<Job>().value());
  self.parent().send(client.measure());
  co_await self.parent().flushed();
  // Whoever started it has seen enough when it kills it.
  client.go_on(Load::Clock::now() + std::chrono::seconds(60));
}

}  // namespace models
