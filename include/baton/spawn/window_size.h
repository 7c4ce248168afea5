#pragma once

#include <cstdint>

namespace baton {

/// How large a terminal is, in characters; 80 by 24 unless said otherwise.
class WindowSize {
 public:
  WindowSize() = default;
  /// @{
  /// Columns and rows, in characters.
  WindowSize(uint16_t columns, uint16_t rows) noexcept : columns_(columns), rows_(rows) {}
  [[nodiscard]] uint16_t columns() const noexcept { return columns_; }
  [[nodiscard]] uint16_t rows() const noexcept { return rows_; }
  /// @}

 private:
  uint16_t columns_ = 80;
  uint16_t rows_ = 24;
};

}  // namespace baton
