// Runs two hundred shell commands, at most eight at once, and says how many failed.

#include <algorithm>
#include <cstdio>

#include "baton/baton.h"

baton::Task<> commands(baton::Process& self) {
  auto& loop = self.loop();
  baton::Limiter eight(loop, 8);
  std::vector<baton::Task<baton::ExecResult>> runs;
  for (int i = 0; i < 200; ++i)
    runs.push_back(eight.run([&loop, i] { return baton::exec(loop, "exit " + std::to_string(i / 180)); }));
  const auto results = co_await baton::all(loop, std::move(runs));
  const auto failed = std::ranges::count(results, false, &baton::ExecResult::success);
  std::printf("%td of %zu commands failed\n", failed, results.size());
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"commands", commands}}); }
