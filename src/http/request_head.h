#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/headers.h"

namespace baton::http {

enum class Expectation : std::uint8_t { none, continue_100, other };

// What stands before the body of one request. The text is kept as it came, and everything else points into
// it, so a connection that reuses one object allocates nothing from its second request on.
class RequestHead {
 public:
  [[nodiscard]] std::string_view method() const noexcept { return {text_.data(), method_size_}; }
  // As sent: "/path?query", "*", "http://host/path", or "host:port" for CONNECT.
  [[nodiscard]] std::string_view target() const noexcept {
    return {text_.data() + method_size_ + 1, target_size_};
  }
  // 0 or 1.
  [[nodiscard]] int version_minor() const noexcept { return version_minor_; }
  [[nodiscard]] Headers headers() const noexcept { return {text_.data(), places_}; }
  // Whether the client would send another request after this one.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  [[nodiscard]] Expectation expectation() const noexcept { return expectation_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }
  [[nodiscard]] bool chunked() const noexcept { return chunked_; }
  // Whether the client would like to speak another protocol from here on, in a request without a body.
  [[nodiscard]] bool upgrade() const noexcept { return upgrade_; }
  // The fields behind a chunked body, once it has ended.
  [[nodiscard]] Headers trailers() const noexcept { return {trailer_text_.data(), trailer_places_}; }

 private:
  friend class HeadReader;
  friend class RequestParser;

  void clear() noexcept {
    text_.clear();
    places_.clear();
    trailer_text_.clear();
    trailer_places_.clear();
    content_length_.reset();
    expectation_ = Expectation::none;
    chunked_ = keep_alive_ = upgrade_ = false;
  }

  std::string text_;
  std::vector<Headers::Place> places_;
  std::string trailer_text_;
  std::vector<Headers::Place> trailer_places_;
  std::optional<std::uint64_t> content_length_;
  std::size_t method_size_ = 0;
  std::size_t target_size_ = 0;
  int version_minor_ = 1;
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool upgrade_ = false;
  Expectation expectation_ = Expectation::none;
};

}  // namespace baton::http
