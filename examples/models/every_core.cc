// Events on every core: a worker for each, which is the model `events`, and a primary that listens and hands
// each of them the one listening socket. Who is free accepts. It is what Node's cluster is for.

#include <chrono>
#include <csignal>
#include <utility>

#include "models/loop_service.h"
#include "models/messages.h"
#include "models/models.h"

namespace models {

baton::Task<> every_core(baton::Process& self) {
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, [&self](int) { self.exit(0); });
  const auto message = co_await self.parent().next_message();
  if (!message) co_return;
  const auto listener = baton::net::listen(self.loop(), baton::net::Endpoint("127.0.0.1", 0));
  const Listening listening{.port = listener.local().port()};
  const auto how = baton::ForkOptions().spawn(
      baton::SpawnOptions().stdio(baton::Stdio::inherit()).parent_death_signal(SIGTERM));
  for (unsigned left = baton::available_parallelism(); left > 0; --left) {
    baton::ForkedChild& worker = self.fork(worker_entry, how);
    worker.send(message->value(), listener);
    const auto ready = co_await worker.next_message();
    if (!ready) throw baton::Error(baton::Errc::disconnected, "start a worker");
  }
  self.parent().send(listening);
  co_await self.parent().disconnected();
  self.exit(0);
}

baton::Task<> every_core_worker(baton::Process& self) {
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, [&self](int) { self.exit(0); });
  auto message = co_await self.parent().next_message();
  if (!message) co_return;
  const Order order = message->as<Order>().value();
  const LoopService service(message->take<baton::net::Server>(), std::chrono::milliseconds(order.wait_ms));
  self.parent().send("ready");
  co_await self.parent().disconnected();
  self.exit(0);
}

}  // namespace models
