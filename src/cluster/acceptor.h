#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "baton/base/error.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "baton/net/native.h"
#include "loop/poll.h"
#include "net/accept.h"

namespace baton::cluster {

/// Accepts from a listening socket of the primary, as long as somebody has room. The descriptor stays its
/// owner's.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  /// A connection, and the client's address without port if that was asked for; empty for a Unix-domain
  /// socket.
  using Take = std::move_only_function<void(net::Native connection, std::string_view client)>;

  Acceptor(Loop& loop, int descriptor, net::Holders holders, bool with_client);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// Whether one more may be accepted now; asked before each.
  void on_room(std::move_only_function<bool()> callback) { room_ = std::move(callback); }
  void on_connection(Take callback) { take_ = std::move(callback); }
  /// At most once a second.
  void on_error(std::move_only_function<void(const Error&)> callback) { error_ = std::move(callback); }

  /// Begins to accept, and ends it; this may come from within any of the callbacks.
  void want(bool on);
  /// No callback is called any more, and the descriptor may be closed.
  void close() noexcept;

 private:
  void update();
  void accept();
  bool accept_one();
  void fail(int error, bool over);

  Loop& loop_;
  int descriptor_;
  DescriptorKind accepted_kind_;
  net::Holders holders_;
  bool with_client_;
  bool wanted_ = false;
  bool closed_ = false;
  bool given_up_ = false;
  std::move_only_function<bool()> room_;
  Take take_;
  std::move_only_function<void(const Error&)> error_;
  Poll poll_;
  net::AcceptFailures failures_;
  Timer pause_;
  std::chrono::milliseconds last_report_;
};

}  // namespace baton::cluster
