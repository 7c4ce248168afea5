#include "models/contest.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "models/chart.h"
#include "models/table.h"

namespace models {
namespace {

using std::chrono::duration;

// What a server and a client take beside the measure, and what they are allowed to.
constexpr duration<double> beside(0.1);
constexpr std::chrono::seconds patience(30);

std::vector<Row> points(const Settings& settings) {
  std::vector<Row> rows;
  for (const int think_ms : settings.think_ms) {
    for (const int connections : settings.connections) {
      for (const Model& model : all_models) {
        if (!settings.models.empty() &&
            std::ranges::find(settings.models, model.name) == settings.models.end())
          continue;
        rows.push_back({.model = &model,
                        .think_ms = think_ms,
                        .connections = connections,
                        .figures = {},
                        .footprint = {}});
      }
    }
  }
  return rows;
}

void write_file(const std::string& name, const std::string& text) {
  if (name.empty()) return;
  std::ofstream file(name);
  file << text;
  file.flush();
  if (!file) throw std::runtime_error("cannot write " + name + ": is the disk full?");
}

}  // namespace

Contest::Contest(baton::Process& self, const Settings& settings)
    : self_(self),
      settings_(settings),
      rows_(points(settings)),
      progress_(self.loop(), rows_.size(), duration<double>(settings.seconds * 1.25) + beside),
      interrupt_(self.loop(), SIGINT, [this](int number) { stop(number); }),
      terminate_(self.loop(), SIGTERM, [this](int number) { stop(number); }) {}

baton::Task<int> Contest::run() {
  const Row* before = nullptr;
  for (Row& row : rows_) {
    if (before == nullptr || before->think_ms != row.think_ms)
      print_heading(row.think_ms, settings_.keep_alive);
    if (before != nullptr && before->think_ms == row.think_ms && before->connections != row.connections)
      std::puts("");
    before = &row;
    progress_.begin(std::string(row.model->what) + ", " + std::to_string(row.connections) +
                    (row.connections == 1 ? " connection" : " connections"));
    co_await measure(row);
    progress_.end();
    if (stopped_by_ != 0) co_return 128 + stopped_by_;
    print_row(row);
  }
  write_files();
  co_return 0;
}

baton::Task<> Contest::measure(Row& row) {
  std::exception_ptr wrong;
  try {
    co_await talk(row);
  } catch (...) {
    wrong = std::current_exception();
  }
  co_await end_children();
  if (wrong && stopped_by_ == 0) std::rethrow_exception(wrong);
}

baton::Task<> Contest::talk(Row& row) {
  server_ = &fork(row.model->name);
  const Order order{.wait_ms = row.think_ms, .limit = settings_.limit};
  server_->send(order);
  const auto listening = co_await server_->next_message().within(patience);
  if (!listening) co_return co_await say_broken(row, *server_, "the server");
  if (stopped_by_ != 0) co_return;

  client_ = &fork("load");
  const Job job{.port = listening->as<Listening>().value().port,
                .connections = row.connections,
                .seconds = settings_.seconds,
                .keep_alive = settings_.keep_alive};
  client_->send(job);
  const auto time =
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration<double>(settings_.seconds * 1.25));
  const auto figures = co_await client_->next_message().within(time + patience);
  if (!figures) co_return co_await say_broken(row, *client_, "the client");
  row.figures = figures->as<Figures>().value();
  // The client goes on asking meanwhile.
  row.footprint = footprint_of(server_->pid());
}

// Its channel has ended; why, its end tells.
baton::Task<> Contest::say_broken(const Row& row, baton::ForkedChild& child, std::string_view which) {
  const baton::ExitStatus status = co_await child.exited();
  const std::string why = child.uncaught().empty() ? status.describe() : child.uncaught();
  throw std::runtime_error(std::string(row.model->name) + " with " + std::to_string(row.connections) +
                           " connections: " + std::string(which) + " ended: " + why);
}

// The client first: a server that is busy ends sooner without.
baton::Task<> Contest::end_children() {
  if (client_ != nullptr) {
    client_->kill(SIGKILL);
    co_await client_->exited();
    client_ = nullptr;
  }
  if (server_ != nullptr) {
    server_->stop();
    co_await server_->exited();
    server_ = nullptr;
  }
}

baton::ForkedChild& Contest::fork(const std::string& entry) {
  // None outlives this process, however that ends.
  return self_.fork(entry,
                    baton::ForkOptions().spawn(
                        baton::SpawnOptions().stdio(baton::Stdio::inherit()).parent_death_signal(SIGTERM)));
}

// Whoever asks twice is in a hurry.
void Contest::stop(int number) {
  const bool again = std::exchange(stopped_by_, number) != 0;
  if (client_ != nullptr) client_->kill(SIGKILL);
  if (server_ == nullptr) return;
  if (again) {
    server_->kill(SIGKILL);
  } else {
    server_->stop();
  }
}

void Contest::write_files() const {
  write_file(settings_.json, json_of(rows_, settings_));
  write_file(settings_.svg, chart_of(rows_, settings_.keep_alive));
}

}  // namespace models
