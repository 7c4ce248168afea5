#pragma once

#include <cstddef>

namespace baton {

/// Memory that is needed for a while. That of a large block is the kernel's again as soon as it is freed,
/// which the heap's is not while anything above it is in use. Throws std::bad_alloc.
[[nodiscard]] void* allocate_block(std::size_t bytes);
void free_block(void* block, std::size_t bytes) noexcept;

}  // namespace baton
