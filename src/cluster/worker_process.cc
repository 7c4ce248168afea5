#include "baton/cluster/worker_process.h"

#include <algorithm>
#include <utility>

#include "cluster/primary_state.h"

namespace baton::cluster {

uint32_t WorkerProcess::id() const noexcept { return state_.id; }
uint32_t WorkerProcess::slot() const noexcept { return state_.slot; }
ForkedChild& WorkerProcess::process() noexcept { return state_.child; }
pid_t WorkerProcess::pid() const { return state_.child.pid(); }
const std::optional<ExitStatus>& WorkerProcess::status() const { return state_.child.status(); }

Channel::Sent WorkerProcess::send(const Value& message) { return state_.child.send(message); }
Channel::Sent WorkerProcess::send(const Value& message, const net::Server& server) {
  return state_.child.send(message, server);
}
Channel::Sent WorkerProcess::send(const Value& message, net::Socket socket) {
  return state_.child.send(message, std::move(socket));
}

Op<Value> WorkerProcess::request(const Value& message) { return state_.child.request(message); }
void WorkerProcess::on_request(Answer answer) { state_.child.on_request(std::move(answer)); }

void WorkerProcess::disconnect() {
  if (state_.dead) return;
  state_.primary.feed([this] { state_.primary.machine.disconnect(state_.id); });
}
void WorkerProcess::disconnect(int signal_number, bool always) {
  if (state_.dead) return;
  state_.primary.feed([&] { state_.primary.machine.disconnect(state_.id, signal_number, always); });
}
bool WorkerProcess::kill(int signal_number) { return state_.child.kill(signal_number); }

bool WorkerProcess::is_connected() const noexcept { return state_.child.connected(); }
bool WorkerProcess::is_dead() const noexcept { return state_.dead; }
bool WorkerProcess::exited_after_disconnect() const noexcept { return state_.view().exited_after_disconnect; }
bool WorkerProcess::is_online() const noexcept { return state_.view().online; }
const std::vector<Listening>& WorkerProcess::listening() const noexcept { return state_.listening; }

std::optional<uint64_t> WorkerProcess::connections() const noexcept { return state_.view().connections; }
std::optional<double> WorkerProcess::lag() const noexcept { return state_.view().lag; }
uint64_t WorkerProcess::accepted() const noexcept { return state_.view().handed; }
std::size_t WorkerProcess::in_flight() const noexcept { return state_.offers.size(); }

void WorkerProcess::on_online(Handler<> callback) { state_.on_online.set(std::move(callback)); }
void WorkerProcess::on_listening(Handler<const Listening&> callback) {
  state_.on_listening.set(std::move(callback));
}
void WorkerProcess::on_signalled(Handler<> callback) { state_.on_signalled.set(std::move(callback)); }
void WorkerProcess::on_disconnect(Handler<> callback) { state_.on_disconnect.set(std::move(callback)); }
void WorkerProcess::on_exit(Handler<const ExitStatus&> callback) { state_.on_exit.set(std::move(callback)); }
void WorkerProcess::on_close(Handler<const ExitStatus&> callback) {
  state_.on_close.set(std::move(callback));
}
void WorkerProcess::on_message(Handler<Message> callback) { state_.on_message.set(std::move(callback)); }
void WorkerProcess::on_error(Handler<const Error&> callback) { state_.on_error.set(std::move(callback)); }

void WorkerProcess::State::cut() {
  speakers.reset();
  std::vector<Listening>().swap(listening);
  on_online.clear();
  on_signalled.clear();
  on_disconnect.clear();
  on_listening.clear();
  on_exit.clear();
  on_close.clear();
  on_message.clear();
  on_error.clear();
  reports.finish();
}

bool WorkerProcess::State::remember(const Listening& where) {
  const auto is_this = [&](const Listening& one) {
    return one.type() == where.type() && one.port() == where.port() && one.address() == where.address() &&
           one.descriptor() == where.descriptor();
  };
  if (std::ranges::any_of(listening, is_this)) return true;
  const auto length = [](const Listening& one) { return one.address() ? one.address()->size() : 0; };
  size_t text = length(where);
  for (const Listening& one : listening) text += length(one);
  bool full = false;
  while (!listening.empty() && (listening.size() >= most_listening || text > most_listening_text)) {
    full = true;
    text -= length(listening.front());
    listening.erase(listening.begin());
  }
  listening.push_back(where);
  return !full || std::exchange(forgets, true);
}

PrimaryMachine::WorkerView WorkerProcess::State::view() const {
  if (dead) return last_view;
  return primary.machine.worker(id).value_or(last_view);
}

}  // namespace baton::cluster
