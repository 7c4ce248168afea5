// house_lint FILE...           the layers and the coroutines of these files, and the code that they show, one
//                              line a finding
// house_lint --types HEADER    a translation unit that asserts that HEADER's types are safe
// house_lint --self-test       whether the checks still see what they must, and only that
#include <fstream>
#include <iostream>
#include <sstream>

#include "tokens.h"

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return text.str();
}

int check(const std::vector<std::string>& paths) {
  lint::Findings findings;
  for (const std::string& path : paths) {
    const std::string text = read(path);
    const bool page = path.ends_with(".md");
    if (!page) {
      const lint::Source source(path, text);
      lint::check_layers(source, findings);
      lint::check_coroutines(source, findings);
    }
    const std::string shown = page ? lint::code_in_page(text) : lint::code_in_comments(text);
    lint::check_coroutines(lint::Source(path, shown), findings);
  }
  for (const lint::Finding& finding : findings) {
    std::cout << finding.path << ':' << finding.line << ": " << finding.what << '\n';
  }
  return 0;
}

int print_types(const std::string& path) {
  const std::string text = read(path);
  const std::string prefix = "include/";
  std::cout << lint::assert_types(lint::Source(path, text),
                                  path.starts_with(prefix) ? path.substr(prefix.size()) : path);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 1 && arguments[0] == "--self-test") return lint::self_test() == 0 ? 0 : 1;
    if (arguments.size() == 2 && arguments[0] == "--types") return print_types(arguments[1]);
    return check(arguments);
  } catch (const std::exception& error) {
    std::cerr << "house_lint: " << error.what() << '\n';
    return 2;
  }
}
