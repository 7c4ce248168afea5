#include "runner/measures.h"

namespace bench {
namespace {

constexpr double text_size = 64 << 10;

Contest exchange(const Programs& programs, const std::string& name, const std::string& ours,
                 const std::string& nodes) {
  Contest contest(name);
  contest.add("Baton", programs.exchange(false, false, name, ours, "1"))
      .add("Node",
           programs.first_cpu({programs.newest_node(), Programs::source("node/parent.js"), name, nodes, "1",
                               Programs::source("workers/worker.js"), programs.folder()}));
  return contest;
}

Measure small_messages(const Programs& programs) {
  return {exchange(programs, "oneway-advanced", "2000000", "200000"), [](const Figures& f) {
            return Lines{
                line(f, "one way, small advanced messages, two cores, million/s", "per_second", 1e-6)
                    .judge(quotient(f, "per_second", "Baton", "Node"), Target::at_least(5, "times Node"))};
          }};
}

Measure texts(const Programs& programs, const std::string& name, const std::string& what) {
  return {exchange(programs, name, "100000", "20000"), [what](const Figures& f) {
            constexpr double gigabytes = text_size / 1e9;
            const double rate = f.median("Baton", "per_second") * gigabytes;
            return Lines{
                line(f, "texts of 64 KiB, " + what + ", GB/s", "per_second", gigabytes)
                    .judge(rate, Target::at_least(2, "GB/s")),
                line(f, "  the same against Node", "per_second", gigabytes)
                    .judge(quotient(f, "per_second", "Baton", "Node"), Target::at_least(3, "times Node"))};
          }};
}

}  // namespace

std::vector<Measure> serialization_measures(const Programs& programs) {
  return {small_messages(programs), texts(programs, "texts", "JSON"),
          texts(programs, "texts-advanced", "advanced")};
}

}  // namespace bench
