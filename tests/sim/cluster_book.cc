#include "sim/cluster_book.h"

#include "sim/coverage.h"

namespace baton::sim {

void ClusterBook::reset() {
  fates_.clear();
  mad_ = 0;
  wrong_.clear();
}

ClusterBook::Fate& ClusterBook::fate(int connection) {
  const auto index = static_cast<std::size_t>(connection);
  if (index >= fates_.size()) fates_.resize(index + 1);
  return fates_[index];
}

void ClusterBook::connected(int connection) { fate(connection) = {}; }
void ClusterBook::belongs_to(int connection, FileId listener) { fate(connection).listener = listener; }

void ClusterBook::given_to(int connection, Pid pid, bool careless) {
  Fate& one = fate(connection);
  if (one.owner == pid) return wrong("a connection is given to one process twice");
  if (one.owner >= 0) {
    if (kernel_->alive(one.owner)) return wrong("two living processes own a connection");
    if (!one.careless) return wrong("a connection is handed on that a dead worker had accepted");
    met(Met::node_served_before_it_answered);
    one.twice = true;
  }
  one.owner = pid;
  one.careless = careless;
}

void ClusterBook::accepted_by(int connection, Pid pid) {
  Fate& one = fate(connection);
  if (one.acceptor >= 0) wrong("a connection was accepted twice");
  one.acceptor = pid;
}

void ClusterBook::dropped(int connection) { fate(connection).dropped = true; }

void ClusterBook::listener_closed(FileId listener) {
  for (std::size_t i = 0; i < fates_.size(); ++i) {
    const bool queued = !kernel_->connection(static_cast<int>(i)).accepted;
    if (fates_[i].listener == listener && queued) fates_[i].dropped = true;
  }
}

void ClusterBook::reads(int connection, Pid pid) {
  const Fate& one = fate(connection);
  if (one.owner != pid) wrong("a connection is read by one who does not own it");
}

void ClusterBook::answers(int connection, Pid pid) {
  const Fate& one = fate(connection);
  if (one.owner != pid) wrong("a connection is answered by one who does not own it");
  if (kernel_->connection(connection).answers > 0 && !one.twice) wrong("a connection is answered twice");
}

bool ClusterBook::settled(int connection) const {
  const Fate& one = fates_[static_cast<std::size_t>(connection)];
  if (kernel_->connection(connection).answers > 0 || one.dropped) return true;
  // Lost, but with the worker that had accepted it.
  const Pid holder = one.owner >= 0 ? one.owner : one.acceptor;
  if (holder < 0) return false;
  if ((mad_ >> static_cast<unsigned>(holder) & 1U) != 0) return true;
  if (kernel_->alive(holder)) return false;
  return one.acceptor >= 0 || !kernel_->connection(connection).open;
}

int ClusterBook::first_unsettled() const {
  for (std::size_t i = 0; i < fates_.size(); ++i) {
    if (!settled(static_cast<int>(i))) return static_cast<int>(i);
  }
  return -1;
}

std::string ClusterBook::describe(int number) const {
  const Connection& connection = kernel_->connection(number);
  const Fate& one = fates_[static_cast<std::size_t>(number)];
  std::string text = "connection " + std::to_string(number);
  text += connection.accepted ? ", accepted" : ", in the backlog";
  text += ", given to " + std::to_string(one.owner) + ", accepted by " + std::to_string(one.acceptor);
  return text + ", held by " + std::to_string(connection.holders);
}

bool ClusterBook::all_settled() const { return first_unsettled() < 0; }

}  // namespace baton::sim
