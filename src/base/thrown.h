#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "baton/base/error.h"

namespace baton {

/// The message of an exception.
[[nodiscard]] std::string what_of(const std::exception_ptr& exception);
/// An exception that ended `operation`, as an Error: its message, and its code if it has one.
[[nodiscard]] Error thrown_by(std::string_view operation, const std::exception_ptr& exception);

}  // namespace baton
