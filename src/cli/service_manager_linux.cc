#include "cli/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <optional>

namespace baton::cli {
namespace {

using supervisor::EventKind;
using supervisor::State;

// More time is asked for as long as it drains, a piece at a time: who waits for us has a limit of his own.
constexpr std::chrono::seconds asked_for{15};
constexpr std::chrono::seconds between_asks{5};

std::string variable_of(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a process of Baton has one thread.
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<long long> whole(const std::string& text) {
  long long number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000);
}

std::string status_of(const supervisor::Snapshot& now) {
  return std::to_string(now.ready()) + " of " + std::to_string(now.wanted()) + " workers ready" +
         (now.state() == State::draining ? ", draining" : "") + (now.reload_running() ? ", reloading" : "");
}

}  // namespace

ServiceManager::ServiceManager(Loop& loop) : loop_(loop), address_(variable_of("NOTIFY_SOCKET")) {
  if (address_.empty() || address_.size() >= sizeof(sockaddr_un::sun_path)) return;
  if (address_.front() != '/' && address_.front() != '@') return;
  if (address_.front() == '@') address_.front() = '\0';
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket_) begin_watchdog(loop);
}

// Whoever does not hear this loop any more ends it: no better sign of life than a turn of it.
void ServiceManager::begin_watchdog(Loop& loop) {
  const auto time = whole(variable_of("WATCHDOG_USEC"));
  const auto whose = whole(variable_of("WATCHDOG_PID"));
  if (!time || *time <= 0 || (whose && *whose != ::getpid())) return;
  watchdog_ = Timer::every(loop, std::chrono::microseconds(*time) / 2, [this] { say("WATCHDOG=1"); });
  watchdog_.unref();
}

// It never waits for who does not read.
void ServiceManager::say(std::string_view text) {
  if (!socket_) return;
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  address_.copy(where.sun_path, address_.size());
  const bool abstract = address_.front() == '\0';
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size() + (abstract ? 0 : 1));
  (void)::sendto(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&where), size);
}

void ServiceManager::begin_draining() {
  if (patience_.active()) return;
  const auto ask = [this] {
    say("EXTEND_TIMEOUT_USEC=" + std::to_string(std::chrono::microseconds(asked_for).count()));
  };
  say("STOPPING=1");
  ask();
  patience_ = Timer::every(loop_, between_asks, ask);
  patience_.unref();
}

void ServiceManager::follow(const supervisor::Event& event, const supervisor::Snapshot& now) {
  if (!socket_) return;
  if (ready_ && event.kind() == EventKind::reload_started)
    say("RELOADING=1\nMONOTONIC_USEC=" + monotonic_microseconds());
  const bool reloaded = event.kind() == EventKind::reload_done || event.kind() == EventKind::reload_failed;
  if (ready_ && reloaded) say("READY=1");
  if (event.kind() == EventKind::draining || event.kind() == EventKind::killing) begin_draining();
  if (!ready_ && now.state() == State::running) {
    ready_ = true;
    say("READY=1");
  }
  if (std::string status = "STATUS=" + status_of(now); status != status_) {
    status_ = std::move(status);
    say(status_);
  }
}

}  // namespace baton::cli
