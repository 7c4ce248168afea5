#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "baton/loop/loop.h"
#include "baton/net/udp.h"
#include "support/leak_check.h"

namespace baton::net {

using Texts = std::vector<std::string>;

inline const Endpoint any_port("127.0.0.1", 0);

/// Sockets on one loop, and what they were told.
class Udp : public testing::Test {
 protected:
  /// A socket that notes what comes; when `until` datagrams have come, the loop stops.
  UdpSocket collecting(const Endpoint& endpoint, size_t until, const UdpOptions& options = UdpOptions()) {
    UdpSocket socket = bind_udp(loop, endpoint, options);
    note(socket, until);
    return socket;
  }
  void note(UdpSocket& socket, size_t until) {
    socket.on_message([this, &loop = loop, until](std::string_view bytes, const Endpoint& from) {
      got.emplace_back(bytes);
      senders.push_back(from);
      if (got.size() == until) loop.stop();
    });
  }
  void note_errors(UdpSocket& socket, size_t until) {
    socket.on_error([this, &loop = loop, until](const Error& error) {
      errors.emplace_back(error.what());
      codes.push_back(error.code());
      if (errors.size() == until) loop.stop();
    });
  }
  /// A port that nobody has.
  Endpoint nobody() { return bind_udp(loop, any_port).local(); }

  test::LeakCheck leaks;
  Loop loop;
  Texts got, errors;
  std::vector<std::error_code> codes;
  std::vector<Endpoint> senders;
};

}  // namespace baton::net
