#include "cli/typescript.h"

#include <chrono>
#include <filesystem>
#include <optional>

#include "baton/spawn/sync.h"

namespace baton::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds longest_question{10};

// The package as Node finds it from a folder; "" if it does not.
fs::path find_package(fs::path folder, const char* name) {
  std::error_code ignored;
  for (;; folder = folder.parent_path()) {
    fs::path package = folder / "node_modules" / name;
    if (fs::exists(package / "package.json", ignored)) return package;
    if (folder == folder.parent_path()) return {};
  }
}

// Node looks for what its command line names from where it runs, not from where the program is.
std::string name_of_package(const char* name, const fs::path& from_program, const fs::path& from_here,
                            const char* file) {
  const fs::path package = find_package(from_program, name);
  if (package.empty()) return {};
  return package == find_package(from_here, name) ? name : (package / file).string();
}

// "v22.18.0 strip": its version, and what it makes of TypeScript.
std::string ask(const std::string& node, const std::string& directory, const Environment& environment) {
  const Words question{"-p", "process.version + ' ' + (process.features.typescript || '')"};
  auto options = ExecOptions(SpawnOptions().cwd(directory).env(environment)).timeout(longest_question);
  const auto answer = exec_file_sync(node, question, options);
  if (!answer || !answer->success()) return {};
  return answer->out().substr(0, answer->out().find('\n'));
}

}  // namespace

std::expected<Words, std::string> typescript_arguments(const std::string& node, const std::string& file,
                                                       const std::string& directory,
                                                       const Environment& environment) {
  std::error_code ignored;
  const fs::path here = fs::absolute(directory.empty() ? "." : directory, ignored).lexically_normal();
  const fs::path folder = (here / file).lexically_normal().parent_path();
  const std::string tsx = name_of_package("tsx", folder, here, "dist/loader.mjs");
  if (!tsx.empty()) return Words{"--import", tsx};
  const std::string answer = ask(node, directory, environment);
  if (const std::size_t version = answer.find(' '); version != answer.npos && version + 1 < answer.size()) {
    return Words{};
  }
  const std::string ts_node = name_of_package("ts-node", folder, here, "register");
  if (!ts_node.empty()) return Words{"--require", ts_node == "ts-node" ? "ts-node/register" : ts_node};
  const std::string version = answer.substr(0, answer.find(' '));
  return std::unexpected(node + (version.empty() ? "" : " is " + version + " and") +
                         " does not run TypeScript: Node 22.18 and newer do, or `npm install tsx`, or " +
                         "--interpreter names what does");
}

}  // namespace baton::cli
