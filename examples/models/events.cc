// Events: one process, one thread, one loop. A connection is little more than a KiB of memory, and no lock is
// needed, as nothing happens at the same time. It uses one core.

#include <chrono>
#include <csignal>

#include "models/loop_service.h"
#include "models/messages.h"
#include "models/models.h"

namespace models {

baton::Task<> events(baton::Process& self) {
  const baton::SignalWatcher interrupt(self.loop(), SIGINT, [](int) {});
  const baton::SignalWatcher terminate(self.loop(), SIGTERM, [&self](int) { self.exit(0); });
  const auto message = co_await self.parent().next_message();
  if (!message) co_return;
  const Order order = message->as<Order>().value();
  auto listener = baton::net::listen(self.loop(), baton::net::Endpoint("127.0.0.1", 0));
  const Listening listening{.port = listener.local().port()};
  const LoopService service(std::move(listener), std::chrono::milliseconds(order.wait_ms));
  self.parent().send(listening);
  co_await self.parent().disconnected();
  self.exit(0);
}

}  // namespace models
