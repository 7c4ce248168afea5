#include "cli/package_file.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "baton/wire/json.h"
#include "cli/program_file.h"

namespace baton::cli {
namespace {

constexpr std::size_t longest_package = std::size_t{1} << 20;

Value package_of(const std::string& folder) {
  auto package = wire::read_json(head_of_file(folder + "/package.json", longest_package));
  return package ? *std::move(package) : Value();
}

std::string text_of(const Value& value) { return value.is_string() ? value.as_string() : ""; }

bool needs_a_shell(std::string_view command) { return command.find_first_of("&|;<>$`\"'\n") != command.npos; }

// A command of a package as `baton run` has it; "" if that takes a shell.
std::string as_baton_has_it(const std::string& command, const std::string& folder) {
  constexpr std::string_view node = "node ";
  if (command.empty() || needs_a_shell(command) || command.substr(0, command.find(' ')).contains('='))
    return {};
  if (command.starts_with(node)) {
    const std::string rest = command.substr(node.size());
    return rest.starts_with('-') ? command : rest;
  }
  const std::string program = "node_modules/.bin/" + command.substr(0, command.find(' '));
  std::error_code ignored;
  const bool installed = std::filesystem::exists(folder + "/" + program, ignored);
  return installed ? "node_modules/.bin/" + command : command;
}

// The name of the script that a package manager is to run; "" if it is to do something else.
std::string script_of(const std::vector<std::string>& words) {
  constexpr std::array managers{"npm", "yarn", "pnpm"};
  const std::string manager = words.front().substr(words.front().rfind('/') + 1);
  if (std::ranges::find(managers, manager) == managers.end()) return {};
  const auto is_name = [](const std::string& word) { return !word.starts_with('-'); };
  auto word = std::find_if(words.begin() + 1, words.end(), is_name);
  if (word != words.end() && (*word == "run" || *word == "run-script")) {
    word = std::find_if(word + 1, words.end(), is_name);
  } else if (word != words.end() && manager == "npm" && *word != "start") {
    return {};
  }
  return word == words.end() ? "" : *word;
}

}  // namespace

std::string how_to_run_folder(const std::string& path, const std::string& name) {
  const Value package = package_of(path);
  std::string entry = as_baton_has_it(text_of(package["scripts"]["start"]), path);
  std::error_code ignored;
  // Nobody may ever have made the file that npm writes there by itself.
  const std::string main = text_of(package["main"]);
  if (entry.empty() && std::filesystem::exists(path + "/" + main, ignored)) entry = main;
  if (entry.empty() && std::filesystem::exists(path + "/index.js", ignored)) entry = "index.js";
  if (entry.empty()) return {};
  const bool here = name == "." || name == "./";
  return "what it starts is " + entry + ": `baton run " + (here ? "" : "--cwd " + name + " ") + entry + "`";
}

std::string about_package_script(const std::vector<std::string>& words, const std::string& directory) {
  const std::string folder = directory.empty() ? "." : directory;
  const std::string script = script_of(words);
  const std::string command = script.empty() ? "" : text_of(package_of(folder)["scripts"][script]);
  if (command.empty()) return {};
  const std::string better = as_baton_has_it(command, folder);
  const std::string manager = words.front().substr(words.front().rfind('/') + 1);
  return "the worker is " + manager + ", which starts the program beside itself, outside the cluster: " +
         (better.empty() ? "better run what its script " + script + " runs"
                         : "better `baton run " + better + "`");
}

}  // namespace baton::cli
