#include "cli/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "cli/cannot_run.h"
#include "cli/exit_code.h"
#include "cli/package_file.h"
#include "cli/program_file.h"
#include "cli/typescript.h"
#include "process/script.h"
#include "spawn/exec_search.h"

namespace baton::cli {
namespace {

using Words = std::vector<std::string>;

std::unexpected<CannotRun> refuse(int code, std::string text) {
  return std::unexpected(CannotRun{code, std::move(text)});
}

// Where a child that starts in `directory` finds the file.
std::string seen_from(const std::string& directory, const std::string& file) {
  return directory.empty() || file.starts_with('/') ? file : directory + "/" + file;
}

bool is_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

std::string behind(const std::string& advice) { return advice.empty() ? "" : "; " + advice; }

// Nothing if the file may be opened so; else why not, with the code for it.
std::expected<void, CannotRun> check(const std::string& file, const std::string& directory, int mode) {
  const std::string path = seen_from(directory, file);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    const int code = errno == ENOENT || errno == ENOTDIR ? not_found : not_executable;
    return refuse(code, file + ": " + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return refuse(not_executable, file + ": is a directory" + behind(how_to_run_folder(path, file)));
  }
  if (::access(path.c_str(), mode) != 0) {
    const std::string why = std::strerror(errno);
    if (mode == R_OK) return refuse(not_executable, file + ": cannot be read: " + why);
    return refuse(not_executable,
                  file + ": is not executable: " + why + behind(how_to_run_script(path, file)));
  }
  if (mode == X_OK && has_windows_line_end(path)) {
    return refuse(not_executable, file +
                                      ": its first line ends as on Windows (CR LF), and nobody is found by " +
                                      "such a name: `sed -i 's/\\r$//' " + file + "`");
  }
  if (const std::string machine = mode == X_OK ? foreign_machine(path) : ""; !machine.empty()) {
    return refuse(not_executable, file + ": is a program for another machine (" + machine + ")");
  }
  const std::string missing = mode == X_OK ? spawner::missing_interpreter(path, directory) : "";
  if (!missing.empty()) return refuse(not_found, file + ": its interpreter " + missing + " is not there");
  return {};
}

// The executable that `name` stands for: the name itself if it has a '/', else what is in PATH.
std::expected<std::string, CannotRun> find_executable(const std::string& name, const std::string& directory,
                                                      const Environment& environment) {
  if (name.contains('/')) {
    if (auto checked = check(name, directory, X_OK); !checked) return std::unexpected(checked.error());
    return name;
  }
  std::optional<CannotRun> nearly;
  for (const std::string& candidate : spawner::exec_candidates(name, environment)) {
    if (!is_file(seen_from(directory, candidate))) continue;
    const auto checked = check(candidate, directory, X_OK);
    if (checked) return candidate.contains('/') ? candidate : "./" + candidate;
    if (!nearly) nearly = checked.error();
  }
  if (nearly) return std::unexpected(*nearly);
  if (std::filesystem::is_directory(seen_from(directory, name))) {
    return std::unexpected(check(name, directory, X_OK).error());
  }
  if (name.find_first_of(" \t") != name.npos) {
    return refuse(not_found,
                  name + ": there is no such program; without the quotes it is one with arguments");
  }
  // Nobody has files of that kind in PATH.
  if (is_script(name)) return refuse(not_found, name + ": no such file here");
  return refuse(not_found,
                name + ": neither a file here nor in PATH (" + spawner::search_path(environment) + ")");
}

Words split(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.push_back(std::move(word));
  return words;
}

std::string default_interpreter() {
  const char* chosen = std::getenv("BATON_NODE");
  return chosen != nullptr && *chosen != '\0' ? chosen : "node";
}

// TypeScript may also say itself who runs it.
bool runs_in_node(const std::string& path) {
  if (!is_script(path)) return false;
  return !is_typescript(path) || ::access(path.c_str(), X_OK) != 0 || interpreter_of(path).empty();
}

std::string base_name(const std::string& file) { return file.substr(file.rfind('/') + 1); }

}  // namespace

std::expected<Program, CannotRun> find_program(const Words& words, const std::string& interpreter,
                                               const std::string& directory, const Environment& environment) {
  const std::string& file = words.front();
  Program program;
  program.name = base_name(file);
  program.arguments.assign(words.begin() + 1, words.end());

  const bool here = file.contains('/') || is_file(seen_from(directory, file));
  if (interpreter.empty() && !(here && runs_in_node(seen_from(directory, file)))) {
    auto found = find_executable(here && !file.contains('/') ? "./" + file : file, directory, environment);
    if (!found) return std::unexpected(std::move(found).error());
    program.module = *std::move(found);
    return program;
  }

  // A path with a space in it, or a command with arguments.
  Words command = is_file(seen_from(directory, interpreter)) ? Words{interpreter} : split(interpreter);
  if (command.empty()) command = {default_interpreter()};
  if (auto checked = check(file, directory, R_OK); !checked) return std::unexpected(checked.error());
  auto found = find_executable(command.front(), directory, environment);
  if (!found) {
    found.error().text += "; it is to run " + file + " (--interpreter names another)";
    return std::unexpected(std::move(found).error());
  }
  command.erase(command.begin());
  if (interpreter.empty() && is_typescript(file)) {
    auto loader = typescript_arguments(*found, file, directory, environment);
    if (!loader) return refuse(not_executable, file + ": " + loader.error());
    command.insert(command.end(), loader->begin(), loader->end());
  }
  if (is_script(file)) {
    program.module = file;
    program.interpreter = *std::move(found);
    program.interpreter_arguments = std::move(command);
  } else {
    program.module = *std::move(found);
    command.push_back(file);
    program.arguments.insert(program.arguments.begin(), command.begin(), command.end());
  }
  return program;
}

}  // namespace baton::cli
