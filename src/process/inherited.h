#pragma once

#include <optional>
#include <string>

#include "baton/base/error.h"
#include "baton/base/fd.h"
#include "baton/wire/serialization.h"

namespace baton {

/// What a parent tells its child through the environment. Reading it removes it there, so that grandchildren
/// do not take it for theirs.
class Inherited {
 public:
  [[nodiscard]] static Inherited take();

  /// The channel's descriptor, or why there is none.
  [[nodiscard]] Result<Fd> channel() &&;
  /// How messages are written; JSON for a word that `channel` refuses.
  [[nodiscard]] Serialization serialization() const noexcept {
    return serialization_ == "advanced" ? Serialization::advanced : Serialization::json;
  }
  /// The parent is Baton and understands the extensions.
  [[nodiscard]] bool from_baton() const noexcept { return from_baton_; }
  /// The entry to begin with; empty for the first one.
  [[nodiscard]] const std::string& entry() const noexcept { return entry_; }
  /// The number that a cluster's primary gave this process.
  [[nodiscard]] std::optional<unsigned> worker_id() const noexcept { return worker_id_; }

 private:
  std::string descriptor_;
  std::string serialization_;
  std::string entry_;
  std::optional<unsigned> worker_id_;
  bool from_baton_ = false;
};

}  // namespace baton
