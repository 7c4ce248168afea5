#pragma once

#include <cstddef>
#include <memory>

#include "baton/base/error.h"

namespace baton::cli {

// What was sent to somebody and the kernel has not taken yet: who does not read costs no more memory than
// this, and loses the rest.
class Unread {
 public:
  static constexpr std::size_t most = std::size_t{16} << 20;  // bytes

  [[nodiscard]] bool full() const noexcept { return *bytes_ >= most; }
  // To be called when what has so many bytes was taken, or never will be; it may outlive this.
  [[nodiscard]] auto add(std::size_t bytes) {
    *bytes_ += bytes;
    return [all = bytes_, bytes](const Result<void>&) { *all -= bytes; };
  }

 private:
  std::shared_ptr<std::size_t> bytes_ = std::make_shared<std::size_t>(0);
};

}  // namespace baton::cli
