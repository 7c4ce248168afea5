// spread CONNECTIONS WORKERS -- SERVER [ARG...]: starts SERVER (an argument PORT becomes a free port), waits
// until all its WORKERS have answered, opens so many connections at once, asks one question on each, and
// holds them all until every answer is there. Prints how unevenly the workers got them.

#include <poll.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "support/served.h"

namespace {

constexpr char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

void ask(int connection) {
  if (write(connection, request, sizeof request - 1) < 0) bench::die("write");
}

pid_t answer_on(int connection) {
  std::string answer;
  for (;;) {
    char bytes[4096];
    pollfd waiting{connection, POLLIN, 0};
    if (poll(&waiting, 1, 10'000) <= 0) bench::die("no answer: poll");
    const ssize_t got = read(connection, bytes, sizeof bytes);
    if (got <= 0) bench::die("a connection ended without an answer: read");
    answer.append(bytes, static_cast<size_t>(got));
    if (answer.ends_with("\n") && bench::answering_process(answer) > 0)
      return bench::answering_process(answer);
  }
}

void wait_for_workers(uint16_t port, size_t workers) {
  std::map<pid_t, int> seen;
  while (seen.size() < workers) {
    const int connection = bench::connect_to(port);
    ask(connection);
    ++seen[answer_on(connection)];
    close(connection);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto command = bench::command_after_dashes(argc, argv);
  if (argc < 5 || command.empty()) return 2;
  bench::raise_descriptor_limit();
  const auto workers = static_cast<size_t>(std::atoi(argv[2]));
  const bench::Served server(command);
  wait_for_workers(server.port(), workers);
  std::vector<int> connections;
  for (int left = std::atoi(argv[1]); left > 0; --left) {
    connections.push_back(bench::connect_to(server.port()));
    ask(connections.back());
  }
  std::map<pid_t, double> counts;
  for (const int connection : connections) ++counts[answer_on(connection)];
  double most = 0;
  double least = counts.size() < workers ? 0 : 1e9;
  for (const auto& [worker, count] : counts) {
    most = std::max(most, count);
    least = std::min(least, count);
  }
  for (const int connection : connections) close(connection);
  server.end();
  bench::print_figures({{"most", most}, {"least", least}, {"difference", most - least}});
}
