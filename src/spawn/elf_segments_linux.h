#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/fd.h"

namespace baton::spawner {

/// What a program's file for this kind of machine holds in its segments of that type (PT_INTERP, PT_NOTE), of
/// each at most `most` bytes; none if it is no such file. `head` is how the file begins.
[[nodiscard]] std::vector<std::string> elf_segments(const Fd& file, std::string_view head, uint32_t type,
                                                    size_t most);

}  // namespace baton::spawner
