#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/error.h"
#include "baton/wire/value.h"
#include "sim/coverage.h"
#include "sim/model_kernel.h"
#include "sim/random.h"

namespace baton::sim {

/// A message of a run, whoever sent it: 0, 1, 2 ...
using MessageId = std::uint32_t;
enum class Cargo : std::uint8_t { nothing, connection, listener, datagram };

/// Its type on the wire.
constexpr std::string_view type_of(Cargo cargo) {
  if (cargo == Cargo::connection) return "net.Socket";
  return cargo == Cargo::listener ? "net.Server" : "dgram.Socket";
}

class Peer;

/// The program above the ends: what they tell it. It knows more than any of them.
class Story {
 public:
  virtual ~Story() = default;

  /// A message has arrived; the descriptor (-1: none) is the program's now.
  virtual void delivered(Peer& at, const Value& message, int descriptor, bool keyed) = 0;
  /// The handle of a message that was sent from here was acknowledged, and our copy is closed.
  virtual void taken(Peer& from, MessageId message) = 0;
  /// It was not, and is the program's again.
  virtual void returned(Peer& from, MessageId message, int descriptor) = 0;
  /// Of a connection that was taken a copy stays here, for a while, and nobody will act on it.
  virtual void keeps_a_copy(Peer& at, int descriptor, bool keeps) = 0;
  /// The message will come back, and never left.
  virtual void withdrawn(MessageId message) = 0;
  /// The message will be offered again, behind others.
  virtual void overtaken(MessageId message) = 0;
  virtual void settled(MessageId message, bool well) = 0;
  virtual void ended(Peer& at) = 0;
  virtual void reported(Peer& at, const Error& error) = 0;
  virtual void wrong(std::string what) = 0;

  ModelKernel& kernel() { return *kernel_; }
  Random& random() { return *random_; }
  [[nodiscard]] std::uint64_t now() const { return now_; }

 protected:
  ModelKernel* kernel_ = nullptr;
  Random* random_ = nullptr;
  std::uint64_t now_ = 0;
};

/// What an end can do next. Each is one system call or less, so that it can die after any of them.
enum class Act : std::uint8_t { read, write, deliver, timer, close };
inline constexpr Act acts[] = {Act::read, Act::write, Act::deliver, Act::timer, Act::close};

/// One end of a channel, in a process of its own.
class Peer {
 public:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  Peer(Story& story, Pid pid, int descriptor) : story_(&story), pid_(pid), descriptor_(descriptor) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() = default;

  [[nodiscard]] virtual bool ready(Act act) const = 0;
  virtual void act(Act act) = 0;
  /// When its next timer is due.
  [[nodiscard]] virtual std::uint64_t due() const { return never; }

  /// False: refused, and nothing has happened. A descriptor that is taken is no more the program's.
  virtual bool send(MessageId id, const Value& message, int descriptor, Cargo cargo, bool keyed) = 0;
  virtual void disconnect() = 0;
  virtual void peer_died() {}
  virtual void socket_closed() {}
  virtual void ask() {}
  /// The process is about to be killed: only for what is counted.
  virtual void about_to_die() {}

  [[nodiscard]] virtual bool accepts() const = 0;
  /// Everything that was accepted is sent and settled.
  [[nodiscard]] virtual bool idle() const = 0;
  /// Something of ours may be with a peer that will never answer.
  [[nodiscard]] virtual bool in_doubt() const { return false; }
  /// A question of ours was not answered.
  [[nodiscard]] virtual bool waits() const { return false; }
  /// It loses what it should not, by its nature.
  [[nodiscard]] virtual bool careless() const { return false; }
  /// Gives internal messages past others that its program does not take yet.
  [[nodiscard]] virtual bool internals_overtake() const { return false; }
  /// What grew beyond its bound; empty.
  [[nodiscard]] virtual std::string outgrown() const { return {}; }

  [[nodiscard]] Pid pid() const { return pid_; }
  [[nodiscard]] bool open() const { return descriptor_ >= 0; }
  [[nodiscard]] bool running() { return kernel().runnable(pid_); }
  [[nodiscard]] bool alive() { return kernel().alive(pid_); }

 protected:
  [[nodiscard]] Story& story() const { return *story_; }
  [[nodiscard]] ModelKernel& kernel() const { return story_->kernel(); }
  [[nodiscard]] Random& random() const { return story_->random(); }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] short polled() const { return kernel().poll(pid_, descriptor_); }
  void close_channel() { kernel().close(pid_, std::exchange(descriptor_, -1)); }

 private:
  Story* story_;
  Pid pid_;
  int descriptor_;
};

}  // namespace baton::sim
