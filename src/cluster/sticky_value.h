#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "baton/cluster/policy.h"

namespace baton::cluster {

/// Finds what tells a client from others in the head of its first HTTP/1 request, of which more and more is
/// shown.
class StickyValue {
 public:
  /// `name`: of the cookie, compared exactly, or of the header, in whatever case.
  StickyValue(Policy::Sticky by, std::string name) : by_(by), name_(std::move(name)) {}

  enum class Outcome : uint8_t {
    more,   // the head is not whole, and has no value so far
    found,  // `value()` is it
    none,   // the head is whole, or this is no HTTP/1
  };
  /// `head`: all that has come since the connection began, of which nothing is looked at twice.
  [[nodiscard]] Outcome look(std::string_view head);
  /// Into what was looked at.
  [[nodiscard]] std::string_view value() const noexcept { return value_; }

 private:
  [[nodiscard]] std::string_view in_line(std::string_view line) const;
  [[nodiscard]] std::string_view in_cookies(std::string_view cookies) const;

  Policy::Sticky by_;
  std::string name_;
  std::string_view value_;
  std::size_t line_ = 0;      // where it begins that is not whole yet
  std::size_t searched_ = 0;  // there is no end of it so far
  bool begun_ = false;
  bool request_line_ = true;
};

}  // namespace baton::cluster
