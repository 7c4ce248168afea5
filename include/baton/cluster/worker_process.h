#pragma once

#include <signal.h>
#include <sys/types.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "baton/cluster/listening.h"
#include "baton/ipc/channel.h"
#include "baton/process/forked_child.h"

namespace baton::cluster {

/// A worker as its primary sees it; mirrors Node's `cluster.Worker` there. It belongs to the `Primary` that
/// forked it. A reference that is kept stays good after the worker's end, as long as the Primary and until
/// 1,024 others have ended after it: `send` then says Errc::disconnected, `pid()`, `status()` and the like
/// answer. In the tick after `on_close` its callbacks are cut.
///
/// Events come in the order online, listening, disconnect and exit (in either order), close. What the worker
/// had sent before its end comes before those three.
class WorkerProcess {
 public:
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// 1, 2, ...: a new one for each worker that is forked, told to it as NODE_UNIQUE_ID.
  [[nodiscard]] uint32_t id() const noexcept;
  /// The place that it holds; see `WorkerOptions::slot`.
  [[nodiscard]] uint32_t slot() const noexcept;
  /// The process, for its streams and for signals; its channel's messages come here instead. Mirrors
  /// `worker.process`.
  [[nodiscard]] ForkedChild& process() noexcept;
  /// The number of the process. Mirrors `worker.process.pid`.
  [[nodiscard]] pid_t pid() const;
  /// How it ended; nothing while it runs.
  [[nodiscard]] const std::optional<ExitStatus>& status() const;

  /// @{
  /// Sends a message, perhaps with a handle, as `Channel::send` does.
  Channel::Sent send(const Value& message);
  Channel::Sent send(const Value& message, const net::Server& server);
  Channel::Sent send(const Value& message, net::Socket socket);
  /// @}
  /// A struct without BATON_FIELDS (`wire/payload.h`) is no message: does not compile.
  template <class T, class... Handle>
    requires(!std::convertible_to<const T&, Value>)
  Channel::Sent send(const T& /*message*/, Handle&&... /*handle*/) {
    detail::refuse_message<T>();
  }

  /// @{
  /// A message that wants an answer, and who answers those of the worker: `Channel::request` and
  /// `Channel::on_request`.
  [[nodiscard]] Op<Value> request(const Value& message);
  template <class T>
    requires(!std::convertible_to<const T&, Value>)
  Op<Value> request(const T& /*message*/) {
    detail::refuse_message<T>();
  }
  void on_request(Answer answer);
  /// @}

  /// Tells the worker to leave: it gets no more connections, closes its listeners, finishes what it has,
  /// closes its end of the channel, and ends when it has nothing left to do. There is no deadline. Only says
  /// so to a program outside the cluster protocol. Mirrors `worker.disconnect()`.
  void disconnect();
  /// The same, for a program that may have its own way to end: it gets the signal first, if it handles it or
  /// if `always`, and `on_signalled` tells that. A Node program with the preload module of `baton run` gets
  /// it when its servers drain, so that `server.close()` in its handler loses no request, and is waited for
  /// so long as its handlers run, at most a second. Whether Node handles a signal for its program only that
  /// module knows: without it such a program gets it only if `always`.
  void disconnect(int signal_number, bool always = false);
  /// Sends a signal; false if the process has ended. Mirrors `worker.kill()`.
  bool kill(int signal_number = SIGTERM);

  /// Whether messages reach it. Mirrors `worker.isConnected()`.
  [[nodiscard]] bool is_connected() const noexcept;
  /// Whether the process has ended. Mirrors `worker.isDead()`.
  [[nodiscard]] bool is_dead() const noexcept;
  /// It was told to leave, or said that it leaves: its end is no accident. Mirrors
  /// `worker.exitedAfterDisconnect`.
  [[nodiscard]] bool exited_after_disconnect() const noexcept;
  /// It has said that it runs, and who said so has not ended; that is the first thing that a worker of Node
  /// or Baton says.
  [[nodiscard]] bool is_online() const noexcept;
  /// Where it has said that it listens; the last `most_listening` places, if it names more. Nothing once it
  /// is gone.
  [[nodiscard]] const std::vector<Listening>& listening() const noexcept;
  /// Of a worker that names more the first ones are forgotten, which is reported once.
  static constexpr std::size_t most_listening = 256;
  /// So many bytes their paths have together: with more, too, the first ones are forgotten.
  static constexpr std::size_t most_listening_text = std::size_t{64} << 10;

  /// How many connections it has open: what it last reported (Baton's workers do, and Node's with the preload
  /// module of `baton run`) and what it was handed since. Nothing if it never reported.
  [[nodiscard]] std::optional<uint64_t> connections() const noexcept;
  /// How late its event loop ran last, in milliseconds; nothing if it never reported.
  [[nodiscard]] std::optional<double> lag() const noexcept;
  /// How many connections it has accepted out of the primary's hands.
  [[nodiscard]] uint64_t accepted() const noexcept;
  /// How many were handed to it that it has not answered yet.
  [[nodiscard]] std::size_t in_flight() const noexcept;

  /// Its first word. Mirrors 'online'.
  void on_online(Handler<> callback);
  /// It listens; for each listener. Mirrors 'listening'.
  void on_listening(Handler<const Listening&> callback);
  /// It got the signal of `disconnect(signal)`, once: another one might make it drop what it has.
  void on_signalled(Handler<> callback);
  /// Its end of the channel has ended, once. Mirrors 'disconnect'.
  void on_disconnect(Handler<> callback);
  /// The process has ended, once. Mirrors 'exit'.
  void on_exit(Handler<const ExitStatus&> callback);
  /// The process has ended, its channel is closed, its streams that are being read have ended, and the
  /// connections that it had not accepted have gone to others or wait for them; once, and last.
  void on_close(Handler<const ExitStatus&> callback);
  /// Each message for the program. What comes while nobody listens is dropped, as in Node. Mirrors 'message'.
  void on_message(Handler<Message> callback);
  /// What was wrong with what it sent, and failures that nobody waits for; without it and without
  /// `Primary::on_error`, one line on standard error each. Mirrors 'error'.
  void on_error(Handler<const Error&> callback);

 private:
  friend class Primary;
  struct State;
  explicit WorkerProcess(State& state) noexcept : state_(state) {}

  State& state_;
};

}  // namespace baton::cluster
