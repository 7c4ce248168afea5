#pragma once

#include <string>

#include "cli/program.h"

namespace baton::cli {

// What a program says on a channel, as far as its file tells.
enum class Speech {
  none,   // it gets no channel: what it starts would find the variables, and take itself for the worker
  baton,  // it is a program of Baton's library
  node,   // it is Node, or may start it in its place: a shell, a script of one, a program that is not known
};

// Interpreters of other languages do not speak, and of those who are given sockets (`takes_sockets`) only
// Node and Baton's programs.
[[nodiscard]] Speech speech_of(const Program& program, const std::string& directory, bool takes_sockets);

}  // namespace baton::cli
