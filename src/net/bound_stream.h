#pragma once

#include <sys/socket.h>

#include <functional>
#include <string>

#include "baton/base/fd.h"
#include "baton/net/endpoint.h"
#include "baton/net/server.h"

namespace baton::net {

/// A stream socket that is bound to `endpoint`, as `listen` and `bind` make it. Of one of a path `bound`, if
/// it is any, is called as soon as its file can be seen. Throws Error with `operation`.
[[nodiscard]] Fd bound_stream(const Endpoint& endpoint, const ListenOptions& options,
                              const std::string& operation, const std::function<void(int)>& bound = {});
/// What makes a socket listen, so many at a time; fails as listen(2) does.
using ListenCall = std::function<int(int socket, int backlog)>;
/// The same, which listens. Throws Error.
[[nodiscard]] Fd listening_stream(const Endpoint& endpoint, const ListenOptions& options,
                                  const ListenCall& call = ::listen);

}  // namespace baton::net
