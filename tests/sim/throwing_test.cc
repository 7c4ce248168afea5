// Every callback of a small world may throw: it is played once as it is, then once for each call of a
// program's function, which throws at its end. Whatever else was told then is told all the same.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/loop/task.h"
#include "baton/loop/timer.h"
#include "baton/net/server.h"
#include "baton/net/udp.h"
#include "baton/spawn/child.h"
#include "baton/wire/json.h"

namespace baton {
namespace {

using Texts = std::vector<std::string>;
using net::Endpoint;

/// What was told, in which order; and which call throws.
class Steps {
 public:
  explicit Steps(size_t throws_at) : throws_at_(throws_at) {}

  /// The last words of each callback.
  void step(std::string what) {
    told_.push_back(std::move(what));
    if (told_.size() == throws_at_) throw std::runtime_error("step " + std::to_string(throws_at_));
  }
  /// The exception has come where it belongs.
  void caught() { ++caught_; }
  [[nodiscard]] Texts told() const {
    Texts sorted = told_;
    std::ranges::sort(sorted);
    return sorted;
  }
  [[nodiscard]] int times_caught() const { return caught_; }

 private:
  size_t throws_at_;
  Texts told_;
  int caught_ = 0;
};

using World = void (*)(Loop&, Steps&);

/// Plays it with each call throwing in turn.
void play(World world) {
  const auto played = [&](size_t throws_at) {
    auto steps = std::make_unique<Steps>(throws_at);
    Loop loop;
    loop.on_uncaught([&](const std::exception_ptr&) { steps->caught(); });
    world(loop, *steps);
    return steps;
  };
  const Texts all = played(0)->told();
  ASSERT_GT(all.size(), 3U);
  for (size_t at = 1; at <= all.size(); ++at) {
    const auto steps = played(at);
    EXPECT_EQ(steps->told(), all) << "when call " << at << " throws";
    EXPECT_EQ(steps->times_caught(), 1) << "when call " << at << " throws";
  }
}

/// The same without on_uncaught: `run` rethrows, is called again, and goes on.
void play_and_run_again(World world) {
  const auto played = [&](size_t throws_at) {
    auto steps = std::make_unique<Steps>(throws_at);
    Loop loop;
    world(loop, *steps);
    return steps;
  };
  const Texts all = played(0)->told();
  for (size_t at = 1; at <= all.size(); ++at) {
    const auto steps = played(at);
    EXPECT_EQ(steps->told(), all) << "when call " << at << " throws";
    EXPECT_EQ(steps->times_caught(), 1) << "when call " << at << " throws";
  }
}

void run_to_the_end(Loop& loop, Steps& steps) {
  for (;;) {
    try {
      return loop.run();
    } catch (const std::runtime_error&) {
      steps.caught();
    }
  }
}

std::pair<Fd, Fd> two_ends() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

// --- ticks, timers and operations

void ticks(Loop& loop, Steps& steps) {
  int left = 3;
  Timer timer = Timer::every(loop, std::chrono::milliseconds(1), [&] {
    if (--left == 0) timer.stop();
    loop.defer([&] { steps.step("tick"); });
    loop.defer([&] { steps.step("another tick"); });
    steps.step("timer");
  });
  Promise<int> promise(loop);
  promise.op().then([&](const Result<int>&) { steps.step("operation"); });
  promise.resolve(1);
  run_to_the_end(loop, steps);
}

TEST(ThrowingCallback, OfTicksTimersAndOperationsLosesNothingElse) { play(ticks); }
TEST(ThrowingCallback, OfTicksTimersAndOperationsLosesNothingForTheNextRun) { play_and_run_again(ticks); }

// --- channels

void channels(Loop& loop, Steps& steps, bool batons) {
  auto [one, other] = two_ends();
  const auto options = ChannelOptions().announce(batons);
  auto a = Channel::adopt(loop, std::move(one), options).value();
  auto b = Channel::adopt(loop, std::move(other), options).value();
  int at_b = 0;
  b.on_message([&](Message message) {
    b.send(to_json(message.value()));
    if (++at_b == 10) b.disconnect();
    steps.step("b got " + to_json(message.value()));
  });
  a.on_message([&](const Message& message) { steps.step("a got " + to_json(message.value())); });
  for (auto [end, name] : {std::pair(&a, "a"), std::pair(&b, "b")}) {
    end->on_disconnect([&steps, name](bool) { steps.step(name + std::string(" disconnected")); });
    end->on_close([&steps, name] { steps.step(name + std::string(" closed")); });
    end->disconnected().then(
        [&steps, name](const Result<void>&) { steps.step(name + std::string(" waited for the end")); });
  }
  for (int i = 0; i < 10; ++i) {
    auto [keep, give] = two_ends();
    // Every third with a handle.
    auto sent = i % 3 != 0 ? a.send(i) : a.send(i, net::Socket::adopt(loop, std::move(give)).value());
    std::move(sent).then([&steps, i](const Result<void>&) { steps.step("sent " + std::to_string(i)); });
  }
  run_to_the_end(loop, steps);
}

void channels_of_node(Loop& loop, Steps& steps) { channels(loop, steps, false); }
void channels_of_baton(Loop& loop, Steps& steps) { channels(loop, steps, true); }

TEST(ThrowingCallback, OfAChannelByNodesRulesLosesNothingElse) { play(channels_of_node); }
TEST(ThrowingCallback, OfAChannelBetweenBatonsLosesNothingElse) { play(channels_of_baton); }
TEST(ThrowingCallback, OfAChannelLosesNothingForTheNextRun) {
  play_and_run_again(channels_of_node);
  play_and_run_again(channels_of_baton);
}

// --- what comes over the network

void connections(Loop& loop, Steps& steps) {
  constexpr int clients = 4;
  net::Server server = net::listen(loop, Endpoint("127.0.0.1", 0));
  std::vector<std::unique_ptr<net::Socket>> sockets;
  const auto watch = [&](net::Socket connection, const std::string& name) -> net::Socket& {
    net::Socket& socket = *sockets.emplace_back(std::make_unique<net::Socket>(std::move(connection)));
    socket.on_data([&steps, &socket, name](std::string_view bytes) {
      socket.end();
      steps.step(name + " got " + std::string(bytes));
    });
    socket.on_end([&steps, name] { steps.step(name + " ended"); });
    socket.on_close([&steps, name] { steps.step(name + " closed"); });
    return socket;
  };
  int accepted = 0;
  server.on_connection([&](net::Socket connection) {
    if (++accepted == clients) server.close();
    watch(std::move(connection), "server").write("hello");
    steps.step("connection");
  });
  for (int i = 0; i < clients; ++i) {
    net::connect(loop, server.local()).then([&](Result<net::Socket> connection) {
      watch(std::move(connection).value(), "client").write("hi");
      steps.step("connected");
    });
  }
  run_to_the_end(loop, steps);
}

void datagrams(Loop& loop, Steps& steps) {
  net::UdpSocket to = net::bind_udp(loop, Endpoint("127.0.0.1", 0));
  net::UdpSocket from = net::bind_udp(loop, Endpoint("127.0.0.1", 0));
  int left = 20;
  to.on_message([&](std::string_view bytes, const Endpoint&) {
    if (--left == 0) to.close();
    steps.step("datagram " + std::string(bytes));
  });
  for (int i = 0; i < left; ++i) EXPECT_TRUE(from.try_send(std::to_string(i), to.local()));
  run_to_the_end(loop, steps);
}

TEST(ThrowingCallback, OfAConnectionLosesNothingElse) { play(connections); }
TEST(ThrowingCallback, OfADatagramLosesNothingElse) { play(datagrams); }

// --- children

void children(Loop& loop, Steps& steps) {
  Child child = spawn(loop, "/bin/sh", {"-c", "echo out; echo err >&2; exit 3"},
                      SpawnOptions().stdio(1, Stdio::pipe()).stdio(2, Stdio::pipe()));
  for (const int target : {1, 2}) {
    child.stream(target).on_data([&](std::string_view text) { steps.step(std::string(text)); });
    child.stream(target).on_close([&, target] { steps.step("end of " + std::to_string(target)); });
  }
  child.on_exit([&](const ExitStatus& status) { steps.step("exit: " + status.describe()); });
  child.on_close([&](const ExitStatus& status) { steps.step("close: " + status.describe()); });
  child.exited().then([&](const Result<ExitStatus>&) { steps.step("waited for"); });
  run_to_the_end(loop, steps);
}

TEST(ThrowingCallback, OfAChildLosesNothingElse) { play(children); }
TEST(ThrowingCallback, OfAChildLosesNothingForTheNextRun) { play_and_run_again(children); }

}  // namespace
}  // namespace baton
