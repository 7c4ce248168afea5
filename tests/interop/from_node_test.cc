// The first table of docs/from-node.md: each call of the Node at hand stands in it, and what stands there as
// ours exists.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "interop/world.h"
#include "support/file_text.h"

namespace baton::test {
namespace {

bool of_a_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::set<std::string> words_of(std::string_view text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : text) {
    if (of_a_word(c)) {
      word += c;
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.insert(word);
  return words;
}

/// What stands between backticks.
std::string code_in(std::string_view text) {
  std::string code;
  bool inside = false;
  for (const char c : text) {
    if (c == '`') inside = !inside;
    code += inside && c != '`' ? c : ' ';
  }
  return code;
}

using Row = std::vector<std::string>;

/// The cells of each row of each table of a page; a `\|` does not end a cell.
std::vector<Row> tables_in(const std::string& page) {
  std::vector<Row> rows;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('|')) continue;
    Row row(1);
    for (size_t i = 1; i < line.size(); ++i) {
      if (line[i] == '|' && line[i - 1] != '\\') {
        row.emplace_back();
      } else {
        row.back() += line[i];
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// The part of a page that has this heading.
std::string section(const std::string& page, const std::string& heading) {
  const auto begin = page.find("\n## " + heading + "\n");
  EXPECT_NE(begin, std::string::npos) << heading;
  if (begin == std::string::npos) return {};
  const auto end = page.find("\n## ", begin + 1);
  return page.substr(begin, end == std::string::npos ? end : end - begin);
}

struct Page {
  std::string path;
  std::string heading;
};
void PrintTo(const Page& page, std::ostream* out) { *out << page.path; }

class FromNode : public World, public testing::WithParamInterface<Page> {};

TEST_P(FromNode, HasEachCallOfThisNode) {
  std::map<std::string, std::set<std::string>> named;
  std::string object;
  for (const Row& row : tables_in(section(text_of(source(GetParam().path)), GetParam().heading))) {
    const std::string code = code_in(row[0]);
    const auto words = words_of(code);
    if (row[0].find("**") != std::string::npos) {
      const auto begin = code.find_first_not_of(' ');
      object = code.substr(begin, code.find_last_not_of(' ') - begin + 1);
    } else {
      named[object].insert(words.begin(), words.end());
    }
  }
  size_t calls = 0;
  for (const std::string& line : run({node_program(), source("tests/interop/node_calls.js")}).rest()) {
    const auto space = line.find(' ');
    EXPECT_TRUE(named[line.substr(0, space)].contains(line.substr(space + 1))) << line;
    ++calls;
  }
  EXPECT_GT(calls, 100U);
}

TEST_P(FromNode, NamesAsOursOnlyWhatTheHeadersHave) {
  std::set<std::string> known;
  for (const auto& file : std::filesystem::recursive_directory_iterator(source("include/baton"))) {
    known.insert(file.path().stem());
    if (file.is_regular_file()) known.merge(words_of(text_of(file.path())));
  }
  size_t names = 0;
  for (const Row& row : tables_in(section(text_of(source(GetParam().path)), GetParam().heading))) {
    // The text of a string is no name.
    for (const std::string& name : words_of(code_in(row.at(1)))) {
      EXPECT_TRUE(known.contains(name)) << name << " in" << row[1];
      ++names;
    }
  }
  EXPECT_GT(names, 100U);
}

INSTANTIATE_TEST_SUITE_P(
    Pages, FromNode,
    testing::Values(Page{.path = "docs/from-node.md", .heading = "Every call at a glance"},
                    Page{.path = "docs/from-node.zh-CN.md", .heading = "全部调用一览"}),
    [](const auto& page) { return page.param.path == "docs/from-node.md" ? "English" : "Chinese"; });

}  // namespace
}  // namespace baton::test
