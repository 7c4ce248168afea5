#include "runner/measures.h"

#include "runner/programs.h"

namespace bench {
namespace {

Measure start(const Programs& programs) {
  Contest contest("start");
  contest.add("Baton", programs.first_cpu({programs.at("start"), "20", programs.at("hello_worker")}))
      .add("bare", programs.first_cpu({programs.at("start"), "20", programs.at("child")}))
      .add("Node",
           programs.first_cpu({programs.at("start"), "5", programs.source("workers/hello_worker.js")}));
  return {contest, [](const Figures& f) {
            return Lines{line(f, "fork to first message, CPU of the child, ms", "cpu_us", 1e-3)
                             .judge(quotient(f, "cpu_us"), Target::at_most(1.0, "of a plain C++ child")),
                         line(f, "  the same, wall, ms", "wall_us", 1e-3).ratio(quotient(f, "wall_us"))};
          }};
}

Measure memory(const Programs& programs) {
  const auto look_at = [&](const std::string& module) {
    return programs.first_cpu({programs.at("start"), "--memory", "3", module});
  };
  Contest contest("memory");
  contest.add("Baton", look_at(programs.at("hello_worker")))
      .add("Baton, own entry", look_at("worker"))
      .add("bare", look_at(programs.at("child")))
      .add("Node", look_at(programs.source("workers/hello_worker.js")));
  return {contest, [](const Figures& f) {
            constexpr double mib = 1.0 / 1024;
            const double own = f.median("Baton, own entry", "private_kib") * mib;
            const double alone = f.median("Baton", "private_kib") * mib;
            return Lines{
                Line("private memory of an idle worker, its parent the same program, MiB", own, none, none)
                    .judge(own, Target::at_most(0.5, "MiB")),
                line(f, "  of one that nobody shares its program with, MiB", "private_kib", mib)
                    .judge(alone, Target::at_most(0.5, "MiB"))};
          }};
}

Measure pingpong(const Programs& programs) {
  Contest contest("pingpong");
  contest.add("Baton", programs.exchange(false, false, "pingpong", "30000", "0"))
      .add("bare", {programs.at("messages"), "pp", "50000", "0", "0"})
      .add("bare epoll", {programs.at("messages"), "ppe", "50000", "0", "0"})
      .add("Node", programs.exchange(true, true, "pingpong", "20000", "0"));
  return {contest, [](const Figures& f) {
            return Lines{line(f, "round trip of a small message, one core, CPU of both, us", "cpu_us")
                             .judge(quotient(f, "cpu_us"), Target::at_most(1.3, "of a bare C ping-pong")),
                         Line("  the same, bare around epoll", f.median("Baton", "cpu_us"),
                              f.median("bare epoll", "cpu_us"), none)
                             .ratio(quotient(f, "cpu_us", "Baton", "bare epoll")),
                         line(f, "  the same, wall, us", "wall_us").ratio(quotient(f, "wall_us"))};
          }};
}

Measure oneway(const Programs& programs) {
  Contest contest("oneway");
  contest.add("Baton", programs.exchange(false, false, "oneway", "2000000", "1"))
      .add("bare", {programs.at("messages"), "ow", "1000000", "0", "1"})
      .add("Node", programs.exchange(true, true, "oneway", "200000", "1"));
  return {contest, [](const Figures& f) {
            const double millions = f.median("Baton", "per_second") / 1e6;
            return Lines{
                line(f, "one way, small messages, two cores, million/s", "per_second", 1e-6)
                    .judge(millions, Target::at_least(2.5, "million/s")),
                line(f, "  the same against Node", "per_second", 1e-6)
                    .judge(quotient(f, "per_second", "Baton", "Node"), Target::at_least(7, "times Node")),
                line(f, "  the same, CPU of both a message, us", "cpu_us").ratio(quotient(f, "cpu_us"))};
          }};
}

Measure sockets(const Programs& programs) {
  Contest contest("sockets");
  contest.add("Baton", programs.exchange(false, false, "sockets", "8000", "1"))
      .add("bare", {programs.at("sockets"), "8000", "0", "1"})
      .add("Node", programs.exchange(true, true, "sockets", "2000", "1"))
      .add("Baton to Node", programs.exchange(false, true, "sockets", "2000", "1"))
      .add("Node to Baton", programs.exchange(true, false, "sockets", "2000", "1"));
  return {contest, [](const Figures& f) {
            const auto mixed = [&](const std::string& name) {
              return Line("connections handed over " + name + ", thousand/s",
                          f.median(name, "per_second") / 1e3, none, f.median("Node", "per_second") / 1e3)
                  .judge(quotient(f, "per_second", name, "Node"), Target::at_least(1, "of Node to Node"));
            };
            return Lines{
                line(f, "connections handed over, closed by the receiver, thousand/s", "per_second", 1e-3)
                    .judge(quotient(f, "per_second"), Target::at_least(0.75, "of the bare kernel")),
                line(f, "  the same, CPU of both a connection, us", "cpu_us").ratio(quotient(f, "cpu_us")),
                mixed("Baton to Node"), mixed("Node to Baton")};
          }};
}

Measure http(const Programs& programs) {
  const auto load = [&](Command server) {
    Command command = {programs.at("load"), "200000", "64", "1", "--", programs.at("pin"), "0"};
    command.insert(command.end(), server.begin(), server.end());
    return command;
  };
  Contest contest("http");
  contest
      .add("Baton",
           load({programs.product("hello"), "--host", "127.0.0.1", "--port", "PORT", "--workers", "1"}))
      .add("bare", load({programs.at("http"), "PORT"}))
      .add("nginx", load({programs.source("nginx.sh"), "PORT"}))
      .add("Node", load(programs.node("node/http.js", {"PORT"})));
  return {
      contest, [](const Figures& f) {
        return Lines{
            line(f, "HTTP keep-alive, one worker, CPU a request, us", "cpu_us")
                .judge(quotient(f, "cpu_us"), Target::at_most(1.15, "of a bare epoll loop")),
            Line("  the same against nginx", f.median("Baton", "cpu_us"), f.median("nginx", "cpu_us"),
                 f.median("Node", "cpu_us"))
                .judge(quotient(f, "cpu_us", "Baton", "nginx"), Target::at_most(1, "of nginx")),
            line(f, "  the same, thousand requests/s", "per_second", 1e-3).ratio(quotient(f, "per_second"))};
      }};
}

// `examples/heavy` and its child on the first CPU, who asks on the second. What it says of each work is
// dropped.
Measure heavy(const Programs& programs) {
  const auto ask = [&](const std::string& work_ms, const Command& more) {
    Command command = {programs.at("light"), "3000", "1000", work_ms, "200", "1", "--"};
    Command server = {"sh",     "-c",  "exec \"$0\" \"$@\" >/dev/null", programs.product("heavy"),
                      "--port", "PORT"};
    server.insert(server.end(), more.begin(), more.end());
    server = programs.first_cpu(std::move(server));
    command.insert(command.end(), server.begin(), server.end());
    return command;
  };
  Contest contest("heavy");
  contest.add("no work", ask("0", {}))
      .add("on the loop", ask("50", {}))
      .add("in a child", ask("50", {"--in-child"}));
  return {contest, [](const Figures& f) {
            const auto p99 = [&](const std::string& what, const std::string& contender) {
              return Line(what, f.median(contender, "p99_us") / 1e3, none, none)
                  .ratio(quotient(f, "p99_us", contender, "no work"));
            };
            const auto lag = [&](const std::string& what, const std::string& contender) {
              return Line(what, f.median(contender, "lag_ms"), none, none);
            };
            return Lines{p99("1,000 light requests a second, p99, ms", "no work"),
                         p99("  beside 50 ms of work 5 times a second, on the loop", "on the loop"),
                         p99("  beside the same work, in a child", "in a child"),
                         p99("  the same against on the loop", "in a child")
                             .judge(quotient(f, "p99_us", "in a child", "on the loop"),
                                    Target::at_most(0.1, "of on the loop")),
                         lag("the longest lag of that loop, no work, ms", "no work"),
                         lag("  work on the loop", "on the loop"),
                         lag("  work in a child", "in a child")};
          }};
}

Measure spawning(const Programs& programs) {
  Contest contest("spawn");
  for (const std::string mib : {"20", "2048"}) {
    const std::string suffix = mib == "20" ? "" : " 2 GiB";
    contest.add("Baton" + suffix, programs.first_cpu({programs.at("spawner"), "50", mib}))
        .add("bare" + suffix, programs.first_cpu({programs.at("spawn"), "50", mib}))
        .add("Node" + suffix, programs.node("node/spawner.js", {"10", mib}));
  }
  return {contest, [](const Figures& f) {
            const auto big = [&](const std::string& what, const std::string& figure) {
              return Line(what, f.median("Baton 2 GiB", figure) / 1e3, f.median("bare 2 GiB", figure) / 1e3,
                          f.median("Node 2 GiB", figure) / 1e3);
            };
            const auto growth = [&](const std::string& figure) {
              return quotient(f, figure, "Baton 2 GiB", "Baton");
            };
            return Lines{
                line(f, "spawn and wait for /bin/true with 20 MiB resident, wall, ms", "wall_us", 1e-3),
                big("  the same with 2 GiB", "wall_us")
                    .judge(growth("wall_us"), Target::at_most(1.2, "of 20 MiB")),
                line(f, "  with 20 MiB, CPU (Node: the parent's only), ms", "cpu_us", 1e-3),
                big("  with 2 GiB, CPU, ms", "cpu_us")
                    .judge(growth("cpu_us"), Target::at_most(1.2, "of 20 MiB"))};
          }};
}

Measure executing(const Programs& programs) {
  Contest contest("exec");
  contest.add("Baton", {programs.at("executor"), "500"})
      .add("bare", {programs.at("run_true"), "500"})
      .add("Node", programs.node("node/executor.js", {"50"}))
      .add("Baton by a shell", {programs.at("executor"), "500", "--shell"})
      .add("bare by a shell", {programs.at("run_true"), "500", "--shell"})
      .add("Node by a shell", programs.node("node/executor.js", {"50", "--shell"}));
  return {contest, [](const Figures& f) {
            return Lines{
                line(f, "exec_file of /bin/true, its output collected, a second", "per_second")
                    .judge(quotient(f, "per_second"), Target::at_least(0.8, "of posix_spawn and wait")),
                Line("  exec, by a shell", f.median("Baton by a shell", "per_second"),
                     f.median("bare by a shell", "per_second"), f.median("Node by a shell", "per_second"))
                    .judge(quotient(f, "per_second", "Baton by a shell", "bare by a shell"),
                           Target::at_least(0.8, "of posix_spawn and wait"))};
          }};
}

// Jobs that do nothing, 64 at a time, for two workers; "ahead": that have 32 each.
Measure pool(const Programs& programs) {
  const auto ours = [&](const std::string& each) {
    return Command{programs.at("pool"), "640000", "64", "2", each};
  };
  const auto beside = [&](const std::string& library, const std::string& each) {
    return programs.everywhere("node/pool.js", {BATON_BENCH_PACKAGES, library, "64000", "64", "2", each});
  };
  Contest contest("pool");
  contest.add("Baton", ours("1"))
      .add("Baton ahead", ours("32"))
      .add("workerpool", beside("workerpool", "1"))
      .add("piscina", beside("piscina", "1"))
      .add("piscina ahead", beside("piscina", "32"));
  return {contest, [](const Figures& f) {
            const auto jobs = [&](const std::string& what, const std::string& one, const std::string& other) {
              return Line(what, f.median(one, "per_second") / 1e3, none, f.median(other, "per_second") / 1e3)
                  .judge(quotient(f, "per_second", one, other), Target::at_least(5, "times theirs"));
            };
            const auto cpu = [&](const std::string& what, const std::string& one, const std::string& other) {
              return Line(what, f.median(one, "cpu_us"), none, f.median(other, "cpu_us"))
                  .judge(quotient(f, "cpu_us", one, other), Target::at_most(0.2, "of theirs"));
            };
            const auto memory = [&](const std::string& what, const std::string& other) {
              return Line(what, f.median("Baton", "private_kib") / 1024, none,
                          f.median(other, "private_kib") / 1024)
                  .judge(quotient(f, "private_kib", "Baton", other), Target::at_most(0.2, "of theirs"));
            };
            return Lines{
                jobs("jobs of a pool of two workers, thousand/s (workerpool)", "Baton", "workerpool"),
                jobs("  beside piscina", "Baton", "piscina"),
                jobs("  32 jobs a worker, beside piscina", "Baton ahead", "piscina ahead"),
                cpu("CPU of all a job, us (workerpool)", "Baton", "workerpool"),
                cpu("  beside piscina", "Baton", "piscina"),
                cpu("  32 jobs a worker, beside piscina", "Baton ahead", "piscina ahead"),
                memory("private memory of such a pool, MiB (workerpool)", "workerpool"),
                memory("  beside piscina", "piscina")};
          }};
}

Measure crowd(const Programs& programs) {
  Contest contest("crowd");
  contest.add("Baton", {programs.at("crowd"), "100", programs.at("hello_worker")})
      .add("bare", {programs.at("many"), "100", programs.at("child")})
      .add("Node", programs.everywhere("node/crowd.js", {"100", programs.source("workers/hello_worker.js")}));
  return {
      contest, [](const Figures& f) {
        return Lines{line(f, "100 workers at once, to the first message of the last, ms", "wall_us", 1e-3)
                         .judge(quotient(f, "wall_us"), Target::at_most(1.5, "of posix_spawn and epoll"))};
      }};
}

}  // namespace

std::vector<Measure> all_measures(const Programs& programs) {
  std::vector<Measure> all = {start(programs),     memory(programs), pingpong(programs), oneway(programs),
                              sockets(programs),   http(programs),   heavy(programs),    spawning(programs),
                              executing(programs), crowd(programs),  pool(programs)};
  for (Measure& measure : serialization_measures(programs)) all.push_back(std::move(measure));
  for (Measure& measure : cluster_measures(programs)) all.push_back(std::move(measure));
  return all;
}

}  // namespace bench
