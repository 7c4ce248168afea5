// A pool of worker processes that count primes: twenty jobs, as many at once as there are cores.

#include <cstdio>

#include "baton/baton.h"

struct Job {
  int from = 0;
  int to = 0;
};
BATON_FIELDS(Job, from, to)

int count_primes(const Job& job) {
  int count = 0;
  for (int n = job.from; n < job.to; ++n) {
    int divisor = 2;
    while (divisor * divisor <= n && n % divisor != 0) ++divisor;
    if (n > 1 && divisor * divisor > n) ++count;
  }
  return count;
}

void worker(baton::Process& self) { self.parent().on_request(count_primes); }

baton::Task<> jobs(baton::Process& self) {
  baton::Pool pool(self, "worker");
  std::vector<baton::Op<int>> counts;
  for (int i = 0; i < 20; ++i) counts.push_back(pool.run<int>(Job{i * 100'000, (i + 1) * 100'000}));
  for (const int count : co_await baton::all(self.loop(), std::move(counts)))
    std::printf("%d primes\n", count);
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"jobs", jobs}, {"worker", worker}}); }
