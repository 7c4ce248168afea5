#pragma once

#include <cstddef>
#include <string_view>

#include "http/message_head.h"

namespace baton::http {

template <class Head>
class HeadReader;

class ReplyHead : public MessageHead {
 public:
  // 100 to 999.
  [[nodiscard]] int status() const noexcept { return status_; }
  // "Not Found"; may be empty.
  [[nodiscard]] std::string_view reason() const noexcept {
    return std::string_view(text_).substr(reason_, reason_size_);
  }

 private:
  friend class HeadReader<ReplyHead>;
  friend class ReplyParser;

  int status_ = 0;
  std::size_t reason_ = 0;
  std::size_t reason_size_ = 0;
  bool bodiless_ = false;  // it answers HEAD
};

}  // namespace baton::http
