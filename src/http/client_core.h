#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "baton/http/client_options.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "baton/net/socket.h"

namespace baton::http {

class Exchange;

// The connections of one client: those that wait for work, and how many there are to each place.
class ClientCore {
 public:
  // `keeps`: whether connections are used again at all.
  ClientCore(Loop& loop, const ClientOptions& options, bool keeps);
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  [[nodiscard]] Loop& loop() const noexcept { return loop_; }
  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }
  [[nodiscard]] bool keeps() const noexcept { return keeps_; }
  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }

  // Of a request that is asked for now.
  [[nodiscard]] std::uint64_t number() noexcept { return ++asked_; }
  // `exchange` gets a connection (`use_again`), the right to make one (`connect`), or waits. Whoever gets one
  // gives its place back by `keep` or `gone`.
  void want(const std::shared_ptr<Exchange>& exchange);
  // It waits no longer.
  void forget(const Exchange& exchange);
  // A connection that can be used again, for so long.
  void keep(const std::string& origin, net::Socket socket, std::chrono::milliseconds time);
  void gone(const std::string& origin);
  // The client is gone: nothing is kept any more.
  void close() noexcept;

 private:
  struct Idle {
    net::Socket socket;
    Timer timer;
  };
  struct Origin {
    std::size_t open = 0;
    std::list<Idle> idle;                                      // the one that was used last is the last
    std::map<std::uint64_t, std::weak_ptr<Exchange>> waiting;  // in the order in which they were asked for
  };
  using Place = std::map<std::string, Origin>::iterator;

  [[nodiscard]] std::optional<net::Socket> take_idle(Origin& origin);
  void lose(const std::string& origin, std::list<Idle>::iterator which);
  void freed(Place place);
  void count(Origin& origin, int change) noexcept;

  Loop& loop_;
  const ClientOptions options_;
  bool keeps_;
  std::size_t connections_ = 0;
  std::uint64_t asked_ = 0;
  std::map<std::string, Origin> origins_;
};

}  // namespace baton::http
