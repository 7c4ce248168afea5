#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "baton/http/server.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "baton/net/endpoint.h"
#include "baton/supervisor/supervisor.h"
#include "cli/metrics.h"
#include "loop/work.h"
#include "net/socket_file.h"

namespace baton::cli {

// The endpoint of --admin: /livez, /readyz, /status and /metrics, and on a Unix-domain socket orders.
class Admin {
 public:
  // Listens; throws the Error of it. Both must outlive this. The file of a Unix-domain socket is only this
  // user's, is made anew if somebody removes it, and goes with this.
  Admin(Loop& loop, const net::Endpoint& endpoint, supervisor::Supervisor& service, const Figures& figures,
        std::string name);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  [[nodiscard]] net::Endpoint local() const { return server_.local(); }

 private:
  // A text that costs something to make, which is done once a second at most, or when something has happened.
  struct Text {
    std::string text;
    std::uint64_t events = 0;
    std::chrono::milliseconds made{-1000};
  };
  [[nodiscard]] http::Server serve(const net::Endpoint& endpoint);
  void look_at_file(const net::Endpoint& endpoint);
  void answer(const http::Request& request, http::Response& response);
  void say_ready(http::Response& response) const;
  void obey(const http::Request& request, http::Response& response);
  [[nodiscard]] bool is_fresh(const Text& text) const;
  void renew(Text& text, std::string with) const;
  void measure();

  Loop& loop_;
  supervisor::Supervisor& service_;
  const Figures& figures_;
  const std::string name_;
  const std::chrono::milliseconds began_;
  const bool takes_orders_;  // who may reach its socket may send signals too
  Text metrics_;
  Text status_;
  std::vector<http::Response*> waiting_;  // for the metrics
  Work measuring_;
  http::Server former_;
  http::Server server_;
  net::SocketFile file_;  // goes before the socket
  Timer looking_;
};

}  // namespace baton::cli
