#include "baton/cluster/primary.h"

#include <stdexcept>

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

Primary::State& Primary::state() const {
  if (!state_) throw std::logic_error("this Primary was moved away");
  return *state_;
}
WorkerProcess& Primary::fork(const WorkerOptions& options) { return state().fork(options); }
const PrimaryOptions& Primary::settings() const { return state().options; }

std::vector<WorkerProcess*> Primary::workers() const {
  std::vector<WorkerProcess*> result;
  for (const auto& [id, worker] : state().workers) result.push_back(&worker->face);
  return result;
}
WorkerProcess* Primary::find(uint32_t id) const {
  WorkerProcess::State* worker = state().find(id);
  return worker == nullptr ? nullptr : &worker->face;
}

Op<> Primary::disconnect() {
  state().disconnect_all();
  return state().wait_for_end();
}
Op<> Primary::last_call() { return state().call_last(); }
void Primary::close_listeners() {
  state().given.clear();
  state().feed([&] { state().machine.close_listeners(); });
}
Op<> Primary::ended() { return state().wait_for_end(); }

std::vector<Listening> Primary::listeners() const { return state().listeners(); }
std::size_t Primary::in_flight() const { return state().machine.in_flight(); }
uint64_t Primary::requeued() const { return state().machine.requeued(); }

void Primary::on_fork(Handler<WorkerProcess&> callback) { state().on_fork.set(std::move(callback)); }
void Primary::on_online(Handler<WorkerProcess&> callback) { state().on_online.set(std::move(callback)); }
void Primary::on_listening(Handler<WorkerProcess&, const Listening&> callback) {
  state().on_listening.set(std::move(callback));
}
void Primary::on_disconnect(Handler<WorkerProcess&> callback) {
  state().on_disconnect.set(std::move(callback));
}
void Primary::on_exit(Handler<WorkerProcess&, const ExitStatus&> callback) {
  state().on_exit.set(std::move(callback));
}
void Primary::on_close(Handler<WorkerProcess&, const ExitStatus&> callback) {
  state().on_close.set(std::move(callback));
}
void Primary::on_message(Handler<WorkerProcess&, Message&> callback) {
  state().on_message_slot.set(std::move(callback));
}
void Primary::on_error(Handler<WorkerProcess&, const Error&> callback) {
  state().on_error.set(std::move(callback));
}
void Primary::on_listen_error(Handler<WorkerProcess&, const Listening&, const Error&> callback) {
  state().on_listen_error.set(std::move(callback));
}
void Primary::on_shut_down(Handler<const Listening&, ShutDown> callback) {
  state().on_shut_down.set(std::move(callback));
}
void Primary::on_stopped_listening(Handler<WorkerProcess&> callback) {
  state().on_stopped_listening.set(std::move(callback));
}
void Primary::on_hang(Handler<WorkerProcess&> callback) { state().on_hang.set(std::move(callback)); }

}  // namespace baton::cluster
