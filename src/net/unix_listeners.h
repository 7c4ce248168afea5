#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace baton::net {

/// Hears of each Unix-domain socket that listens in this process's network: the kernel's number of it, and
/// its name as it was bound, whatever its bytes are; that of no file begins with a NUL. False: the kernel
/// does not say, or has not said it of all.
[[nodiscard]] bool each_unix_listener(
    const std::function<void(uint64_t number, std::string_view name)>& hear);

}  // namespace baton::net
