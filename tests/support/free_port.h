#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdint>
#include <random>

#include "baton/base/fd.h"

namespace baton::test {

/// A port of 127.0.0.1 that nobody has, nor the three behind it, and that the kernel gives to nobody who asks
/// for any.
inline uint16_t free_port() {
  std::random_device chance;
  const auto is_free = [](unsigned port) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  };
  for (int i = 0; i < 1000; ++i) {
    const unsigned port = 20'000 + chance() % 10'000;
    if (is_free(port) && is_free(port + 1) && is_free(port + 2) && is_free(port + 3)) {
      return static_cast<uint16_t>(port);
    }
  }
  ADD_FAILURE() << "no port is free";
  return 0;
}

}  // namespace baton::test
