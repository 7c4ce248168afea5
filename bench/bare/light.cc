// light REQUESTS RATE WORK_MS EVERY CPU -- SERVER [ARG...]: starts SERVER (an argument PORT becomes a free
// port) and asks it from CPU for REQUESTS small answers, RATE a second: each when it is due, whether or not
// those before are answered. With each EVERYth it also asks for WORK_MS of work (GET /work?ms=WORK_MS; 0:
// never). Prints how long the small answers took from the moment on when they were due, and what GET /lag
// says.

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "support/client.h"
#include "support/served.h"

namespace {

std::string get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more + "\r\n";
}

/// How late the server's loop was at most since it was last asked, in milliseconds.
double take_lag(uint16_t port) {
  const int connection = bench::connect_to(port);
  bench::Client(connection).ask(get("/lag", "Connection: close\r\n"));
  std::string answer;
  char bytes[4096];
  for (ssize_t got = 0; (got = read(connection, bytes, sizeof bytes)) > 0;) {
    answer.append(bytes, static_cast<size_t>(got));
  }
  close(connection);
  const size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos) bench::die("no lag: read");
  return std::atof(answer.c_str() + head);
}

/// Asks at the times that a clock gives, and not when the server has time.
class Schedule {
 public:
  Schedule(uint16_t port, double rate, std::string work, long every)
      : period_us_(1e6 / rate), work_(std::move(work)), every_(every) {
    // Enough that none is missing while the server is away for a tenth of a second.
    const auto connections = static_cast<uint32_t>(rate / 10) + 20;
    for (uint32_t i = 0; i < connections; ++i) {
      places_.push_back({bench::Client(bench::connect_to(port)), 0});
      free_.push_back(i);
      watch(places_.back().client.connection(), i);
    }
    watch(timer_, clock);
  }
  ~Schedule() {
    for (const Place& place : places_) close(place.client.connection());
    close(timer_);
    close(epoll_);
  }
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  /// The microseconds that each answer took, sorted.
  std::vector<double> run(long requests) {
    taken_.clear();
    due_us_ = bench::now_us();
    start_clock();
    epoll_event events[256];
    for (long left = requests; static_cast<long>(taken_.size()) < requests || working_ > 0;) {
      const int count = epoll_wait(epoll_, events, 256, 10000);
      if (count <= 0) bench::die("no answer: epoll_wait");
      for (int i = 0; i < count; ++i) {
        if (events[i].data.u32 == clock) {
          left -= come_due(left);
        } else {
          answered(events[i].data.u32);
        }
      }
    }
    std::ranges::sort(taken_);
    return taken_;
  }

 private:
  static constexpr uint32_t clock = UINT32_MAX;
  static constexpr double is_work = -1;
  struct Place {
    bench::Client client;
    double due_us;  // or that it is work
  };

  void watch(int descriptor, uint32_t name) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = name;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  }
  void start_clock() const {
    const auto ns = static_cast<long>(period_us_ * 1e3);
    const itimerspec each{{0, ns}, {0, ns}};
    if (timerfd_settime(timer_, 0, &each, nullptr) != 0) bench::die("timerfd_settime");
  }

  // How many requests were due since the last time, of at most so many.
  long come_due(long left) {
    uint64_t periods = 0;
    if (read(timer_, &periods, sizeof periods) != sizeof periods) bench::die("read of the timer");
    const long count = std::min(static_cast<long>(periods), left);
    for (long i = 0; i < count; ++i) {
      due_us_ += period_us_;
      if (!work_.empty() && ++since_work_ % every_ == 0) waiting_.push_back(is_work);
      waiting_.push_back(due_us_);
    }
    ask();
    return count;
  }
  void ask() {
    for (; !waiting_.empty() && !free_.empty(); waiting_.pop_front(), free_.pop_front()) {
      Place& place = places_[free_.front()];
      place.due_us = waiting_.front();
      working_ += place.due_us == is_work ? 1 : 0;
      place.client.ask(place.due_us == is_work ? work_ : light_);
    }
  }
  void answered(uint32_t name) {
    Place& place = places_[name];
    if (!place.client.read_some()) return;
    if (place.due_us == is_work) {
      --working_;
    } else {
      taken_.push_back(bench::now_us() - place.due_us);
    }
    free_.push_back(name);
    ask();
  }

  const double period_us_;
  const std::string light_ = get("/");
  const std::string work_;
  const long every_;
  const int epoll_ = epoll_create1(0);
  const int timer_ = timerfd_create(CLOCK_MONOTONIC, 0);
  std::vector<Place> places_;
  std::deque<uint32_t> free_;  // the one that rested longest first, so that none is closed for being idle
  std::deque<double> waiting_;
  std::vector<double> taken_;
  double due_us_ = 0;
  long since_work_ = 0;
  long working_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto command = bench::command_after_dashes(argc, argv);
  if (argc < 8 || command.empty()) return 2;
  const long requests = std::atol(argv[1]);
  const double rate = std::atof(argv[2]);
  const std::string work = std::atoi(argv[3]) > 0 ? get("/work?ms=" + std::string(argv[3])) : "";
  const bench::Served server(command);
  bench::pin(std::atoi(argv[5]));
  double lag = 0;
  std::vector<double> taken;
  {
    Schedule schedule(server.port(), rate, work, std::atol(argv[4]));
    schedule.run(requests / 10);
    take_lag(server.port());
    taken = schedule.run(requests);
    lag = take_lag(server.port());
  }
  server.end();
  const auto at = [&](double part) {
    return taken[static_cast<size_t>(part * static_cast<double>(taken.size() - 1))];
  };
  bench::print_figures({{"p50_us", at(0.5)}, {"p99_us", at(0.99)}, {"most_us", at(1)}, {"lag_ms", lag}});
}
