#include "cli/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "spawn/exec_search.h"

namespace baton::cli {
namespace {

constexpr int not_executable = 126;
constexpr int not_found = 127;

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

bool is_script(const std::string& file) {
  return file.ends_with(".js") || file.ends_with(".mjs") || file.ends_with(".cjs");
}

// Nothing if the file may be opened so; else why not, with the code for it.
std::expected<void, CannotRun> check(const std::string& file, const std::string& directory, int mode) {
  const std::string path = seen_from(directory, file);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    const int code = errno == ENOENT || errno == ENOTDIR ? not_found : not_executable;
    return refuse(code, file + ": " + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) return refuse(not_executable, file + ": is a directory");
  if (::access(path.c_str(), mode) != 0) {
    return refuse(not_executable, file + (mode == R_OK ? ": cannot be read: " : ": is not executable: ") +
                                      std::strerror(errno));
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

std::string base_name(const std::string& file) { return file.substr(file.rfind('/') + 1); }

}  // namespace

std::expected<Program, CannotRun> find_program(const Words& words, const std::string& interpreter,
                                               const std::string& directory, const Environment& environment) {
  const std::string& file = words.front();
  Program program;
  program.name = base_name(file);
  program.arguments.assign(words.begin() + 1, words.end());

  const bool here = file.contains('/') || is_file(seen_from(directory, file));
  if (interpreter.empty() && !(here && is_script(file))) {
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
