// A chat over TCP: four workers behind port 7000. What a client says in a line, all clients of all workers
// read.

#include <list>

#include "baton/baton.h"

baton::Task<> primary(baton::Process& self) {
  baton::cluster::Primary cluster(self);
  cluster.on_message([&](auto& /*from*/, baton::Message& line) {
    for (auto* worker : cluster.workers()) worker->send(line.value());
  });
  for (int i = 0; i < 4; ++i) cluster.fork();
  co_await cluster.ended();
}

baton::Task<> worker(baton::Process& self) {
  baton::cluster::Worker cluster(self);
  std::list<baton::net::Socket> clients;
  self.parent().on_message([&](const baton::Message& line) {
    for (auto& client : clients) client.write(line.value().as_string());
  });
  auto listener = co_await cluster.listen(7000);
  listener.on_connection([&](baton::net::Socket socket) {
    const auto client = clients.insert(clients.end(), std::move(socket));
    client->on_data([&self, text = std::string()](std::string_view piece) mutable {
      text += piece;
      const auto end = text.rfind('\n') + 1;
      if (end > 0) self.parent().send(text.substr(0, end));
      text.erase(0, end);
    });
    client->on_close([&clients, client] { clients.erase(client); });
  });
  co_await cluster.left();
}

int main(int argc, char** argv) { return baton::run(argc, argv, {{"primary", primary}, {"worker", worker}}); }
