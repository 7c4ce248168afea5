#pragma once

#include "baton/http/server.h"
#include "baton/loop/loop.h"
#include "baton/net/endpoint.h"
#include "baton/supervisor/supervisor.h"
#include "cli/metrics.h"

namespace baton::cli {

// The endpoint of --admin: /livez, /readyz, /status and /metrics.
class Admin {
 public:
  // Listens; throws the Error of it. Both must outlive this.
  Admin(Loop& loop, const net::Endpoint& endpoint, const supervisor::Supervisor& service,
        const Figures& figures);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  // Removes the file of a Unix-domain socket.
  ~Admin();

  [[nodiscard]] net::Endpoint local() const { return server_.local(); }

 private:
  void answer(const http::Request& request, http::Response& response) const;
  void say_ready(http::Response& response) const;

  const supervisor::Supervisor& service_;
  const Figures& figures_;
  http::Server server_;
};

}  // namespace baton::cli
