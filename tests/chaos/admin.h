#pragma once

#include <string>

#include "chaos/service.h"

namespace baton::chaos {

/// What the admin endpoint at a Unix-domain socket says in /status. Throws if it does not answer within 10 s.
Reloads reloads_told_by(const std::string& socket);

}  // namespace baton::chaos
