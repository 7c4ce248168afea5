#pragma once

#include <sys/types.h>

#include <cstdint>

namespace baton::load {

/// A server in a process of its own that does to each request what its path says:
///
/// - /right, /chunked: a right answer; the connection is kept unless the client asks otherwise
/// - /leave: a right answer that does not tell that the connection ends, and its end
/// - /once: a right answer to the first request of a connection, a reset to the second
/// - /end, /half, /reset: the end; a part of an answer and the end; a reset
/// - /silence: nothing
/// - /status, /body, /token, /length: an answer with a mistake there
/// - /twice: the answer and once more; /twice_later: once more when the next request comes
class MisbehavingServer {
 public:
  enum class Manner {
    obey,             ///< as above
    end_on_accept,    ///< ends each connection at once
    reset_on_accept,  ///< resets each connection at once
  };
  explicit MisbehavingServer(Manner manner = Manner::obey);
  MisbehavingServer(const MisbehavingServer&) = delete;
  MisbehavingServer& operator=(const MisbehavingServer&) = delete;
  /// Kills it.
  ~MisbehavingServer();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace baton::load
