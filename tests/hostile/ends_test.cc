// How long others wait where a worker ends whose children go on with what was its own, and beside clients
// that never finish the head of a request.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "hostile/hostile.h"

namespace baton::test {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

class Ends : public Hostile {
 protected:
  [[nodiscard]] Place admin_place() const { return {folder + "/admin"}; }

  /// Asks for /livez again and again for a while, and until `over`.
  template <class Over>
  void expect_quick_answers(const std::string& beside, Over over) const {
    const double least = whole() ? 6000 : 500;
    const auto begin = Clock::now();
    std::vector<double> waits;
    while ((ms_since(begin) < least || !over()) && !HasFailure()) {
      const auto asked = Clock::now();
      EXPECT_TRUE(ask(admin_place(), "/livez").starts_with("HTTP/1.1 200 "));
      waits.push_back(ms_since(asked));
      std::this_thread::sleep_for(std::chrono::milliseconds(4));
    }
    ASSERT_FALSE(waits.empty());
    std::ranges::sort(waits);
    expect_in_time("/livez beside " + beside + ", median", waits[waits.size() / 2], 5);
    expect_in_time("/livez beside " + beside + ", longest", waits.back(), 100);
  }

  void beside_what_a_worker_leaves(const std::string& what, const std::string& words) {
    const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    start(admin() + Words{"--instances", "2", "--ready", "message", "--min-uptime", "0", "--kill-timeout",
                          "1s", "--", python(), worker("leaves.py"), what, whole() ? "3" : "0.3"},
          StartOptions().descriptor(1, null.get()).descriptor(2, null.get()));
    for (int i = 0; i < 6000 && !admin_place().is_open(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::vector<pid_t> first = workers();
    while (first.size() < 2 && !HasFailure()) first = workers();
    expect_quick_answers(words, [&] { return workers() != first; });
    const auto told = Clock::now();
    EXPECT_EQ(end(SIGTERM), "exit 0");
    expect_in_time("the end of a service beside " + words, ms_since(told), 3500);
  }
};

TEST_F(Ends, OfAWorkerWhoseChildSpeaksOnHoldsNobodyUp) {
  beside_what_a_worker_leaves("speaks", "messages of a dead worker's child");
}
TEST_F(Ends, OfAWorkerWhoseChildSendsLongFramesHoldsNobodyUp) {
  beside_what_a_worker_leaves("frames", "frames of 1 MiB of a dead worker's child");
}
TEST_F(Ends, OfAWorkerWhoseChildrenPrintOnHoldsNobodyUp) {
  beside_what_a_worker_leaves("prints", "empty lines of a dead worker's children");
}

TEST_F(Ends, OfAWorkerThatLeavesAndStaysHoldNoReloadUp) {
  start({"--instances", "2", "--ready", "message", "--min-uptime", "0", "--kill-timeout", "1s", "--",
         python(), worker("leaves.py"), "stays", "0.1", folder + "/lives"});
  for (int i = 0; i < 2; ++i) told("killed by SIGKILL");
  const auto asked = Clock::now();
  program.signal(SIGHUP);
  told("reload done");
  expect_in_time("a reload beside a worker that leaves and ends when it is killed", ms_since(asked), 3000);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Ends, OfHeadsThatNeverComeHoldNobodyUp) {
  const uint16_t port =
      port_of(start_listening(admin() + Words{"--instances", "2", "--policy", "sticky:cookie=sid", "--",
                                              built("cluster_hello"), "--port", "0"}));
  const std::string line = "GET / HTTP/1.1\r\ncookie: " + std::string(16'300, ';') + "\r\nx";
  std::vector<Fd> clients;
  auto came = Clock::now();
  const auto come = [&] {
    came = Clock::now();
    clients.clear();
    for (int i = 0; i < (whole() ? 160 : 20); ++i)
      write_all(clients.emplace_back(Place(port).connect()), line);
  };
  come();
  expect_quick_answers("clients whose heads of 16 KiB never end", [&] {
    if (ms_since(came) > 950) come();
    return true;
  });
  clients.clear();
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
