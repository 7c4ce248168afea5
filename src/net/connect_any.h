#pragma once

#include <string>
#include <vector>

#include "baton/loop/op.h"
#include "baton/net/endpoint.h"
#include "baton/net/socket.h"

namespace baton::net {

/// Connects to whichever of these addresses answers first, as `AddressRace` says. `what` stands in the error
/// ("connect to localhost:80"). Giving the wait up ends it.
[[nodiscard]] Op<Socket> connect_to_any(Loop& loop, std::string what, std::vector<Endpoint> addresses);

}  // namespace baton::net
