#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.h"
#include "baton/wire/value.h"

namespace baton::wire {

/// Node's `addressType`: the family of a listener, and for UDP its protocol too.
enum class AddressType : std::int8_t { tcp4, tcp6, unix_path, udp4, udp6, unknown };

/// What a worker asks its primary to listen on: the members of queryServer, as net.Server and dgram.Socket
/// give them. `listening` repeats them with the port that it became.
struct ListenQuery {
  static constexpr int64_t ipv6_only = 1;      // in `flags`
  static constexpr int64_t reuse_address = 4;  // in `flags`

  uint64_t index = 0;
  Value data = nullptr;                  // TLS ticket keys, mostly; null if none
  std::optional<std::string> address{};  // none: null, any address
  std::optional<int64_t> port{};         // none: null, with `fd`; -1 for a Unix path
  AddressType type = AddressType::tcp4;  // unknown: null
  std::optional<int64_t> fd{};           // a number in the primary; UDP says -1 for none
  bool has_flags = false;                // Node 18 and 20 leave flags away
  std::optional<int64_t> flags{};        // libuv's bits
  std::optional<int64_t> backlog{};      // 0: the default; not of UDP
  bool readable_all = false;
  bool writable_all = false;

  [[nodiscard]] bool is_udp() const noexcept {
    return type == AddressType::udp4 || type == AddressType::udp6;
  }
  /// Of a path: one of Linux's abstract names, which begin with a NUL byte and have no file.
  [[nodiscard]] bool is_abstract() const noexcept { return address && address->starts_with('\0'); }
  /// The path as it is printed: "@" stands for that byte.
  [[nodiscard]] std::string path_text() const {
    return is_abstract() ? '@' + address->substr(1) : address.value_or("");
  }
};

/// The address that a listener got, as in a reply to queryServer.
struct Sockname {
  std::string address;
  std::string family;  // "IPv4" or "IPv6"
  int64_t port = 0;
};

/// What a worker says to its primary.
struct WorkerMessage {
  enum class Kind {
    online,
    query_server,  // `query`
    listening,     // `query`, with the real port
    close,         // `key`, a string if it was parsed
    exited_after_disconnect,
    answers,  // `accepted` and `refused`: the seq of each newconn
    load,     // `connections`, `lag`
    pong,     // `number`
    drains,   // `signalled`
  };
  Kind kind = Kind::online;
  std::optional<uint64_t> seq{};
  ListenQuery query{};
  Value key{};
  std::vector<uint64_t> accepted{};
  std::vector<uint64_t> refused{};
  uint64_t connections = 0;
  double lag = 0;  // milliseconds
  uint64_t number = 0;
  bool signalled = false;  // its program has heard the signal of a drain request
};

/// What a primary says to its worker.
struct PrimaryMessage {
  enum class Kind {
    reply,           // to `ack`; with `error`, `key`, `data`, `sockname` if that was a queryServer
    new_connection,  // `key`
    disconnect,
    ping,  // `number`
  };
  Kind kind = Kind::reply;
  std::optional<uint64_t> seq{};
  uint64_t ack = 0;
  int64_t error = 0;     // a negative errno of libuv; 0: none
  Value key{};           // a number or a string, opaque
  Value data = nullptr;  // echoed
  std::optional<Sockname> sockname{};
  uint64_t number = 0;
};

/// The bounds of what a message of the other end may hold.
struct ClusterMessageLimits {
  size_t text = 4096;             // of an address or key, bytes
  size_t data = size_t{8} << 10;  // of `data`, bytes of an advanced message
  size_t answers = 4096;          // in one batch
};

/// Takes a message of the NODE_CLUSTER or NODE_BATON_ kind apart; whatever it holds, the result is a message
/// that is whole, or Errc::bad_message with the reason.
[[nodiscard]] Result<WorkerMessage> parse_worker_message(const Value& message,
                                                         const ClusterMessageLimits& limits = {});
[[nodiscard]] Result<PrimaryMessage> parse_primary_message(const Value& message,
                                                           const ClusterMessageLimits& limits = {});

/// Member by member as Node writes them. Answers: one alone is {"ack":..,"accepted":..} if there is a `seq`
/// to give, which is Node's; else the batch, which only another Baton understands.
[[nodiscard]] Value to_value(const WorkerMessage& message);

/// The replies and requests of a primary, as Node writes them.
[[nodiscard]] Value listening_reply(std::string_view key, uint64_t ack, const Value& data,
                                    const std::optional<Sockname>& sockname, uint64_t seq);
/// With a handle: the worker listens by itself.
[[nodiscard]] Value shared_reply(std::string_view key, uint64_t ack, const Value& data, uint64_t seq);
/// `error`: negative.
[[nodiscard]] Value failure_reply(int error, std::string_view key, uint64_t ack, const Value& data,
                                  uint64_t seq);
[[nodiscard]] Value plain_reply(uint64_t ack, uint64_t seq);
[[nodiscard]] Value new_connection(std::string_view key, uint64_t seq);
[[nodiscard]] Value disconnect_request(uint64_t seq);
[[nodiscard]] Value ping(uint64_t number);
/// To the preload module: its servers drain from now on, then its program gets the signal, if it handles it
/// or `always`; it answers when the handlers have run.
[[nodiscard]] Value drain_request(std::string_view signal, bool always);

/// Whether a message is for the cluster: NODE_CLUSTER, or NODE_BATON_ of what is ours.
[[nodiscard]] bool is_cluster_message(const Value& message) noexcept;

}  // namespace baton::wire
