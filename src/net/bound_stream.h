#pragma once

#include <string>

#include "baton/base/fd.h"
#include "baton/net/endpoint.h"
#include "baton/net/server.h"

namespace baton::net {

/// A stream socket that is bound to `endpoint`, as `listen` and `bind` make it. Throws Error with
/// `operation`.
[[nodiscard]] Fd bound_stream(const Endpoint& endpoint, const ListenOptions& options,
                              const std::string& operation);

}  // namespace baton::net
