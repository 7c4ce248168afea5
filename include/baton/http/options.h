#pragma once

#include <chrono>
#include <cstddef>

namespace baton::http {

/// How a server serves: Node's defaults. A time of 0 is no limit. Times are looked at twice a second (more
/// often if they are short), so they end up to half a second late, never early.
class Options {
 public:
  using Milliseconds = std::chrono::milliseconds;

  /// From the first byte of a request (or from the connection, for its first) to the end of its head; then
  /// 408. 60 s.
  Options& headers_timeout(Milliseconds time) { return set(headers_timeout_, time); }
  /// From there to the end of the request's body; then 408. 300 s.
  Options& request_timeout(Milliseconds time) { return set(request_timeout_, time); }
  /// How long a connection stays open between two requests. Clients are told, in whole seconds. 5 s.
  Options& keep_alive_timeout(Milliseconds time) { return set(keep_alive_timeout_, time); }
  /// How long a client may take nothing of what is written to it; then the connection is closed. (Node has no
  /// such limit.) 300 s.
  Options& send_timeout(Milliseconds time) { return set(send_timeout_, time); }
  /// The size of a request's head, its trailer section, and one chunk's extensions; over it 431 (extensions:
  /// 413). 16 KiB.
  Options& header_limit(std::size_t bytes) { return set(header_limit_, bytes); }
  /// After so many requests a connection is closed; 0 is no limit, as by default.
  Options& max_requests(std::size_t requests) { return set(max_requests_, requests); }
  /// With so many connections open the server accepts no more for now: they wait in the kernel's backlog,
  /// where other processes may take them. Does not count against `Server::adopt`. 0 is no limit, as by
  /// default.
  Options& max_connections(std::size_t connections) { return set(max_connections_, connections); }

  [[nodiscard]] Milliseconds headers_timeout() const noexcept { return headers_timeout_; }
  [[nodiscard]] Milliseconds request_timeout() const noexcept { return request_timeout_; }
  [[nodiscard]] Milliseconds keep_alive_timeout() const noexcept { return keep_alive_timeout_; }
  [[nodiscard]] Milliseconds send_timeout() const noexcept { return send_timeout_; }
  [[nodiscard]] std::size_t header_limit() const noexcept { return header_limit_; }
  [[nodiscard]] std::size_t max_requests() const noexcept { return max_requests_; }
  [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }

 private:
  template <class T>
  Options& set(T& member, T value) {
    member = value;
    return *this;
  }

  Milliseconds headers_timeout_ = std::chrono::seconds(60);
  Milliseconds request_timeout_ = std::chrono::seconds(300);
  Milliseconds keep_alive_timeout_ = std::chrono::seconds(5);
  Milliseconds send_timeout_ = std::chrono::seconds(300);
  std::size_t header_limit_ = std::size_t{16} * 1024;
  std::size_t max_requests_ = 0;
  std::size_t max_connections_ = 0;
};

}  // namespace baton::http
