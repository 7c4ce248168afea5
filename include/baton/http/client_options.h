#pragma once

#include <chrono>
#include <cstddef>

namespace baton::http {

/// How a client fetches. Names and defaults are those of Node's fetch (undici), where there is one. A time of
/// 0 is no limit.
class ClientOptions {
 public:
  /// The unit of the times.
  using Milliseconds = std::chrono::milliseconds;

  /// How long connecting may take, the name's resolution included. 10 s.
  ClientOptions& connect_timeout(Milliseconds time) { return set(connect_timeout_, time); }
  /// From the request, or the last of its body that the kernel took, to the end of the answer's head; and how
  /// long a request may wait for one of `max_connections`. 300 s.
  ClientOptions& headers_timeout(Milliseconds time) { return set(headers_timeout_, time); }
  /// How long somebody who waits for the body may wait for its next byte. 300 s.
  ClientOptions& body_timeout(Milliseconds time) { return set(body_timeout_, time); }
  /// How long a connection is kept that nobody uses; a server that says a shorter time (`Keep-Alive:
  /// timeout=5`) is believed, and left a second before. 0 keeps none. 4 s.
  ClientOptions& keep_alive_timeout(Milliseconds time) { return set(keep_alive_timeout_, time); }
  /// How many connections to one host and port, or one Unix-domain socket, may be open; who wants more waits
  /// for his turn, first come, first served. 0 is no limit, as by default.
  ClientOptions& max_connections(std::size_t connections) { return set(max_connections_, connections); }
  /// The size of an answer's head, its trailer section, and one chunk's extensions. 16 KiB.
  ClientOptions& max_header_size(std::size_t bytes) { return set(max_header_size_, bytes); }
  /// How many header fields an answer may have, and how many trailers. 0 is no limit but the size. 2000.
  ClientOptions& max_headers_count(std::size_t fields) { return set(max_headers_count_, fields); }

  /// @{
  /// What was set.
  [[nodiscard]] Milliseconds connect_timeout() const noexcept { return connect_timeout_; }
  [[nodiscard]] Milliseconds headers_timeout() const noexcept { return headers_timeout_; }
  [[nodiscard]] Milliseconds body_timeout() const noexcept { return body_timeout_; }
  [[nodiscard]] Milliseconds keep_alive_timeout() const noexcept { return keep_alive_timeout_; }
  [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }
  [[nodiscard]] std::size_t max_header_size() const noexcept { return max_header_size_; }
  [[nodiscard]] std::size_t max_headers_count() const noexcept { return max_headers_count_; }
  /// @}

 private:
  template <class T>
  ClientOptions& set(T& member, T value) {
    member = value;
    return *this;
  }

  Milliseconds connect_timeout_ = std::chrono::seconds(10);
  Milliseconds headers_timeout_ = std::chrono::seconds(300);
  Milliseconds body_timeout_ = std::chrono::seconds(300);
  Milliseconds keep_alive_timeout_ = std::chrono::seconds(4);
  std::size_t max_connections_ = 0;
  std::size_t max_header_size_ = std::size_t{16} * 1024;
  std::size_t max_headers_count_ = 2000;
};

}  // namespace baton::http
