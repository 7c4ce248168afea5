#pragma once

#include <string_view>

#include "baton/wire/value.h"
#include "wire/channel_machine.h"

namespace baton::wire {

inline Notice notice(Notice::Kind kind) { return Notice{.kind = kind}; }

/// What a Baton says first.
inline Value hello() { return Value::object().set("cmd", "NODE_BATON").set("v", 1); }

/// What the ends say to each other about the sockets of a server.
inline Value socket_message(std::string_view command, const std::string& key) {
  return Value::object().set("cmd", command).set("key", key);
}

}  // namespace baton::wire
