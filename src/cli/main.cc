#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "cli/help.h"
#include "cli/log_text.h"
#include "cli/run.h"
#include "cli/version.h"
#include "cli/warden.h"

namespace {

constexpr int failure = 1;
constexpr int usage = 2;

int print(std::string_view text, std::FILE* stream = stdout) {
  std::fwrite(text.data(), 1, text.size(), stream);
  return stream == stdout ? 0 : usage;
}

int help_verb(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return print(baton::cli::main_help());
  if (arguments.size() == 1 && arguments[0] == "run") return print(baton::cli::run_help());
  std::fprintf(stderr, "baton help: there is no verb '%s' (see baton --help)\n", arguments[0].c_str());
  return usage;
}

int play(int argc, char** argv) {
  if (baton::cli::Warden::is_one(argc, argv)) return baton::cli::Warden::live();
  if (argc < 2) return print(baton::cli::main_help(), stderr);
  const std::string_view verb = argv[1];
  const std::vector<std::string> arguments(argv + 2, argv + argc);
  if (verb == "run") return baton::cli::run_verb(argc, argv, arguments);
  if (verb == "help" || verb == "--help" || verb == "-h") return help_verb(arguments);
  if (verb == "--version" || verb == "version") {
    return print("baton " + std::string(baton::cli::version()) + "\n");
  }
  const char* kind = verb.starts_with('-') ? "option" : "verb";
  // As it is called elsewhere, or as if there were no verbs.
  std::string meant = verb == "start" || verb == "exec" ? "run" : "";
  if (!verb.starts_with('-') && verb.find_first_of("./") != verb.npos) meant = "run " + std::string(verb);
  if (meant.empty()) meant = baton::nearest(verb, {"run", "help", "version", "--help", "--version"});
  if (meant.empty()) {
    std::fprintf(stderr, "baton: there is no %s '%s' (see baton --help)\n", kind, argv[1]);
  } else {
    std::fprintf(stderr, "baton: there is no %s '%s': did you mean `baton %s`? (see baton --help)\n", kind,
                 argv[1], baton::visible(meant).c_str());
  }
  return usage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return play(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "baton: %s\n", error.what());
    return failure;
  }
}
