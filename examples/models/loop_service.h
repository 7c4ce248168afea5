#pragma once

// The service over an event loop: one thread holds all connections, and does for each what there is to do at
// the moment. To wait is a timer, during which the loop serves others.

#include <chrono>
#include <list>
#include <string_view>
#include <utility>

#include "baton/baton.h"
#include "models/service.h"

namespace models {

class LoopService {
 public:
  LoopService(baton::net::Server listener, std::chrono::milliseconds wait)
      : listener_(std::move(listener)), wait_(wait) {
    listener_.on_connection([this](baton::net::Socket socket) { begin(std::move(socket)); });
  }

 private:
  struct Connection {
    baton::net::Socket socket;
    Request request;
    baton::Timer waits;
  };

  void begin(baton::net::Socket socket) {
    const auto connection = connections_.emplace(connections_.end());
    connection->socket = std::move(socket);
    connection->socket.on_data([this, connection](std::string_view bytes) {
      if (!connection->request.add(bytes)) {
        connections_.erase(connection);
      } else if (connection->request.complete()) {
        reply(*connection);
      }
    });
    connection->socket.on_error([](const baton::Error&) {});  // the client has gone
    connection->socket.on_close([this, connection] { connections_.erase(connection); });
  }

  void reply(Connection& connection) {
    if (wait_.count() == 0) return finish(connection);
    connection.waits = baton::Timer(connection.socket.loop(), wait_, [&connection] { finish(connection); });
  }

  static void finish(Connection& connection) {
    if (connection.request.is_last()) {
      connection.socket.end(answer);
    } else {
      connection.socket.write_through(answer);
    }
    connection.request.clear();
  }

  baton::net::Server listener_;
  std::chrono::milliseconds wait_;
  std::list<Connection> connections_;
};

}  // namespace models
