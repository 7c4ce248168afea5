#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace baton::http {

/// How a server serves; each setter has the name and the default of the option of Node's `http.Server`, where
/// there is one. A time of 0 is no limit. Times are looked at twice a second (more often if they are short),
/// so they end up to half a second late, never early.
class Options {
 public:
  /// The unit of the times.
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
  Options& max_header_size(std::size_t bytes) { return set(max_header_size_, bytes); }
  /// How many header fields a request may have, and how many trailers; over it 431. (Node drops the surplus
  /// without a word.) 0 is no limit but the size. 2000.
  Options& max_headers_count(std::size_t fields) { return set(max_headers_count_, fields); }
  /// How long a request's body may be. A request that says before that it is longer is answered 413 and not
  /// handled; when one turns out to be, the client gets 413 (unless the head of an answer went out) and
  /// `Request::body` and `next_data` fail. 0 is no limit, as by default: then the handler has the last word.
  Options& max_body_size(std::uint64_t bytes) { return set(max_body_size_, bytes); }
  /// After so many requests a connection is closed; 0 is no limit, as by default.
  Options& max_requests_per_socket(std::size_t requests) { return set(max_requests_per_socket_, requests); }
  /// With so many connections open the server accepts no more for now: they wait in the kernel's backlog,
  /// where other processes may take them. (Node accepts and drops them.) What `Server::adopt` got counts too,
  /// but is never refused; what was handed to `on_upgrade` no longer counts. 0 is no limit, as by default.
  Options& max_connections(std::size_t connections) { return set(max_connections_, connections); }
  /// With `max_connections` open the server does not wait until one of them ends: the next one is accepted,
  /// and takes the place of the one that has kept the server waiting longest, for a request or for its answer
  /// to be read (whose request is being handled is left alone). One a turn of the loop, so that each has many
  /// turns to say something. What such clients have not taken yet is dropped, also when the server is closed.
  /// For servers that must answer whoever comes, such as one that is asked for its health.
  Options& replace_oldest(bool on = true) { return set(replace_oldest_, on); }
  /// How many requests of one connection are handled in a turn of the loop: what a client sends at once
  /// beyond them waits for the next turns. 0 is no limit, as by default: what came together is answered
  /// together.
  Options& max_requests_per_turn(std::size_t requests) { return set(max_requests_per_turn_, requests); }
  /// With so many connections open from one IP address the next one from there is answered 503 and closed,
  /// before its request is read; such a one does not count. For servers that clients reach without a proxy
  /// between; what `Server::adopt` got counts and may be refused. Counted in this process alone, whose
  /// workers do not know each other's clients. 0 is no limit, as by default. (Node has none; nginx calls it
  /// limit_conn.)
  Options& max_connections_per_address(std::size_t connections) {
    return set(max_connections_per_address_, connections);
  }

  /// @{
  /// What was set.
  [[nodiscard]] Milliseconds headers_timeout() const noexcept { return headers_timeout_; }
  [[nodiscard]] Milliseconds request_timeout() const noexcept { return request_timeout_; }
  [[nodiscard]] Milliseconds keep_alive_timeout() const noexcept { return keep_alive_timeout_; }
  [[nodiscard]] Milliseconds send_timeout() const noexcept { return send_timeout_; }
  [[nodiscard]] std::size_t max_header_size() const noexcept { return max_header_size_; }
  [[nodiscard]] std::size_t max_headers_count() const noexcept { return max_headers_count_; }
  [[nodiscard]] std::uint64_t max_body_size() const noexcept { return max_body_size_; }
  [[nodiscard]] std::size_t max_requests_per_socket() const noexcept { return max_requests_per_socket_; }
  [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }
  [[nodiscard]] bool replace_oldest() const noexcept { return replace_oldest_; }
  [[nodiscard]] std::size_t max_requests_per_turn() const noexcept { return max_requests_per_turn_; }
  [[nodiscard]] std::size_t max_connections_per_address() const noexcept {
    return max_connections_per_address_;
  }
  /// @}

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
  std::size_t max_header_size_ = std::size_t{16} * 1024;
  std::size_t max_headers_count_ = 2000;
  std::uint64_t max_body_size_ = 0;
  std::size_t max_requests_per_socket_ = 0;
  std::size_t max_connections_ = 0;
  std::size_t max_connections_per_address_ = 0;
  std::size_t max_requests_per_turn_ = 0;
  bool replace_oldest_ = false;
};

}  // namespace baton::http
