#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/cluster/listening.h"

namespace baton::cluster {

/// Where workers may ask their primary to listen. One rule is one of
///
///     8080              that port of every address: of the machine's all ("*:8080"), and of each one
///     8000-8999         the same for each of these ports
///     127.0.0.1:*       every port of an address; of [::1] with its brackets
///     127.0.0.1:8000-8999
///     /run/app/*.sock   a path; '*' stands for what has no '/' in it. "unix:/run/app/*.sock" is the same
///
/// and is for TCP and UDP alike. "*" is every port of every address. The port 0, one that the kernel chooses,
/// is allowed by "*" and by ranges that begin with 0. A path must be asked for as it is, absolute, without
/// "..", "." and
/// "//".
class ListenRule {
 public:
  /// Throws std::invalid_argument that says what is wrong.
  explicit ListenRule(std::string_view text);

  /// Whether it allows that. No rule allows a descriptor of the primary's: whoever may have it has inherited
  /// it.
  [[nodiscard]] bool allows(const Listening& where) const;
  /// As it was written.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  [[nodiscard]] bool allows_path(const std::string& path) const;
  void take_ports(std::string_view ports);

  std::string text_;
  std::string path_;                    // a pattern; empty: address and ports
  std::optional<std::string> address_;  // as the kernel writes it; nothing: every one
  uint16_t first_ = 0;
  uint16_t last_ = 65535;
};

}  // namespace baton::cluster
