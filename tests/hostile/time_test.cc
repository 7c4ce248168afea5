// Nobody who speaks to a service takes its time: workers that answer late or say much that is wrong, clients
// that are silent, clients of the admin endpoint that ask too much or too slowly.
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "baton/loop/timer.h"
#include "baton/net/server.h"
#include "hostile/hostile.h"

namespace baton::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

double since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

class Times : public Hostile {
 protected:
  [[nodiscard]] Place admin_place() const { return {folder + "/admin"}; }
  // A folder where a file system that does not answer can be mounted; empty where none can.
  [[nodiscard]] std::string mountable() const {
    const std::string mountpoint = folder + "/mount";
    std::filesystem::create_directory(mountpoint);
    Program can(python(), {worker("stuck.py"), "can", mountpoint});
    return can.end() == "exit 0" ? mountpoint : std::string();
  }
  // The longest of some answers of /livez, in ms.
  [[nodiscard]] double slowest_health_check(int times) const {
    double slowest = 0;
    for (int i = 0; i < times; ++i) {
      const auto begin = Clock::now();
      EXPECT_TRUE(ask(admin_place(), "/livez").starts_with("HTTP/1.1 200 "));
      slowest = std::max(slowest, since(begin));
    }
    return slowest;
  }
  // What the service writes to standard error in that time, in bytes; and whether these words were among it.
  double log_of(milliseconds time, std::string_view words, bool& said) {
    double bytes = 0;
    const auto begin = Clock::now();
    while (since(begin) < double(time.count()) || !said) {
      const auto line = program.errors.next();
      if (!line) break;
      bytes += double(line->size() + 1);
      said = said || line->contains(words);
    }
    return bytes * 1000 / since(begin);
  }
};

TEST_F(Times, ManyRequestsAtOnceDoNotHoldTheHealthCheckUp) {
  start(admin() + Words{"sleep", "1000"});
  told("admin on");
  std::string many;
  for (int i = 0; i < 1764; ++i) many += "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  std::vector<Fd> greedy;
  for (int i = 0; i < (whole() ? 8 : 2); ++i) write_all(greedy.emplace_back(admin_place().connect()), many);
  std::atomic<bool> over = false;
  std::thread reading([&] {
    std::vector<char> buffer(1 << 16);
    while (!over) {
      for (const Fd& one : greedy) (void)::recv(one.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    }
  });
  expect_in_time("admin: /livez beside 1,764 requests at once on each of 8 connections",
                 slowest_health_check(20), 100);
  over = true;
  reading.join();
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Times, CrowdsThatAWorkerLeavesDoNotHoldTheHealthCheckUp) {
  const std::string crowd = whole() ? "3000" : "200";
  start(admin() +
        Words{"--instances", "2", "--kill-timeout", "1s", "--", python(), worker("crowd.py"), crowd});
  printed("crowded");
  double slowest = 0;
  // Until it is there again, and what it had before is gone.
  std::atomic<bool> over = false;
  std::thread lives([&] {
    for (int i = 0; i < 2; ++i) printed("crowded");
    over = true;
  });
  while (!over) slowest = std::max(slowest, slowest_health_check(1));
  lives.join();
  expect_in_time("admin: /livez while a worker with " + crowd + " processes ends, twice", slowest, 500);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Times, WorkersWithMuchToLookAtDoNotHoldTheHealthCheckUp) {
  start(admin() + Words{"--instances", whole() ? "4" : "1", "--", python(), worker("mappings.py")});
  for (int i = 0; i < (whole() ? 4 : 1); ++i) printed("grown");
  std::atomic<bool> over = false;
  std::thread asking([&] {
    while (!over) EXPECT_TRUE(ask(admin_place(), "/metrics").contains("baton_worker_memory_bytes{"));
  });
  expect_in_time("admin: /livez beside /metrics of workers with 60,000 mappings each",
                 slowest_health_check(whole() ? 2000 : 50), 100);
  over = true;
  asking.join();
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// Where they listen is looked for when they say that they are ready.
TEST_F(Times, NorDoThoseWithManyDescriptors) {
  start(admin() + Words{"--ready", "notify", python(), worker("descriptors.py"), whole() ? "100" : "20"});
  printed("grown");
  expect_in_time("admin: /livez beside 20,000 descriptors of each of a worker's children",
                 slowest_health_check(whole() ? 2000 : 200), 100);
  told("ready after");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Times, FilesThatNobodyAnswersForHoldNobodyUp) {
  const std::string mountpoint = mountable();
  if (mountpoint.empty()) GTEST_SKIP() << "no FUSE here";
  start(admin() + Words{python(), worker("stuck.py"), "send", mountpoint});
  printed("no more is taken by the channel");
  printed("no more is taken by the notify socket");
  expect_in_time("admin: /livez beside descriptors of a file system that does not answer",
                 slowest_health_check(20), 100);
  expect_within("descriptors of the primary beside them", descriptors(program.pid()), 400, "descriptors");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Times, AFolderThatAWorkerHoldsHoldsNobodyElseUp) {
  const std::string mountpoint = mountable();
  if (mountpoint.empty()) GTEST_SKIP() << "no FUSE here";
  const std::string held = folder + "/held";
  std::filesystem::create_directory(held);
  start(admin() + Words{"--kill-timeout", "1s", python(), worker("stuck.py"), "hold", mountpoint, held});
  told("admin on");
  std::atomic<bool> over = false;
  double slowest = 0;
  const auto umask_of_baton = [this] {
    std::ifstream status("/proc/" + std::to_string(program.pid()) + "/status");
    std::string line;
    while (std::getline(status, line) && !line.starts_with("Umask:")) {
    }
    return line;
  };
  const std::string umask = umask_of_baton();
  std::thread checks([&] {
    while (!over) slowest = std::max(slowest, slowest_health_check(1));
  });
  printed("the errno is -110");
  EXPECT_EQ(umask_of_baton(), umask) << "workers that are started meanwhile have it too";
  printed("held");
  over = true;
  checks.join();
  expect_in_time("admin: /livez beside a folder that a worker holds, where it listens and asks for more",
                 std::max(slowest, slowest_health_check(20)), 100);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Times, AWorkerThatHoldsWhoeverLooksAtItHoldsNobodyElseUp) {
  const std::string mountpoint = mountable();
  if (mountpoint.empty()) GTEST_SKIP() << "no FUSE here";
  start(admin() + Words{"--kill-timeout", "1s", "--max-memory", "1G", python(), worker("stuck.py"), "hide",
                        mountpoint, "/proc/self"});
  const std::string said = printed("the daemon is ");
  const pid_t daemon = std::stoi(said.substr(said.rfind(' ') + 1));
  printed("the errno is");
  printed("held");
  std::atomic<bool> over = false;
  std::thread asking([&] {
    EXPECT_TRUE(ask(admin_place(), "/metrics").contains("process_resident_memory_bytes"));
    EXPECT_TRUE(ask(admin_place(), "/status").contains("\"pid\":"));
    over = true;
  });
  double slowest = 0;
  while (!over) slowest = std::max(slowest, slowest_health_check(1));
  asking.join();
  expect_in_time("admin: /livez, /metrics and /status beside a worker that holds who looks at it", slowest,
                 100);
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_EQ(::kill(daemon, 0), -1) << "its daemon, which does the same, ends with it";
}

TEST_F(Times, HalfRequestsDoNotKeepTheHealthCheckOut) {
  start(admin() + Words{"sleep", "1000"});
  told("admin on");
  std::vector<Fd> halves;
  for (int i = 0; i < 200; ++i) write_all(halves.emplace_back(admin_place().connect()), "GET /livez HT");
  expect_in_time("admin: /livez beside 200 half requests", slowest_health_check(20), 100);
  expect_within("admin: descriptors beside 200 half requests", descriptors(program.pid()), 64 + 40,
                "descriptors");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Times, BadMessagesOfAWorkerFillNoLog) {
  for (const char* what : {"messages", "kinds"}) {
    start({"--backoff", "1h..1h", "--kill-timeout", "100ms", "python3", worker("floods.py"), what});
    told("started");
    bool counted = false;
    const double rate = log_of(milliseconds(whole() ? 5000 : 1000), " more in the last second", counted);
    EXPECT_TRUE(counted);
    expect_within(std::string("log: bad messages of a worker (") + what + ")", rate / 1024, 64, "KiB/s");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
}

// Each would stop the loop for 30 s.
TEST_F(Times, ConnectionsThatLingerWhenTheyAreClosedDoNotStopTheLoop) {
  start(admin() + Words{"--kill-timeout", "100ms", python(), worker("floods.py"), "linger"});
  printed("sent");
  expect_in_time("close: /livez beside 24 connections of a worker with SO_LINGER", slowest_health_check(20),
                 100);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Times, NorDoThoseThatLieInWhatIsSent) {
  start(admin() + Words{"--kill-timeout", "100ms", python(), worker("floods.py"), "nested"});
  printed("sent");
  expect_in_time("close: /livez beside 12 Unix-domain sockets with such connections in their queues",
                 slowest_health_check(20), 100);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// Another holder of a listener clears O_NONBLOCK as fast as he can, and takes what comes.
TEST_F(Times, AListenerThatOthersMakeBlockDoesNotStopTheLoop) {
  Loop loop;
  auto server = net::Server::adopt(loop, net::listen(loop, net::Endpoint("127.0.0.1", 0)).release()).value();
  std::atomic<bool> over = false;
  std::thread thief([&, listener = Fd(::dup(server.descriptor()))] {
    while (!over) {
      int off = 0;
      ::ioctl(listener.get(), FIONBIO, &off);
      const Fd stolen(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  });
  std::thread clients([&, port = server.local().port()] {
    while (!over) {
      const Fd client = Place(port).connect();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  uint64_t accepted = 0;
  server.on_connection([&](net::Socket) { ++accepted; });
  const auto begin = Clock::now();
  auto last = begin;
  double longest = 0;
  Timer ticking = Timer::every(loop, milliseconds(1), [&] {
    longest = std::max(longest, since(last));
    last = Clock::now();
    if (since(begin) < (whole() ? 5000 : 500)) return;
    over = true;
    ticking.stop();
    server.close();
  });
  loop.run();
  thief.join();
  clients.join();
  expect_in_time("accept: longest stop of a loop whose listener another makes block", longest, 100);
  EXPECT_GT(accepted, 0);
}

TEST_F(Times, AnEnormousLastWordLeavesTheNewsOfTheEndInTheLog) {
  start({"--backoff", "1h..1h", "python3", worker("floods.py"), "died"});
  const std::string line = told("exit code 1");
  expect_within("log: the news of the end of a worker whose last word has 5 MB", double(line.size()), 2048,
                "bytes");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// How many of 8 clients that come again and again are answered in a time, beside a worker that answers so
// late.
TEST_F(Times, AWorkerThatAnswersJustInTimeDoesNotSetThePaceOfItsSiblings) {
  const auto answered = [&](const char* late) {
    const std::string address =
        start_listening({"-i", "2", "--min-uptime", "0", "python3", worker("answers.py"), "1", late});
    const uint16_t port = port_of(address);
    std::atomic<uint64_t> answers = 0;
    std::atomic<bool> over = false;
    std::vector<std::thread> clients;
    for (int i = 0; i < 40; ++i) {
      clients.emplace_back([&] {
        while (!over) {
          if (ask(port).ends_with("ok")) ++answers;
        }
      });
    }
    std::this_thread::sleep_for(milliseconds(whole() ? 5000 : 500));
    over = true;
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(end(SIGTERM), "exit 0");
    return double(answers);
  };
  const double honest = answered("0");
  const double beside = answered("49");
  EXPECT_GT(beside, 0);
  // One of two workers is nearly lost to the service: the other can do half.
  if (whole())
    expect_within("round robin: times fewer answers beside a worker that answers after 49 ms",
                  honest / beside, 4, "times");
}

TEST_F(Times, SilentClientsDoNotTakeThePlaceOfThoseWhoSpeak) {
  rlimit room{};
  getrlimit(RLIMIT_NOFILE, &room);
  room.rlim_cur = std::min<rlim_t>(room.rlim_max, 4096);
  setrlimit(RLIMIT_NOFILE, &room);
  program =
      Program(built("cluster_hello"), {"--port", "0", "--workers", "2", "--policy", "sticky:cookie=session"});
  const std::string said = program.output.next().value_or("");
  const auto port = static_cast<uint16_t>(std::atoi(said.c_str() + said.find("]:") + 2));
  std::vector<Fd> silent;
  for (int i = 0; i < 600; ++i) silent.push_back(Place(port).connect());
  double slowest = 0;
  for (int i = 0; i < 20; ++i) {
    const auto begin = Clock::now();
    EXPECT_TRUE(ask(port).starts_with("HTTP/1.1 200 "));
    slowest = std::max(slowest, since(begin));
  }
  expect_in_time("sticky:cookie: an answer beside 600 silent clients", slowest, 100);
  silent.clear();
  program.signal(SIGTERM);
  EXPECT_EQ(program.end(), "exit 0");
}

}  // namespace
}  // namespace baton::test
