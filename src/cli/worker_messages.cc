#include "cli/worker_messages.h"

#include "baton/wire/json.h"

namespace baton::cli {
namespace {

// What an app can do without a primary of its own.
std::string advice_on(const Value& message) {
  if (message["topic"] != Value("log4js:message")) return "";
  return "; in log4js's configuration `pm2: true` has worker 1 write them for all, `disableClustering: true` "
         "each for itself";
}

Value news_of(const Value& worker, const char* event) {
  return Value::object().set("cmd", "NODE_BATON_WORKER").set("id", worker).set("event", event);
}

// As Node's 'listening' has it.
Value listening(const Value& worker, const cluster::Listening& where) {
  using Kind = cluster::Listening::Type;
  Value type(static_cast<int>(where.type()));
  if (where.udp()) type = where.type() == Kind::udp4 ? "udp4" : "udp6";
  Value address = Value::object()
                      .set("addressType", std::move(type))
                      .set("address", where.address() ? Value(*where.address()) : Value(nullptr))
                      .set("port", where.port());
  if (where.descriptor() >= 0) address.set("fd", where.descriptor());
  return news_of(worker, "listening").set("address", std::move(address));
}

}  // namespace

// Whoever leaves need not read it.
void WorkerMessages::send_to(cluster::WorkerProcess& worker, const Value& message) {
  if (!worker.is_connected()) return;
  Unread& unread = unread_[worker.id()];
  if (unread.full()) {
    if (std::exchange(deaf_told_, true)) return;
    return notice_("worker " + std::to_string(worker.slot()) + " (pid " + std::to_string(worker.pid()) +
                   ") does not read its messages; what it is sent meanwhile is lost");
  }
  auto sent = worker.send(message);
  if (sent.error() == nullptr) std::move(sent).then(unread.add(to_json(message).size()));
}

void WorkerMessages::follow(cluster::WorkerProcess& worker) {
  const std::uint32_t id = worker.id();
  workers_[id] = &worker;
  exchange_.joined(id, worker.slot());
  worker.on_message([this, &worker](const Message& message) { take(worker, message); });
  if (primary_ != nullptr) introduce(worker);
  worker.on_close([this, id](const ExitStatus&) {
    workers_.erase(id);
    unread_.erase(id);
    exchange_.left(id);
  });
}

void WorkerMessages::introduce(cluster::WorkerProcess& worker) {
  const Value id(worker.id());
  const auto tell = [this, id](const char* event) { primary_->send(news_of(id, event)); };
  primary_->send(news_of(id, "fork").set("pid", worker.pid()));
  if (worker.is_online()) tell("online");
  for (const cluster::Listening& where : worker.listening()) primary_->send(listening(id, where));
  worker.on_online([tell] { tell("online"); });
  worker.on_listening([this, id](const cluster::Listening& where) { primary_->send(listening(id, where)); });
  worker.on_disconnect([tell] { tell("disconnect"); });
  worker.on_exit([this, id, &worker](const ExitStatus& status) {
    primary_->send(news_of(id, "exit")
                       .set("code", status.code() ? Value(*status.code()) : Value(nullptr))
                       .set("signal", status.signal() ? Value(signal_name(*status.signal())) : Value(nullptr))
                       .set("exitedAfterDisconnect", worker.exited_after_disconnect()));
  });
}

void WorkerMessages::introduce_all() {
  loss_told_ = false;
  for (const auto& [id, worker] : workers_) {
    if (!worker->is_dead()) introduce(*worker);
  }
}

cluster::WorkerProcess* WorkerMessages::find(const Value& id) const {
  const auto number = id.get_if_integer();
  const auto found = number ? workers_.find(static_cast<std::uint32_t>(*number)) : workers_.end();
  return found == workers_.end() ? nullptr : found->second;
}

void WorkerMessages::send(const Value& order) {
  if (cluster::WorkerProcess* worker = find(order["id"])) send_to(*worker, order["message"]);
}

void WorkerMessages::take(cluster::WorkerProcess& from, const Message& message) {
  if (primary_ != nullptr && !message.has_handle()) {
    if (primary_->send(news_of(from.id(), "message").set("message", message.value()))) return;
    if (!std::exchange(loss_told_, true)) notice_("messages to the primary are lost until it runs again");
    return;
  }
  // The supervisor's.
  if (message.value() == Value("ready")) return;
  const auto recipients = exchange_.recipients(from.id(), message.value());
  if (!recipients || message.has_handle()) return tell_once(from, message);
  for (const std::uint32_t id : *recipients) {
    // Whoever has not spoken yet may never read.
    if (workers_.at(id)->is_online()) send_to(*workers_.at(id), message.value());
  }
}

void WorkerMessages::tell_once(const cluster::WorkerProcess& from, const Message& message) {
  const std::string kind = message.has_handle() ? "with a handle" : Exchange::kind_of(message.value());
  if (told_.size() >= most_kinds || !told_.insert(kind).second) return;
  notice_("worker " + std::to_string(from.slot()) + " (pid " + std::to_string(from.pid()) +
          ") sends messages to the primary, and nobody takes them" + (kind.empty() ? "" : ": " + kind) +
          "; --primary FILE.js names a program that does" + advice_on(message.value()));
}

}  // namespace baton::cli
