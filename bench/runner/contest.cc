#include "runner/contest.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <set>

#include "support/median.h"

namespace bench {
namespace {

constexpr auto patience = std::chrono::minutes(3);

// What a program wrote to its standard output. Throws if it failed.
baton::Task<std::string> output_of(baton::Process& self, const std::vector<std::string>& command) {
  const auto options = baton::SpawnOptions()
                           .stdio(0, baton::Stdio::ignore())
                           .stdio(2, baton::Stdio::inherit())
                           .timeout(patience)
                           .kill_signal(SIGKILL);
  std::string output;
  baton::Promise<> closed(self.loop());
  auto child = baton::spawn(self.loop(), command.front(), {command.begin() + 1, command.end()}, options);
  child.stdout_stream().on_data([&](std::string_view bytes) { output += bytes; });
  child.on_close([&](const baton::ExitStatus&) { closed.resolve({}); });
  co_await closed.op();
  if (!child.status()->success()) throw std::runtime_error("it ended with " + child.status()->describe());
  co_return output;
}

void take(const std::string& output, const std::string& contender, Figures& figures) {
  const size_t end = output.find_last_not_of('\n') + 1;
  const size_t begin = output.rfind('\n', end == 0 ? 0 : end - 1) + 1;
  const auto result = baton::wire::read_json(std::string_view(output).substr(begin, end - begin));
  if (!result || !result->is_object()) throw std::runtime_error("it printed no figures");
  for (const auto& [name, value] : result->members()) {
    figures.add(contender, name, value.get_if_number().value_or(0));
  }
}

baton::Task<> run_once(baton::Process& self, const Contender& contender, Figures& figures) {
  try {
    const std::string output = co_await output_of(self, contender.command());
    take(output, contender.name(), figures);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s: %s\n", contender.name().c_str(), error.what());
  }
}

}  // namespace

bool Figures::has(const std::string& contender) const {
  return std::ranges::any_of(all_, [&](const auto& entry) { return entry.first.first == contender; });
}

double Figures::median(const std::string& contender, const std::string& figure) const {
  const auto found = all_.find({contender, figure});
  return found == all_.end() ? std::numeric_limits<double>::quiet_NaN() : bench::median(found->second);
}

baton::Value Figures::to_value() const {
  baton::Value contenders = baton::Value::object();
  for (const auto& [name, values] : all_) {
    const auto& [contender, figure] = name;
    baton::Value one = contenders.take(contender);
    if (one.is_undefined()) one = baton::Value::object();
    baton::Value rounds = baton::Value::array();
    for (const double value : values) rounds.push_back(value);
    one.set(figure,
            baton::Value::object().set("median", bench::median(values)).set("rounds", std::move(rounds)));
    contenders.set(contender, std::move(one));
  }
  return contenders;
}

baton::Task<Figures> hold(baton::Process& self, const Contest& contest, int rounds) {
  Figures figures;
  for (int round = 1; round <= rounds; ++round) {
    for (const Contender& contender : contest.contenders()) {
      std::fprintf(stderr, "bench: %s, round %d of %d: %s\n", contest.name().c_str(), round, rounds,
                   contender.name().c_str());
      co_await run_once(self, contender, figures);
    }
  }
  co_return figures;
}

}  // namespace bench
