#include "models/table.h"

#include <cmath>
#include <cstdio>

namespace models {

std::string describe_load(int think_ms, bool keep_alive) {
  return (think_ms == 0 ? std::string("each answer at once")
                        : "each answer waits " + std::to_string(think_ms) + " ms") +
         (keep_alive ? ", connections are kept" : ", a connection for each request");
}

std::string number_of(double value) {
  char text[32];
  const double size = std::fabs(value);
  const int digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string p99_of(const Row& row) {
  return (row.figures.p99_unanswered ? "> " : "") + number_of(row.figures.p99_ms);
}

void print_heading(int think_ms, bool keep_alive) {
  std::printf("\n%s\n", describe_load(think_ms, keep_alive).c_str());
  std::printf("%-20s %11s %10s %9s %9s %8s %9s %8s %7s\n", "model", "connections", "requests/s", "p99 ms",
              "unserved", "failures", "processes", "threads", "MiB");
  std::fflush(stdout);
}

void print_row(const Row& row) {
  std::printf("%-20s %11d %10s %9s %9lld %8lld %9lld %8lld %7s\n", row.model->what, row.connections,
              number_of(row.figures.requests_per_second).c_str(), p99_of(row).c_str(),
              static_cast<long long>(row.figures.unserved), static_cast<long long>(row.figures.failures),
              static_cast<long long>(row.footprint.processes), static_cast<long long>(row.footprint.threads),
              number_of(row.footprint.mib).c_str());
  std::fflush(stdout);
}

std::string json_of(const std::vector<Row>& rows, const Settings& settings) {
  baton::Value list = baton::Value::array();
  for (const Row& row : rows) {
    baton::Value line(row.figures);
    line.set("model", row.model->name)
        .set("think_ms", row.think_ms)
        .set("connections", row.connections)
        .set("processes", row.footprint.processes)
        .set("threads", row.footprint.threads)
        .set("memory_mib", row.footprint.mib);
    list.push_back(std::move(line));
  }
  const baton::Value all = baton::Value::object()
                               .set("cores", baton::available_parallelism())
                               .set("seconds", settings.seconds)
                               .set("keep_alive", settings.keep_alive)
                               .set("rows", std::move(list));
  std::string text;
  baton::wire::write_json(all, text).value();
  return text + "\n";
}

}  // namespace models
