#pragma once

#include <string>

namespace baton {

/// Memory of large texts that are written and dropped again and again: the allocator would give it back to
/// the kernel and get it anew, page by page, each time. A thread has a megabyte of it at most, and none
/// before it needed some.

/// An empty text, with memory if there is some.
[[nodiscard]] std::string take_spare_text() noexcept;
/// `text` is over. What is small, or more than is kept, is freed.
void keep_spare_text(std::string&& text) noexcept;

}  // namespace baton
