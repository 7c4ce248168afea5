#include "load/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace baton::load {
namespace {

using namespace std::chrono_literals;

// After a request that failed its client waits so long, or a dead server would be asked in a busy loop.
constexpr auto pause_after_failure = 1ms;

sockaddr_in address_of(const Options& options) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port());
  if (inet_pton(AF_INET, options.address().c_str(), &address.sin_addr) != 1)
    throw std::invalid_argument(options.address() + " is no IPv4 address");
  return address;
}

std::uint16_t local_port(int descriptor) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

int take_error(int descriptor) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

}  // namespace

Load::Load(const Options& options)
    : options_(options),
      random_(options.seed()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      token_(options.seed() << 40U),
      start_(Clock::now()),
      now_(start_),
      host_(options.address() + ":" + std::to_string(options.port())) {
  (void)address_of(options_);
  tally_.begin(start_);
  if (options_.rate() > 0) return;
  kept_.resize(options_.clients());
  for (std::uint32_t client = 0; client < options_.clients(); ++client) timers_.push({start_, client, 0});
}

Load::~Load() = default;

// --- connections
// ----------------------------------------------------------------------------------------------

Load::Connection* Load::find(Handle handle) {
  const auto slot = static_cast<std::uint32_t>(handle);
  Connection* connection = slot < slots_.size() ? slots_[slot].get() : nullptr;
  return connection != nullptr && connection->handle == handle ? connection : nullptr;
}

Load::Connection* Load::open(std::uint32_t client) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw std::system_error(errno, std::generic_category(), "load: socket");
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(nullptr);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot] = std::make_unique<Connection>();
  Connection& connection = *slots_[slot];
  connection.handle = (Handle{++generation_} << 32U) | slot;
  connection.client = client;
  const sockaddr_in address = address_of(options_);
  const int result = connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = result == 0 || errno == EINPROGRESS ? 0 : errno;
  connection.local_port = local_port(fd.get());
  connection.fd = std::move(fd);
  limit(connection);
  watch(connection, EPOLLIN, EPOLL_CTL_ADD);
  if (error != 0) {
    broke(connection, error);
    return nullptr;
  }
  return &connection;
}

void Load::watch(const Connection& connection, std::uint32_t events, int how) {
  epoll_event event{};
  event.data.u64 = connection.handle;
  event.events = events;
  epoll_ctl(epoll_.get(), how, connection.fd.get(), &event);
}

void Load::close(Connection& connection) {
  if (connection.phase == Phase::watched) --watched_;
  const auto slot = static_cast<std::uint32_t>(connection.handle);
  if (connection.client != nobody && kept_[connection.client] == connection.handle)
    kept_[connection.client] = 0;
  slots_[slot].reset();
  free_slots_.push_back(slot);
}

void Load::limit(Connection& connection) {
  connection.deadline = ++deadline_;
  connection.asked = now_;
  deadlines_.push_back({now_ + options_.patience(), connection.handle, deadline_});
}

Load::Clock::duration Load::random_time(Options::Time shortest, Options::Time longest) {
  const auto range = longest > shortest ? static_cast<std::uint32_t>((longest - shortest).count()) : 0U;
  return shortest + std::chrono::microseconds(random_.below(range + 1));
}

// --- requests
// -------------------------------------------------------------------------------------------------

bool Load::may_begin() const {
  return !stopped_ && begun_ < options_.requests() && now_ - start_ < options_.duration();
}

bool Load::finished() {
  now_ = Clock::now();
  return !may_begin() && under_way_ == 0 && watched_ == 0;
}

void Load::begin_due() {
  if (options_.rate() <= 0) return;
  const double passed = std::chrono::duration<double>(now_ - start_).count();
  for (const auto due = static_cast<std::uint64_t>(passed * options_.rate()); due_ < due; ++due_) {
    if (free_clients_.empty()) {
      if (kept_.size() == options_.clients()) continue;
      free_clients_.push_back(static_cast<std::uint32_t>(kept_.size()));
      kept_.push_back(0);
    }
    const std::uint32_t client = free_clients_.back();
    free_clients_.pop_back();
    begin(client);
  }
}

void Load::begin(std::uint32_t client) {
  if (!may_begin()) return;
  ++begun_;
  ++under_way_;
  if (Connection* kept = find(kept_[client]); kept != nullptr && still_kept(*kept)) {
    kept->phase = Phase::silent;
    ask(*kept);
    return;
  }
  Connection* connection = open(client);
  if (connection == nullptr) return;
  if (options_.silent() > 0us) {
    connection->phase = Phase::silent;
    timers_.push(
        {now_ + random_time(options_.shortest_silence(), options_.silent()), client, connection->handle});
  } else {
    // On the loopback the connection is nearly always established by now.
    ask(*connection);
  }
}

// What every client that keeps connections looks at: whether the server has ended it in the meantime.
bool Load::still_kept(Connection& connection) {
  char byte;
  if (recv(connection.fd.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN) return true;
  read(connection);
  return false;
}

void Load::ask(Connection& connection) {
  char token[20];
  std::snprintf(token, sizeof token, "%llx", static_cast<unsigned long long>(++token_));
  const char mark = options_.path().find('?') == std::string::npos ? '?' : '&';
  std::string request =
      "GET " + options_.path() + mark + "t=" + token + " HTTP/1.1\r\nHost: " + host_ + "\r\n";
  request += options_.keeps_alive() ? "\r\n" : "Connection: close\r\n\r\n";
  const ssize_t sent = send(connection.fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) {  // not established yet
    connection.phase = Phase::opening;
    watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    return;
  }
  if (sent != static_cast<ssize_t>(request.size())) {
    broke(connection, sent < 0 ? errno : EPIPE);
    return;
  }
  if (connection.phase != Phase::opening) limit(connection);
  connection.answer.expect(token);
  connection.phase = Phase::asking;
}

void Load::established(Connection& connection) {
  watch(connection, EPOLLIN, EPOLL_CTL_MOD);
  ask(connection);
}

void Load::next(std::uint32_t client, Clock::duration pause) {
  if (options_.rate() > 0) {
    free_clients_.push_back(client);
    return;
  }
  timers_.push({now_ + pause, client, 0});
}

// --- what comes of them
// ---------------------------------------------------------------------------------------

void Load::happened(Connection& connection, std::uint32_t events) {
  if (connection.phase == Phase::opening) {
    const int error = take_error(connection.fd.get());
    if (error != 0) {
      broke(connection, error);
    } else if ((events & EPOLLOUT) != 0) {
      established(connection);
    }
    return;
  }
  read(connection);
}

void Load::read(Connection& connection) {
  std::array<char, 4096> bytes;
  const ssize_t got = recv(connection.fd.get(), bytes.data(), bytes.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got > 0) {
    came(connection, std::string_view(bytes.data(), static_cast<std::size_t>(got)));
  } else {
    broke(connection, got == 0 ? 0 : errno);
  }
}

void Load::came(Connection& connection, std::string_view bytes) {
  switch (connection.phase) {
    case Phase::idle:
    case Phase::watched:
      tally_.add_second();
      close(connection);
      return;
    case Phase::opening:
    case Phase::silent:
      failed(connection, Fate::wrong);
      return;
    case Phase::asking:
      break;
  }
  switch (connection.answer.add(bytes)) {
    case AnswerReader::State::incomplete:
      return;
    case AnswerReader::State::wrong:
      failed(connection, Fate::wrong);
      return;
    case AnswerReader::State::complete:
      answered(connection);
  }
}

void Load::answered(Connection& connection) {
  const std::uint32_t client = connection.client;
  const pid_t worker = connection.answer.worker();
  --under_way_;
  tally_.add_answer(worker, now_ - connection.asked, now_);
  connection.deadline = 0;
  if (connection.answer.surplus()) {
    tally_.add_second();
    close(connection);
  } else if (options_.keeps_alive() && connection.answer.kept()) {
    connection.phase = Phase::idle;
    kept_[client] = connection.handle;
  } else {
    if (kept_[client] == connection.handle) kept_[client] = 0;
    connection.client = nobody;
    connection.phase = Phase::watched;
    ++watched_;
    limit(connection);
  }
  next(client, random_time(0us, options_.think()));
  on_answer_(worker);
}

// Without an error: the peer's end.
void Load::broke(Connection& connection, int error) {
  switch (connection.phase) {
    case Phase::watched:
      close(connection);
      return;
    case Phase::idle:
      // While a request is beginning on it, its client opens another.
      tally_.add_idle_end();
      close(connection);
      return;
    case Phase::opening:
    case Phase::silent:
      failed(connection, error == ECONNREFUSED ? Fate::refused : Fate::reset_before);
      return;
    case Phase::asking:
      failed(connection, error == 0 ? Fate::eof : Fate::reset_after);
  }
}

void Load::failed(Connection& connection, Fate fate) {
  const Failure failure(fate, connection.local_port, now_);
  const std::uint32_t client = connection.client;
  --under_way_;
  tally_.add(fate, now_);
  close(connection);
  next(client, pause_after_failure);
  on_failure_(failure);
}

// --- time
// -----------------------------------------------------------------------------------------------------

void Load::run_timers() {
  while (!timers_.empty() && timers_.top().when <= now_) {
    const Timer timer = timers_.top();
    timers_.pop();
    if (timer.connection == 0) {
      begin(timer.client);
    } else if (Connection* connection = find(timer.connection);
               connection != nullptr && connection->phase == Phase::silent) {
      ask(*connection);
    }
  }
}

void Load::run_deadlines() {
  while (!deadlines_.empty() && deadlines_.front().when <= now_) {
    const Deadline deadline = deadlines_.front();
    deadlines_.pop_front();
    Connection* connection = find(deadline.connection);
    if (connection == nullptr || connection->deadline != deadline.number) continue;
    if (connection->phase == Phase::silent) continue;  // our own silence
    if (connection->phase == Phase::watched) {
      close(*connection);
    } else {
      failed(*connection, Fate::hung);
    }
  }
}

int Load::milliseconds_to_wait(std::chrono::milliseconds longest) const {
  auto until = now_ + longest;
  if (!timers_.empty()) until = std::min(until, timers_.top().when);
  if (!deadlines_.empty()) until = std::min(until, deadlines_.front().when);
  if (options_.rate() > 0 && may_begin()) until = std::min(until, now_ + 1ms);
  return static_cast<int>(
      std::max<long>(0, std::chrono::ceil<std::chrono::milliseconds>(until - now_).count()));
}

void Load::step(std::chrono::milliseconds longest) {
  now_ = Clock::now();
  run_timers();
  begin_due();
  std::array<epoll_event, 256> events;
  const int count =
      epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), milliseconds_to_wait(longest));
  now_ = Clock::now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (Connection* connection = find(event.data.u64)) happened(*connection, event.events);
  }
  run_deadlines();
}

}  // namespace baton::load
