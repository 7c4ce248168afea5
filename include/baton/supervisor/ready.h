#pragma once

#include <optional>
#include <string>
#include <utility>

#include "baton/net/endpoint.h"

namespace baton::supervisor {

/// What counts as being ready. Whatever it is, a worker that is ready stays so.
enum class Ready {
  any,     ///< the first of READY=1, the cluster's 'listening' and the message "ready". Without any of them a
           ///< worker is ready that has lived for `Options::listen_timeout` (with `Options::listen`:
           ///< `min_uptime`), unless an earlier one of its slot was ready by something better, or, if its
           ///< slot had none, most others were. Who was seen to listen by itself is followed by one
           ///< that is ready when it does so too.
  notify,  ///< READY=1 on NOTIFY_SOCKET alone
  listening,  ///< the cluster's 'listening' alone
  message,    ///< the message "ready" on the channel alone: `process.send('ready')`
  alive,      ///< it has lived for `Options::min_uptime`
  probe,      ///< somebody answers: see `ReadyProbe`
};

/// Where a worker is asked, every 250 ms, until somebody answers there: who has just started, if nobody else
/// can have that address.
class ReadyProbe {
 public:
  /// A connection that is accepted.
  [[nodiscard]] static ReadyProbe tcp(net::Endpoint where) { return ReadyProbe(std::move(where), "", ""); }
  /// GET of `path` that is answered with a status of 200 to 399. `host` is what the Host header says.
  [[nodiscard]] static ReadyProbe http(net::Endpoint where, std::string host, std::string path) {
    return ReadyProbe(std::move(where), std::move(host), std::move(path));
  }

  /// @{
  /// What was set; no `path`: tcp.
  [[nodiscard]] const net::Endpoint& where() const noexcept { return where_; }
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// @}

 private:
  ReadyProbe(net::Endpoint where, std::string host, std::string path)
      : where_(std::move(where)), host_(std::move(host)), path_(std::move(path)) {}
  net::Endpoint where_;
  std::string host_;
  std::string path_;
};

/// Which workers are started again that end by themselves. Who hangs, is never ready or cannot be started has
/// failed.
enum class Restart {
  always,
  on_failure,  ///< all but those that exit with 0
  never,
};

/// How a worker is replaced that is still there.
enum class Reload {
  automatic,   ///< `stop_first` for who listens by itself on what another one could not have too (as /proc
               ///< shows it), else `overlap`
  overlap,     ///< the new one is started and seen ready, then the old one is told to stop
  stop_first,  ///< the old one is told to stop; when nothing of it is left, the new one is started
};

}  // namespace baton::supervisor
