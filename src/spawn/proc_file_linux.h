#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/base/error.h"

namespace baton::spawner {

/// A small file of /proc, whole; of a larger one the first `most` bytes or a little more.
[[nodiscard]] Result<std::string> read_proc_file(const std::string& path, size_t most = size_t{1} << 20);

/// The fields of /proc/PID/stat, numbered from 1 as proc(5) does; from 3 on.
class StatFields {
 public:
  /// `stat` must outlive this.
  explicit StatFields(std::string_view stat);
  /// "?" if there is none.
  [[nodiscard]] std::string_view text(int field) const;
  /// Nothing if there is none, or it is no number of 0 or more.
  [[nodiscard]] std::optional<uint64_t> number(int field) const;

 private:
  std::string_view rest_;  // from field 3 on
};

/// The number behind `name` in a text of lines "Name:  123 kB"; nothing if it is not there.
[[nodiscard]] std::optional<uint64_t> labelled_number(std::string_view text, std::string_view name);

}  // namespace baton::spawner
