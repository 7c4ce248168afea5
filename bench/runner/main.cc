// baton_bench [--rounds N] [--quick] [NAME...]: measures Baton, the Node on PATH and the bare kernel in turn
// and prints the medians beside the targets. The figures of all rounds go to build/bench/results.json, a
// chart of the medians to chart.svg beside it.

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "runner/chart.h"
#include "runner/measures.h"

namespace {

class Arguments {
 public:
  /// False: they make no sense.
  bool read(const std::vector<std::string>& words) {
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "--quick") {
        rounds_ = 2;
      } else if (words[i] == "--rounds" && i + 1 < words.size()) {
        rounds_ = std::atoi(words[++i].c_str());
      } else if (words[i].starts_with("-")) {
        return false;
      } else {
        names_.push_back(words[i]);
      }
    }
    return rounds_ > 0;
  }
  [[nodiscard]] int rounds() const { return rounds_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] bool wants(const std::string& name) const {
    return names_.empty() || std::ranges::find(names_, name) != names_.end();
  }

 private:
  int rounds_ = 5;
  std::vector<std::string> names_;
};

std::filesystem::path own_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

std::string node_to_use() {
  const char* chosen = std::getenv("BATON_NODE");
  return chosen != nullptr && *chosen != '\0' ? chosen : "node";
}

// The Node that the targets of the cluster name, if `./dev interop` has fetched it.
std::string newest_node() {
  const std::filesystem::path fetched = BATON_BENCH_NODES "/26/bin/node";
  if (std::filesystem::exists(fetched)) return fetched;
  std::fprintf(stderr, "bench: no %s (./dev interop fetches it); the cluster is measured beside %s\n",
               fetched.c_str(), node_to_use().c_str());
  return node_to_use();
}

baton::Value to_value(const std::vector<bench::Line>& lines) {
  baton::Value all = baton::Value::array();
  for (const bench::Line& line : lines) {
    baton::Value cells = baton::Value::array();
    for (const std::string& cell : line.cells()) cells.push_back(cell);
    all.push_back(std::move(cells));
  }
  return all;
}

void write_results(const baton::Value& results, const std::vector<bench::Line>& table) {
  const std::filesystem::path file = BATON_BENCH_RESULTS;
  const auto chart = std::filesystem::path(file).replace_filename("chart.svg");
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << baton::to_json(results) << '\n';
  bench::write_chart(table, chart);
  std::fprintf(stderr, "bench: every round is in %s, a chart in %s\n", file.c_str(), chart.c_str());
}

bool all_known(const Arguments& arguments, const std::vector<bench::Measure>& measures) {
  std::string known;
  for (const auto& measure : measures) known += " " + measure.contest().name();
  for (const std::string& name : arguments.names()) {
    if ((known + " ").contains(" " + name + " ")) continue;
    std::fprintf(stderr, "bench: no measure %s; there are:%s\n", name.c_str(), known.c_str());
    return false;
  }
  return true;
}

baton::Task<> primary(baton::Process& self) {
  const std::string folder = own_folder();
  const auto measures =
      bench::all_measures(bench::Programs(folder + "/../bench", folder, node_to_use(), newest_node()));
  Arguments arguments;
  if (!arguments.read(self.args()) || !all_known(arguments, measures)) {
    std::fputs("usage: baton_bench [--rounds N] [--quick] [NAME...]\n", stderr);
    self.exit(2);
    co_return;
  }
  std::vector<bench::Line> table;
  baton::Value contests = baton::Value::object();
  for (const auto& measure : measures) {
    if (!arguments.wants(measure.contest().name())) continue;
    const auto figures = co_await bench::hold(self, measure.contest(), arguments.rounds());
    for (auto& line : measure.lines(figures)) table.push_back(std::move(line));
    contests.set(measure.contest().name(), figures.to_value());
  }
  bench::print_table(table);
  baton::Value results = baton::Value::object();
  results.set("rounds", arguments.rounds()).set("table", to_value(table)).set("figures", std::move(contests));
  write_results(results, table);
}

}  // namespace

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}}); }
