#include "cli/worker_messages.h"

#include <algorithm>
#include <memory>

#include "loop/turn.h"
#include "wire/peer_value.h"

namespace baton::cli {
namespace {

// What an app can do without a primary of its own.
std::string advice_on(const Value& message) {
  if (wire::early_member(message, "topic") != Value("log4js:message")) return "";
  return "; in log4js's configuration `pm2: true` has worker 1 write them for all, `disableClustering: true` "
         "each for itself";
}

constexpr std::size_t written_at_once = std::size_t{32} << 10;

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
void WorkerMessages::send_to(cluster::WorkerProcess& worker, const Written& message) {
  const wire::WrittenMessage* written = message.in(worker.process().serialization());
  if (!worker.is_connected() || written == nullptr) return;
  Unread& unread = unread_[worker.id()];
  if (unread.full()) {
    if (std::exchange(deaf_told_, true)) return;
    return notice_("worker " + std::to_string(worker.slot()) + " (pid " + std::to_string(worker.pid()) +
                   ") does not read its messages; what it is sent meanwhile is lost");
  }
  auto sent = worker.process().send_written(*written);
  if (sent.error() == nullptr) std::move(sent).then(unread.add(written->size()));
}

WorkerMessages::Written WorkerMessages::write(const Value& message, Wanted wanted) {
  Written written;
  const auto put = [&](Serialization how, std::optional<wire::WrittenMessage>& place) {
    if (auto one = wire::WrittenMessage::of(how, message)) place = std::move(*one);
  };
  if (wanted.json) put(Serialization::json, written.json);
  if (wanted.advanced) put(Serialization::advanced, written.advanced);
  return written;
}

// A large one is written beside the loop, and given to so many a turn as there is time for. What its sender
// says next comes after it.
void WorkerMessages::pass_on(Loop& loop, std::uint32_t from, Value message, Wanted wanted, std::size_t count,
                             Give give) {
  if (wire::is_short(message, written_at_once)) {
    const Written written = write(message, wanted);
    for (std::size_t i = 0; i < count; ++i) give(written, i);
    return;
  }
  hold(from, true);
  const auto written = std::make_shared<Written>();
  auto job = [written, wanted, message = std::move(message)]() mutable {
    const Value here = std::move(message);
    *written = write(here, wanted);
  };
  Large& large = large_[from];
  large = Large{.written = written, .count = count, .give = std::move(give)};
  large.turn = NextTurn(loop, [this, from] { go_on(from); });
  large.work = Work(loop, std::move(job), [this, from] { go_on(from); });
}

void WorkerMessages::go_on(std::uint32_t from) {
  const auto until = Turn::Clock::now() + Turn::share;
  Large& large = large_.at(from);
  while (large.next < large.count) {
    large.give(*large.written, large.next++);
    if (large.next < large.count && Turn::Clock::now() >= until) return large.turn.ask();
  }
  const auto over = large_.extract(from);
  hold(from, false);
}

void WorkerMessages::hold(std::uint32_t from, bool on) {
  if (from == the_primary) return primary_->pause(on);
  const auto worker = workers_.find(from);
  if (worker != workers_.end()) worker->second->process().hold(on);
}

void WorkerMessages::follow(cluster::WorkerProcess& worker) {
  const std::uint32_t id = worker.id();
  workers_[id] = &worker;
  exchange_.joined(id, worker.slot());
  worker.on_message([this, &worker](Message message) { take(worker, message); });
  if (primary_ != nullptr) introduce(worker);
  worker.on_close([this, id](const ExitStatus&) {
    workers_.erase(id);
    unread_.erase(id);
    exchange_.left(id);
  });
}

void WorkerMessages::service_is_over() {
  if (large_.contains(the_primary)) hold(the_primary, false);
  large_.clear();
  unread_.clear();
  workers_.clear();
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

void WorkerMessages::send(Value order) {
  cluster::WorkerProcess* worker = find(order["id"]);
  if (worker == nullptr) return;
  Wanted wanted;
  wanted.add(worker->process().serialization());
  pass_on(worker->process().loop(), the_primary, order.take("message"), wanted, 1,
          [this, id = order["id"]](const Written& written, std::size_t) {
            if (cluster::WorkerProcess* to = find(id)) send_to(*to, written);
          });
}

void WorkerMessages::take(cluster::WorkerProcess& from, Message& message) {
  Loop& loop = from.process().loop();
  Wanted wanted;
  if (primary_ != nullptr && !message.has_handle()) {
    wanted.add(primary_->serialization());
    Value news = news_of(from.id(), "message").set("message", message.take_value());
    return pass_on(loop, from.id(), std::move(news), wanted, 1, [this](const Written& written, std::size_t) {
      const wire::WrittenMessage* one = written.in(primary_->serialization());
      if (one != nullptr && primary_->send(*one)) return;
      if (!std::exchange(loss_told_, true)) notice_("messages to the primary are lost until it runs again");
    });
  }
  // The supervisor's.
  if (message.value() == Value("ready")) return;
  auto recipients = exchange_.recipients(from.id(), message.value());
  if (!recipients || message.has_handle()) return tell_once(from, message);
  for (const std::uint32_t id : *recipients) wanted.add(workers_.at(id)->process().serialization());
  const std::size_t count = recipients->size();
  pass_on(loop, from.id(), message.take_value(), wanted, count,
          [this, to = std::move(*recipients)](const Written& written, std::size_t number) {
            const auto recipient = workers_.find(to[number]);
            // Whoever has not spoken yet may never read.
            if (recipient != workers_.end() && recipient->second->is_online())
              send_to(*recipient->second, written);
          });
}

void WorkerMessages::tell_once(const cluster::WorkerProcess& from, const Message& message) {
  const std::string kind = message.has_handle() ? "with a handle" : Exchange::kind_of(message.value());
  if (told_.size() >= most_kinds || !told_.insert(kind).second) return;
  notice_("worker " + std::to_string(from.slot()) + " (pid " + std::to_string(from.pid()) +
          ") sends messages to the primary, and nobody takes them" + (kind.empty() ? "" : ": " + kind) +
          "; --primary FILE.js names a program that does" + advice_on(message.value()));
}

}  // namespace baton::cli
