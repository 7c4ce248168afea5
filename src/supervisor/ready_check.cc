#include "supervisor/ready_check.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "baton/loop/timer.h"
#include "baton/net/socket.h"

namespace baton::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr auto between_checks = 250ms;
constexpr auto longest_check = 3s;
constexpr std::size_t status_line = 13;  // "HTTP/1.1 200 "

}  // namespace

bool answers_well(std::string_view head) noexcept {
  return head.size() >= status_line && head.starts_with("HTTP/1.") && head[8] == ' ' &&
         (head[9] == '2' || head[9] == '3');
}

struct ReadyCheck::State : std::enable_shared_from_this<State> {
  State(Loop& on, ReadyProbe what, Callback then)
      : loop(on), probe(std::move(what)), passed(std::move(then)) {}

  void ask() {
    net::connect(loop, probe.where())
        .within(longest_check)
        .then([weak = weak_from_this()](Result<net::Socket> connected) {
          const auto self = weak.lock();
          if (!self || self->over) return;
          connected ? self->connected(std::move(*connected)) : self->again();
        });
  }

  void connected(net::Socket opened) {
    if (probe.path().empty()) return pass();
    answer.clear();
    timer = Timer(loop, longest_check, [this] { again(); });
    timer.unref();
    socket = std::move(opened);
    socket.on_error([this](const Error&) { again(); });
    socket.on_close([this] { again(); });
    socket.on_data([this](std::string_view bytes) {
      answer.append(bytes.substr(0, status_line - std::min(answer.size(), status_line)));
      if (answer.size() < status_line) return;
      answers_well(answer) ? pass() : again();
    });
    socket.write("GET " + probe.path() + " HTTP/1.1\r\nHost: " + probe.host() +
                 "\r\nUser-Agent: baton\r\nConnection: close\r\n\r\n");
  }

  void again() {
    socket = net::Socket();
    timer = Timer(loop, between_checks, [this] { ask(); });
    timer.unref();
  }
  void pass() {
    over = true;
    socket = net::Socket();
    timer.stop();
    // It may destroy this.
    loop.defer([weak = weak_from_this()] {
      if (const auto self = weak.lock()) std::exchange(self->passed, [] {})();
    });
  }

  Loop& loop;
  const ReadyProbe probe;
  Callback passed;
  net::Socket socket;
  Timer timer;
  std::string answer;
  bool over = false;
};

ReadyCheck::ReadyCheck(Loop& loop, const ReadyProbe& probe, Callback passed)
    : state_(std::make_shared<State>(loop, probe, std::move(passed))) {
  state_->ask();
}

ReadyCheck::~ReadyCheck() {
  state_->over = true;
  state_->timer.stop();
  state_->socket.close();
}

}  // namespace baton::supervisor
