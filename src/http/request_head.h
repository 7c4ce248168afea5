#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message_head.h"

namespace baton::http {

template <class Head>
class HeadReader;

enum class Expectation : std::uint8_t { none, continue_100, other };

class RequestHead : public MessageHead {
 public:
  [[nodiscard]] std::string_view method() const noexcept { return {text_.data(), method_size_}; }
  // As sent: "/path?query", "*", "http://host/path", or "host:port" for CONNECT.
  [[nodiscard]] std::string_view target() const noexcept {
    return {text_.data() + method_size_ + 1, target_size_};
  }
  [[nodiscard]] Expectation expectation() const noexcept { return expectation_; }
  // Whether the client would like to speak another protocol from here on, in a request without a body.
  [[nodiscard]] bool upgrade() const noexcept { return upgrade_; }

 private:
  friend class HeadReader<RequestHead>;
  friend class RequestParser;

  void clear() noexcept {
    MessageHead::clear();
    expectation_ = Expectation::none;
    upgrade_ = false;
  }

  std::size_t method_size_ = 0;
  std::size_t target_size_ = 0;
  bool upgrade_ = false;
  Expectation expectation_ = Expectation::none;
};

}  // namespace baton::http
