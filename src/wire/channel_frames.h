#pragma once

#include <string>
#include <string_view>

#include "baton/wire/json.h"
#include "wire/channel_machine.h"

namespace baton::wire {

inline Notice notice(Notice::Kind kind) { return Notice{.kind = kind}; }

inline void append_quoted(std::string& out, std::string_view text) { (void)write_json(Value(text), out); }

/// A frame {"cmd":<command>,"key":<key>} that may go on.
inline std::string socket_frame(std::string_view command, const std::string& key) {
  std::string frame = R"({"cmd":")";
  frame += command;
  frame += R"(","key":)";
  append_quoted(frame, key);
  return frame;
}

}  // namespace baton::wire
