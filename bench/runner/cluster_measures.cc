#include "runner/measures.h"

namespace bench {
namespace {

Command baton_cluster(const Programs& programs, const std::string& workers) {
  return {programs.product("cluster_hello"), "--port", "PORT", "--workers", workers};
}
Command baton_run(const Programs& programs, const std::string& workers) {
  return {
      programs.product("baton"),         "run",    "-i",  workers, "--min-uptime", "0", "--max-restarts", "0",
      programs.product("cluster_hello"), "--port", "PORT"};
}
Command node_cluster(const Programs& programs, const std::string& workers) {
  return {programs.newest_node(), Programs::source("node/cluster.js"), "PORT", workers};
}
Command bare_handoff(const Programs& programs, const std::string& workers) {
  return {programs.at("handoff"), "PORT", workers};
}
Command nginx(const std::string& workers) { return {Programs::source("nginx.sh"), "PORT", workers}; }

// `server` on the first CPU, all of it; the load comes from the second.
Command load(const Programs& programs, const std::vector<std::string>& how, Command server) {
  Command command = how;
  command.insert(command.begin(), programs.at("load"));
  for (const std::string& word : {std::string("64"), std::string("1"), std::string("--")})
    command.push_back(word);
  server = programs.first_cpu(std::move(server));
  command.insert(command.end(), server.begin(), server.end());
  return command;
}

Contest loaded(const Programs& programs, const std::string& name, const std::vector<std::string>& how) {
  Contest contest(name);
  contest.add("Baton", load(programs, how, baton_cluster(programs, "2")))
      .add("baton run", load(programs, how, baton_run(programs, "2")))
      .add("bare", load(programs, how, bare_handoff(programs, "2")))
      .add("nginx", load(programs, how, nginx("2")))
      .add("Node", load(programs, how, node_cluster(programs, "2")));
  return contest;
}

Measure cluster(const Programs& programs) {
  return {loaded(programs, "cluster", {"--new", "40000"}), [](const Figures& f) {
            return Lines{
                line(f, "a connection a request, primary and 2 workers, in turn, CPU, us", "cpu_us")
                    .judge(quotient(f, "cpu_us"), Target::at_most(1.15, "of a bare hand-off")),
                line(f, "  the same against Node", "cpu_us")
                    .judge(quotient(f, "cpu_us", "Baton", "Node"), Target::at_most(0.4, "of Node")),
                Line("  the same by `baton run`", f.median("baton run", "cpu_us"), f.median("bare", "cpu_us"),
                     f.median("Node", "cpu_us"))
                    .judge(quotient(f, "cpu_us", "baton run"), Target::at_most(1.15, "of a bare hand-off")),
                Line("  Baton, and nginx in place of bare", f.median("Baton", "cpu_us"),
                     f.median("nginx", "cpu_us"), none)
                    .ratio(quotient(f, "cpu_us", "Baton", "nginx"))};
          }};
}

Measure cluster_kept(const Programs& programs) {
  return {loaded(programs, "cluster-keep-alive", {"200000"}), [](const Figures& f) {
            return Lines{line(f, "keep-alive, primary and 2 workers, CPU a request, us", "cpu_us")
                             .judge(quotient(f, "cpu_us"), Target::at_most(1.15, "of a bare epoll loop")),
                         Line("  the same against nginx", f.median("Baton", "cpu_us"),
                              f.median("nginx", "cpu_us"), f.median("Node", "cpu_us"))
                             .judge(quotient(f, "cpu_us", "Baton", "nginx"), Target::at_most(1, "of nginx"))};
          }};
}

Measure spread(const Programs& programs) {
  Contest contest("spread");
  for (const std::string workers : {"2", "4", "8"}) {
    const auto over = [&](Command server) {
      Command command = {programs.at("spread"), "1000", workers, "--"};
      command.insert(command.end(), server.begin(), server.end());
      return command;
    };
    contest.add("Baton " + workers, over(baton_cluster(programs, workers)))
        .add("bare " + workers, over(bare_handoff(programs, workers)))
        .add("Node " + workers, over(node_cluster(programs, workers)));
  }
  return {contest, [](const Figures& f) {
            Lines lines;
            for (const std::string workers : {"2", "4", "8"}) {
              const double difference = f.median("Baton " + workers, "difference");
              lines.push_back(Line("1,000 connections over " + workers + " workers, most - least", difference,
                                   f.median("bare " + workers, "difference"),
                                   f.median("Node " + workers, "difference"))
                                  .judge(difference, Target::at_most(1, "connection")));
            }
            return lines;
          }};
}

Measure revive(const Programs& programs) {
  const auto again = [&](const std::string& times, Command server) {
    Command command = {programs.at("revive"), times, "--"};
    command.insert(command.end(), server.begin(), server.end());
    return command;
  };
  Contest contest("revive");
  contest.add("Baton", again("50", baton_run(programs, "2")))
      .add("Node", again("5", node_cluster(programs, "2")));
  return {contest, [](const Figures& f) {
            const double ms = f.median("Baton", "wall_us") / 1e3;
            return Lines{line(f, "kill -9 until a new worker answers, ms", "wall_us", 1e-3)
                             .judge(ms, Target::at_most(5, "ms"))};
          }};
}

Measure primary_memory(const Programs& programs) {
  Contest contest("primary-memory");
  const auto idle = [&](const std::string& workers, Command server) {
    Command command = {programs.at("primary_memory"), workers, "--"};
    command.insert(command.end(), server.begin(), server.end());
    return command;
  };
  contest.add("Baton", idle("2", baton_run(programs, "2")))
      .add("Baton 100", idle("100", baton_run(programs, "100")))
      .add("Node", idle("2", node_cluster(programs, "2")));
  return {contest, [](const Figures& f) {
            constexpr double mib = 1.0 / 1024;
            const double two = f.median("Baton", "private_kib") * mib;
            const double hundred = f.median("Baton 100", "private_kib") * mib;
            return Lines{Line("private memory of an idle primary of 2, MiB", two, none,
                              f.median("Node", "private_kib") * mib)
                             .judge(two, Target::at_most(3, "MiB")),
                         Line("  of 100", hundred, none, none).judge(hundred, Target::at_most(8, "MiB"))};
          }};
}

}  // namespace

std::vector<Measure> cluster_measures(const Programs& programs) {
  return {cluster(programs), cluster_kept(programs), spread(programs), revive(programs),
          primary_memory(programs)};
}

}  // namespace bench
