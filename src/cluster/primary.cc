#include "baton/cluster/primary.h"

#include "cluster/primary_state.h"

namespace baton::cluster {

Primary::Primary(Process& process, const PrimaryOptions& options)
    : state_(std::make_shared<State>(process, options)) {}
Primary::Primary(Primary&&) noexcept = default;
Primary& Primary::operator=(Primary&& other) noexcept {
  if (this != &other) {
    if (state_) state_->shut_down();
    state_ = std::move(other.state_);
  }
  return *this;
}
Primary::~Primary() {
  if (state_) state_->shut_down();
}

WorkerProcess& Primary::fork(const WorkerOptions& options) { return state_->fork(options); }
const PrimaryOptions& Primary::settings() const noexcept { return state_->options; }

std::vector<WorkerProcess*> Primary::workers() const {
  std::vector<WorkerProcess*> result;
  for (const auto& [id, worker] : state_->workers) result.push_back(&worker->face);
  return result;
}
WorkerProcess* Primary::find(uint32_t id) const noexcept {
  WorkerProcess::State* worker = state_->find(id);
  return worker == nullptr ? nullptr : &worker->face;
}

Op<> Primary::disconnect() {
  state_->disconnect_all();
  return state_->wait_for_end();
}
void Primary::close_listeners() {
  state_->feed([&] { state_->machine.close_listeners(); });
}
Op<> Primary::ended() { return state_->wait_for_end(); }

std::vector<Listening> Primary::listeners() const { return state_->listeners(); }
std::size_t Primary::in_flight() const noexcept { return state_->machine.in_flight(); }
uint64_t Primary::requeued() const noexcept { return state_->machine.requeued(); }

void Primary::on_fork(std::move_only_function<void(WorkerProcess&)> callback) {
  state_->on_fork.set(std::move(callback));
}
void Primary::on_online(std::move_only_function<void(WorkerProcess&)> callback) {
  state_->on_online.set(std::move(callback));
}
void Primary::on_listening(std::move_only_function<void(WorkerProcess&, const Listening&)> callback) {
  state_->on_listening.set(std::move(callback));
}
void Primary::on_disconnect(std::move_only_function<void(WorkerProcess&)> callback) {
  state_->on_disconnect.set(std::move(callback));
}
void Primary::on_exit(std::move_only_function<void(WorkerProcess&, const ExitStatus&)> callback) {
  state_->on_exit.set(std::move(callback));
}
void Primary::on_close(std::move_only_function<void(WorkerProcess&, const ExitStatus&)> callback) {
  state_->on_close.set(std::move(callback));
}
void Primary::on_message(std::move_only_function<void(WorkerProcess&, Message&)> callback) {
  state_->on_message_slot.set(std::move(callback));
}
void Primary::on_error(std::move_only_function<void(WorkerProcess&, const Error&)> callback) {
  state_->on_error.set(std::move(callback));
}
void Primary::on_listen_error(
    std::move_only_function<void(WorkerProcess&, const Listening&, const Error&)> callback) {
  state_->on_listen_error.set(std::move(callback));
}
void Primary::on_hang(std::move_only_function<void(WorkerProcess&)> callback) {
  state_->on_hang.set(std::move(callback));
}

}  // namespace baton::cluster
