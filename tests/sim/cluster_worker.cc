#include "sim/cluster_worker.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sim/coverage.h"

namespace baton::sim {

using cluster::WorkerAction;

// ------------------------------------------------------------------------------------------------ every
// worker

void ClusterWorker::hold(int descriptor, std::uint32_t server) {
  const int connection = kernel().connection_of(pid_, descriptor);
  if (connection < 0) return story_->wrong("a worker is given something else for a connection");
  book_->given_to(connection, pid_, is_node());
  held_.push_back({descriptor, connection, server});
}

bool ClusterWorker::work() {
  if (held_.empty() || !running()) return false;
  const std::size_t index = story_->random().below(static_cast<std::uint32_t>(held_.size()));
  Held& held = held_[index];
  if (!held.read) {
    book_->reads(held.connection, pid_);
    kernel().read_connection(pid_, held.descriptor);
    held.read = true;
    return true;
  }
  book_->answers(held.connection, pid_);
  kernel().answer_connection(pid_, held.descriptor);
  kernel().close(pid_, held.descriptor);
  const std::uint32_t server = held.server;
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
  connection_closed(server);
  return true;
}

bool ClusterWorker::accept() {
  if (!running()) return false;
  for (const Shared& one : shared_) {
    const int descriptor = kernel().accept(pid_, one.descriptor);
    if (descriptor < 0) continue;
    met(Met::cluster_worker_accepted);
    const std::uint32_t server = one.server;
    connection_opened(server);
    hold(descriptor, server);
    return true;
  }
  return false;
}

void ClusterWorker::drop_shared(std::uint32_t server) {
  std::erase_if(shared_, [&](const Shared& one) {
    if (one.server != server) return false;
    kernel().close(pid_, one.descriptor);
    return true;
  });
}

bool ClusterWorker::exit_if_done() {
  if (!running() || wire().open()) return false;
  channel_closed();
  if (!running()) return true;
  if (!over_ || !held_.empty()) return false;
  exit(0);
  return true;
}

void ClusterWorker::exit(int code) {
  if (!alive()) return;
  kernel().exit(pid_, code);
  held_.clear();
  shared_.clear();
}

// ------------------------------------------------------------------------------------------------ Baton

BatonWorker::BatonWorker(Story& story, ClusterBook& book, Pid pid, int descriptor, bool announces)
    : ClusterWorker(story, book, pid), end_(story, pid, descriptor, announces, *this) {
  machine_.time(story.now());
  machine_.start();
  pump();
}

void BatonWorker::listen(int port) {
  if (listens(port) || over_ || leaving()) return;
  wire::ListenQuery query;
  query.port = port;
  query.backlog = 0;
  const cluster::ServerId id = next_server_++;
  servers_.push_back({id, port});
  machine_.time(story_->now());
  machine_.listen(id, query);
  machine_.max_connections(id, most_);
  pump();
}

bool BatonWorker::listens(int port) const {
  return std::ranges::any_of(servers_, [&](const Server& one) { return one.port == port; });
}

void BatonWorker::close_server(int port) {
  const auto server = std::ranges::find(servers_, port, &Server::port);
  if (server == servers_.end()) return;
  const cluster::ServerId id = server->id;
  servers_.erase(server);
  drop_shared(id);
  machine_.time(story_->now());
  machine_.close(id);
  pump();
}

void BatonWorker::max_connections(std::optional<std::uint64_t> most) {
  most_ = most;
  for (const Server& one : servers_) machine_.max_connections(one.id, most);
}

void BatonWorker::leave() {
  machine_.time(story_->now());
  if (!machine_.leaving()) met(Met::cluster_worker_left_by_itself);
  machine_.disconnect();
  pump();
}

void BatonWorker::lag(double milliseconds) {
  machine_.time(story_->now());
  machine_.lag(milliseconds);
  pump();
}

void BatonWorker::timer() {
  machine_.time(story_->now());
  pump();
}

std::uint64_t BatonWorker::due() const { return machine_.next_deadline().value_or(Peer::never); }

void BatonWorker::go_mad() {
  if (!running()) return;
  mad_ = true;
  book_->went_mad(pid_);
  held_.clear();
  end_.close_rudely();
}

void BatonWorker::on_internal(ClusterEnd& /*at*/, const Value& message, int descriptor) {
  std::optional<std::uint32_t> handle;
  if (descriptor >= 0) {
    handles_.push_back(descriptor);
    handle = static_cast<std::uint32_t>(handles_.size() - 1);
  }
  machine_.time(story_->now());
  machine_.message(message, handle);
  pump();
}

void BatonWorker::on_read_done(ClusterEnd& /*at*/) {
  machine_.read_done();
  pump();
}

void BatonWorker::on_internal_refused(ClusterEnd& /*at*/, const Value& message) {
  met(Met::cluster_handle_lost);
  machine_.handle_lost(message);
  pump();
}

void BatonWorker::on_baton(ClusterEnd& /*at*/) {
  machine_.primary_is_baton();
  pump();
}

void BatonWorker::on_written(ClusterEnd& /*at*/, std::uint64_t token) {
  machine_.in_kernel(token);
  pump();
}

void BatonWorker::on_end(ClusterEnd& /*at*/) {
  machine_.channel_ended();
  pump();
}

void BatonWorker::connection_opened(std::uint32_t server) {
  machine_.time(story_->now());
  machine_.connection_opened(server);
  pump();
}

void BatonWorker::connection_closed(std::uint32_t server) {
  machine_.time(story_->now());
  machine_.connection_closed(server);
  pump();
}

int BatonWorker::take(std::uint32_t handle) {
  const int descriptor = std::exchange(handles_[handle], -1);
  if (descriptor < 0) story_->wrong("the worker's machine uses a handle twice");
  return descriptor;
}

void BatonWorker::pump() {
  if (std::exchange(pumping_, true)) return;
  while (auto action = machine_.next_action()) {
    carry_out(*action);
    if (!alive()) break;
  }
  pumping_ = false;
}

void BatonWorker::carry_out(const WorkerAction& action) {
  switch (action.kind) {
    case WorkerAction::Kind::send:
      if (action.message["accepted"].size() > 1) met(Met::cluster_batch_of_answers);
      (void)end_.say(action.message, action.token);
      return;
    case WorkerAction::Kind::emulate:
      return machine_.listening(action.server, action.sockname ? action.sockname->port : -1);
    case WorkerAction::Kind::adopt:
      return adopt(action);
    case WorkerAction::Kind::failed:
      drop_shared(action.server);
      std::erase_if(servers_, [&](const Server& one) { return one.id == action.server; });
      return;
    case WorkerAction::Kind::deliver:
      return hold(take(action.handle), action.server);
    case WorkerAction::Kind::close_handle:
      kernel().close(pid_, take(action.handle));
      return;
    case WorkerAction::Kind::close_server:
      drop_shared(action.server);
      std::erase_if(servers_, [&](const Server& one) { return one.id == action.server; });
      if (machine_.connections() > 0) met(Met::cluster_told_to_leave_with_connections);
      return;
    case WorkerAction::Kind::end_channel:
      return end_.disconnect();
    case WorkerAction::Kind::ended:
      if (!action.agreed) return exit(0);
      over_ = true;
      if (end_.accepts()) end_.disconnect();
      return;
    case WorkerAction::Kind::report:
      return story_->wrong(std::string("a worker reports ") + action.error->what());
  }
}

void BatonWorker::adopt(const WorkerAction& action) {
  const int descriptor = take(action.handle);
  if (kernel().kind_of(kernel().file_of(pid_, descriptor)) != FileKind::listener) {
    return story_->wrong("a worker is given something else for a listener");
  }
  shared_.push_back({descriptor, action.server});
  machine_.listening(action.server, action.port > 0 ? action.port : 4000);
}

}  // namespace baton::sim
