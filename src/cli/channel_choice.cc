#include "cli/channel_choice.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/program_file.h"

namespace baton::cli {
namespace {

constexpr std::array<std::string_view, 10> cannot_speak{"python", "pypy", "ruby", "jruby", "php",
                                                        "perl",   "java", "lua",  "tclsh", "Rscript"};
constexpr std::array<std::string_view, 6> runtimes_of_node{"node", "nodejs", "bun", "deno", "tsx", "ts-node"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Of "/usr/bin/python3.11", "python".
std::string_view language_of(std::string_view program) {
  program.remove_prefix(program.rfind('/') + 1);
  return program.substr(
      0, static_cast<std::size_t>(std::ranges::find_if_not(program, is_letter) - program.begin()));
}

bool is_node(std::string_view program) {
  program.remove_prefix(program.rfind('/') + 1);
  return std::ranges::find(runtimes_of_node, program) != runtimes_of_node.end();
}

bool is_silent(std::string_view program) {
  return std::ranges::find(cannot_speak, language_of(program)) != cannot_speak.end();
}

}  // namespace

Speech speech_of(const Program& program, const std::string& directory, bool takes_sockets) {
  if (!program.interpreter.empty()) return Speech::node;
  const std::string& file = program.module;
  const std::string path = directory.empty() || file.starts_with('/') ? file : directory + "/" + file;
  if (is_baton_program(path)) return Speech::baton;
  // A name may be that of a script that looks for the right version.
  const std::string interpreter = interpreter_of(path);
  if (is_node(file) || is_node(interpreter)) return Speech::node;
  return takes_sockets || is_silent(file) || is_silent(interpreter) ? Speech::none : Speech::node;
}

}  // namespace baton::cli
