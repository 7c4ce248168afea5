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
#include "cli/log.h"
#include "cli/metrics.h"
#include "cli/open_metrics.h"
#include "net/socket_file.h"
#include "spawn/look_linux.h"
#include "supervisor/usage_looks.h"

namespace baton::cli {

// The endpoint of --admin: /livez, /readyz, /status and /metrics, and on a Unix-domain socket orders.
class Admin {
 public:
  // Listens, and says so in the log; throws the Error of it. All must outlive this. The file of a Unix-domain
  // socket is only this user's, is made anew if somebody removes it, and goes with this.
  Admin(Loop& loop, const net::Endpoint& endpoint, supervisor::Supervisor& service, const Figures& figures,
        std::string name, Log& log);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

 private:
  // A text that costs something to make, which is done once a second at most, or when something has happened.
  struct Text {
    std::string_view type;
    supervisor::UsageLooks looks;
    std::string text = {};
    std::uint64_t events = 0;
    std::chrono::milliseconds made{-1000};
    std::vector<http::Response*> waiting = {};
  };
  struct Readiness {
    std::string text = {};
    std::uint64_t events = 0;
    std::chrono::milliseconds made{-1000};
  };
  [[nodiscard]] http::Server serve(net::Server listener);
  void look_at_file(const net::Endpoint& endpoint);
  void lost_file(const Error& why);
  void has_file();
  void answer(const http::Request& request, http::Response& response);
  void say_ready(http::Response& response);
  // Empty: it is.
  [[nodiscard]] std::string why_not_ready() const;
  void obey(const http::Request& request, http::Response& response);
  [[nodiscard]] bool is_fresh(const Text& text) const;
  void answer_when_measured(Text& text, http::Response& response);
  [[nodiscard]] std::string status_of(const std::vector<supervisor::Usage>& all) const;
  [[nodiscard]] std::string metrics_of(std::vector<supervisor::Usage> all) const;

  Loop& loop_;
  supervisor::Supervisor& service_;
  const Figures& figures_;
  const std::string name_;
  Log& log_;
  const std::chrono::milliseconds began_;
  const bool takes_orders_;  // who may reach its socket may send signals too
  Text metrics_{OpenMetrics::content_type, {loop_, supervisor::Usage::of}};
  Text status_{"application/json", {loop_, supervisor::Usage::brief}};
  Readiness ready_;
  http::Server former_;
  http::Server server_;
  net::SocketFile file_;  // goes before the socket
  bool file_lost_ = false;
  spawner::Lane file_lane_;
  spawner::Look file_look_;
  Timer looking_;
};

}  // namespace baton::cli
