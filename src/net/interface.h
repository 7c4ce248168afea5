#pragma once

#include <string_view>

#include "baton/base/error.h"

namespace baton::net {

/// The number of a network interface that is given by its name ("eth0", or "::%eth0" as Node writes it) or by
/// one of its addresses; 0 for "" and the unspecified addresses: the kernel chooses.
[[nodiscard]] Result<unsigned> interface_index(std::string_view text);

}  // namespace baton::net
