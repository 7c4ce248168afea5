#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/server.h"
#include "baton/loop/timer.h"
#include "http/address_counts.h"
#include "http/response_head.h"
#include "loop/slot.h"

namespace baton::http {

class Connection;

// What the connections of one server share, and the list of them.
class ServerCore : public std::enable_shared_from_this<ServerCore> {
 public:
  ServerCore(Loop& loop, Handler handler, const Options& options);
  ~ServerCore();
  ServerCore(const ServerCore&) = delete;
  ServerCore& operator=(const ServerCore&) = delete;

  void listen_on(net::Server listener);
  void adopt(net::Socket socket);
  Op<> drain(std::chrono::nanoseconds time);
  Op<> retire(std::chrono::milliseconds grace);
  void close() noexcept;

  void on_check_continue(Handler handler) { on_check_continue_ = std::move(handler); }
  void on_check_expectation(Handler handler) { on_check_expectation_ = std::move(handler); }
  void on_upgrade(UpgradeHandler handler) { on_upgrade_.set(std::move(handler)); }
  void on_connect(UpgradeHandler handler) { on_connect_.set(std::move(handler)); }
  void on_error(std::move_only_function<void(const Error&)> callback) { on_error_.set(std::move(callback)); }

  [[nodiscard]] net::Endpoint local() const;
  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

  // For connections.
  [[nodiscard]] Loop& loop() const noexcept { return loop_; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  /// How long a connection may be idle between two requests; 0: no limit.
  [[nodiscard]] std::chrono::milliseconds idle_limit() const noexcept { return idle_limit_; }
  [[nodiscard]] unsigned keep_alive_seconds() const noexcept { return keep_alive_seconds_; }
  [[nodiscard]] std::string_view date_line();
  [[nodiscard]] std::size_t most_headers() const noexcept;
  void handle(Request& request, Response& response) { handler_(request, response); }
  [[nodiscard]] bool checks_continue() const noexcept { return static_cast<bool>(on_check_continue_); }
  void check_continue(Request& request, Response& response) { on_check_continue_(request, response); }
  // False if nobody does.
  [[nodiscard]] bool check_expectation(Request& request, Response& response) {
    if (on_check_expectation_) on_check_expectation_(request, response);
    return static_cast<bool>(on_check_expectation_);
  }
  using UpgradeHook = Slot<Request&, net::Socket, std::string>;
  [[nodiscard]] UpgradeHook& upgrade_hook() noexcept { return on_upgrade_; }
  [[nodiscard]] UpgradeHook& connect_hook() noexcept { return on_connect_; }
  // Tells who listens, later.
  void report(const Error& error);
  void remove(Connection& connection);

 private:
  template <class Body>
  void guarded(Body&& body);
  Op<> stop_accepting();
  void start_sweep();
  void sweep();
  void connection_ended();

  Loop& loop_;
  Handler handler_;
  Handler on_check_continue_, on_check_expectation_;
  UpgradeHook on_upgrade_, on_connect_;
  Slot<const Error&> on_error_;
  const Options options_;
  const unsigned keep_alive_seconds_;
  std::chrono::milliseconds idle_limit_;
  std::chrono::milliseconds sweep_interval_;
  net::Server listener_;
  std::vector<std::shared_ptr<Connection>> connections_;
  AddressCounts addresses_;  // empty without a limit
  DateLine date_;
  Timer sweep_timer_;
  Timer drain_timer_;
  std::optional<std::chrono::milliseconds> drain_deadline_;
  std::vector<Promise<>> drains_;
  bool draining_ = false;
  bool full_ = false;
};

}  // namespace baton::http
