// revive COUNT -- SERVER [ARG...]: starts SERVER (an argument PORT becomes a free port), and COUNT times
// kills one of its workers and asks until a worker answers that was not there before. Prints the median of
// that time, and how many questions got no answer.

#include <sys/time.h>

#include <set>
#include <string>
#include <vector>

#include "support/median.h"
#include "support/served.h"

namespace {

constexpr char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

// 0: no answer.
pid_t ask(uint16_t port) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience{0, 50'000};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = bench::loopback(port);
  std::string answer;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(connection, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
    char bytes[4096];
    for (ssize_t got = 0; (got = read(connection, bytes, sizeof bytes)) > 0;)
      answer.append(bytes, static_cast<size_t>(got));
  }
  close(connection);
  return bench::answering_process(answer);
}

}  // namespace

int main(int argc, char** argv) {
  const auto command = bench::command_after_dashes(argc, argv);
  if (argc < 4 || command.empty()) return 2;
  const bench::Served server(command);
  close(bench::connect_to(server.port()));
  std::vector<double> times;
  double unanswered = 0;
  for (int left = std::atoi(argv[1]); left > 0; --left) {
    // All of them are up and known.
    std::set<pid_t> known;
    for (int questions = 0; questions < 40; ++questions) known.insert(ask(server.port()));
    known.erase(0);
    if (known.empty()) bench::die("no workers");
    // A child that does not answer is no worker: it may be what watches over them.
    const std::vector<pid_t> workers(known.begin(), known.end());
    const std::vector<pid_t> children = bench::children_of(server.pid());
    known.insert(children.begin(), children.end());
    const double start = bench::now_us();
    kill(workers[static_cast<size_t>(left) % workers.size()], SIGKILL);
    for (;;) {
      const pid_t who = ask(server.port());
      if (who == 0) ++unanswered;
      if (!known.contains(who)) break;
      if (bench::now_us() > start + 20e6) bench::die("no new worker");
    }
    times.push_back(bench::now_us() - start);
  }
  server.end();
  bench::print_figures({{"wall_us", bench::median(times)}, {"unanswered", unanswered}});
}
