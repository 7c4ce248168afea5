#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "baton/http/headers.h"

namespace baton::http {

// What stands before the body of one message, and behind it. The text is kept as it came, and everything else
// points into it, so a connection that reuses one object allocates nothing from its second message on.
class MessageHead {
 public:
  // 0 or 1.
  [[nodiscard]] int version_minor() const noexcept { return version_minor_; }
  [[nodiscard]] Headers headers() const noexcept { return {text_.data(), places_}; }
  // Whether the peer would go on with another message on this connection.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }
  [[nodiscard]] bool chunked() const noexcept { return chunked_; }
  // The fields behind a chunked body, once it has ended.
  [[nodiscard]] Headers trailers() const noexcept { return {trailer_text_.data(), trailer_places_}; }
  // Of memory, beside its own.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return text_.capacity() + trailer_text_.capacity() +
           (places_.capacity() + trailer_places_.capacity()) * sizeof(Headers::Place);
  }

 protected:
  void clear() noexcept {
    text_.clear();
    places_.clear();
    trailer_text_.clear();
    trailer_places_.clear();
    content_length_.reset();
    chunked_ = keep_alive_ = false;
  }

  std::string text_;
  std::vector<Headers::Place> places_;
  std::string trailer_text_;
  std::vector<Headers::Place> trailer_places_;
  std::optional<std::uint64_t> content_length_;
  int version_minor_ = 1;
  bool keep_alive_ = false;
  bool chunked_ = false;
};

}  // namespace baton::http
