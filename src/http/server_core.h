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
#include "loop/next_turn.h"
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

  void on_check_continue(Handler handler) { set(on_check_continue_, std::move(handler)); }
  void on_check_expectation(Handler handler) { set(on_check_expectation_, std::move(handler)); }
  void on_upgrade(UpgradeHandler handler) { set(on_upgrade_, std::move(handler)); }
  void on_connect(UpgradeHandler handler) { set(on_connect_, std::move(handler)); }
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
  // Whoever calls one keeps it until it has returned, and its task has ended. Null: there is none.
  using SharedHandler = std::shared_ptr<Handler>;
  using SharedUpgradeHandler = std::shared_ptr<UpgradeHandler>;
  [[nodiscard]] const SharedHandler& handler() const noexcept { return handler_; }
  [[nodiscard]] const SharedHandler& check_continue() const noexcept { return on_check_continue_; }
  [[nodiscard]] const SharedHandler& check_expectation() const noexcept { return on_check_expectation_; }
  [[nodiscard]] const SharedUpgradeHandler& upgrade_hook() const noexcept { return on_upgrade_; }
  [[nodiscard]] const SharedUpgradeHandler& connect_hook() const noexcept { return on_connect_; }
  // Tells who listens, later.
  void report(const Error& error);
  [[nodiscard]] bool reports() const noexcept { return static_cast<bool>(on_error_); }
  void remove(Connection& connection);
  // Its `go_on` is called in the next turn of the loop.
  void next_turn(const std::shared_ptr<Connection>& connection);

 private:
  void replace_oldest();
  void ask_for_turn();
  void begin_turn();
  template <class H>
  static void set(std::shared_ptr<H>& place, H handler) {
    place = handler ? std::make_shared<H>(std::move(handler)) : nullptr;
  }
  Op<> stop_accepting();
  void start_sweep();
  void sweep();
  void connection_ended();

  Loop& loop_;
  SharedHandler handler_, on_check_continue_, on_check_expectation_;
  SharedUpgradeHandler on_upgrade_, on_connect_;
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
  NextTurn turn_;
  std::vector<std::weak_ptr<Connection>> wait_for_turn_;
  Timer drain_timer_;
  std::optional<std::chrono::milliseconds> drain_deadline_;
  std::vector<Promise<>> drains_;
  bool draining_ = false;
  bool full_ = false;
  bool replaced_ = false;  // in this turn
};

}  // namespace baton::http
