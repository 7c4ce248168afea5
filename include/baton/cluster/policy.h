#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "baton/base/error.h"

namespace baton::cluster {

/// A worker that could take a connection now, as a chooser sees it.
class Candidate {
 public:
  /// The values of the getters below.
  Candidate(std::uint32_t id, unsigned slot, std::uint64_t connections, double lag)
      : connections_(connections), lag_(lag), id_(id), slot_(slot) {}

  /// The worker's number, as `cluster.worker.id`: never used again.
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  /// The worker's place, which its successor takes over.
  [[nodiscard]] unsigned slot() const noexcept { return slot_; }
  /// Connections that it has open, as it reported, and those it was handed since.
  [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }
  /// How late its loop last was, in milliseconds; 0 if it does not say.
  [[nodiscard]] double lag() const noexcept { return lag_; }

 private:
  std::uint64_t connections_;
  double lag_;
  std::uint32_t id_;
  unsigned slot_;
};

/// A choice of one's own: the index of the worker that gets the next connection, of those that have room; any
/// other number: nobody now, ask again when something has changed. `client` is the client's address without
/// its port ("192.0.2.7"), empty for a Unix socket. The exception of one that throws goes where those of
/// callbacks go, and the first worker gets the connection.
using Chooser = std::function<std::size_t(std::span<const Candidate> workers, std::string_view client)>;

/// Which worker gets the next connection. What each costs and how even it is: docs/cluster.md.
class Policy {
 public:
  /// Who gets a connection.
  enum class Kind {
    round_robin,   ///< in turn: the primary accepts and hands over
    shared,        ///< all workers accept from one socket, one connection a wake-up
    reuse_port,    ///< a socket for each worker, kept by the primary; the kernel chooses by hash
    least_loaded,  ///< of two drawn at random the one with fewer connections open
    sticky,        ///< the same client, the same worker
    chosen,        ///< by a function of the program's
  };
  /// What makes two connections the same client's, under `sticky`.
  enum class Sticky { address, cookie, header };

  /// Round robin.
  Policy() = default;
  /// One that needs nothing more; `sticky` by address.
  Policy(Kind kind) : kind_(kind) {}

  /// Sticky by a cookie or header of that name in the first request.
  static Policy sticky(Sticky by, std::string name);
  /// By a function of the program's.
  static Policy chosen(Chooser chooser);
  /// What `name` gives, and "rr"; Node's "none" is "shared". An error that lists the names for anything else.
  static Result<Policy> parse(std::string_view text);

  /// Which of them.
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// "round-robin", "shared", "reuse-port", "least-loaded", "sticky:address", "sticky:cookie=NAME",
  /// "sticky:header=NAME", "chosen".
  [[nodiscard]] std::string name() const;
  /// What `sticky` looks at.
  [[nodiscard]] Sticky sticky_by() const noexcept { return sticky_; }
  /// Of the cookie or header.
  [[nodiscard]] const std::string& sticky_name() const noexcept { return sticky_name_; }
  /// The program's function; empty unless it is `chosen`.
  [[nodiscard]] const Chooser& chooser() const noexcept { return chooser_; }
  /// The primary accepts and hands over (instead of the workers accepting by themselves).
  [[nodiscard]] bool hands_over() const noexcept {
    return kind_ != Kind::shared && kind_ != Kind::reuse_port;
  }

 private:
  Kind kind_ = Kind::round_robin;
  Sticky sticky_ = Sticky::address;
  std::string sticky_name_;
  Chooser chooser_;
};

}  // namespace baton::cluster
