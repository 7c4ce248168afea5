// pool JOBS AT_ONCE WORKERS EACH: gives JOBS jobs that do nothing to a pool, AT_ONCE at a time; a worker has
// EACH at most.

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "baton/baton.h"
#include "support/measure.h"
#include "support/processes.h"

namespace {

baton::Task<> ask(baton::Pool& pool, int jobs) {
  for (int n = 0; n < jobs; ++n) {
    const baton::Value answer = co_await pool.run(baton::Value(n));
    if (answer.as_number() != n + 1) bench::die("a wrong answer");
  }
}

baton::Task<> ask_all(baton::Process& self, baton::Pool& pool, int jobs, int at_once) {
  std::vector<baton::Task<>> askers;
  for (int i = 0; i < at_once; ++i) askers.push_back(ask(pool, jobs / at_once));
  co_await baton::all(self.loop(), std::move(askers));
}

baton::Task<> primary(baton::Process& self) {
  const int jobs = std::stoi(self.args().at(0));
  const int at_once = std::stoi(self.args().at(1));
  const auto options = baton::PoolOptions()
                           .workers(std::stoul(self.args().at(2)))
                           .jobs_per_worker(std::stoul(self.args().at(3)));
  baton::Pool pool(self, "worker", options);
  co_await ask_all(self, pool, jobs / 10, at_once);  // all have begun, and all is warm
  const double before = bench::tree_cpu_us(getpid());
  const double start = bench::now_us();
  co_await ask_all(self, pool, jobs, at_once);
  const double wall = bench::now_us() - start;
  const double used = bench::tree_cpu_us(getpid()) - before;
  double kib = bench::private_kib(getpid());
  for (const pid_t child : bench::children_of(getpid())) kib += bench::private_kib(child);
  bench::print_figures({{"per_second", jobs / wall * 1e6}, {"cpu_us", used / jobs}, {"private_kib", kib}});
}

void worker(baton::Process& self) {
  self.parent().on_request([](const baton::Value& job) { return baton::Value(job.as_number() + 1); });
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}, {"worker", worker}}); }
