#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "baton/base/fd.h"
#include "baton/wire/json.h"

// Random texts, the same at each run, through our reader and writer and through JSON.parse and JSON.stringify
// of one real Node: not one byte may differ, nor may what is refused.
namespace baton::wire {
namespace {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  // A text of JSON as an enemy would write it; about one in four is then damaged.
  std::string text() {
    std::string result = space() + value(4) + space();
    if (below(4) == 0) damage(result);
    std::erase(result, '\n');  // One text is one line; a newline inside would be two.
    return result;
  }

  std::string number() {
    switch (below(6)) {
      case 0:
        return sign() + std::to_string(below(1000));
      case 1:
        return sign() + digits(1 + below(25));
      case 2:
        return sign() + digits(1 + below(18)) + '.' + any_digits(1 + below(20));
      case 3:
        return sign() + digits(1 + below(18)) + exponent(25);
      case 4:
        return sign() + digits(1) + '.' + any_digits(1 + below(17)) + exponent(340);
      default: {
        // Every double is as likely, so both ends of the range and the subnormal ones come too.
        char buffer[40];
        auto bits = std::bit_cast<double>(random_() & ~(std::uint64_t{1} << 52));
        std::snprintf(buffer, sizeof buffer, below(2) ? "%.17g" : "%.15e", bits);
        return buffer;
      }
    }
  }

 private:
  std::string sign() { return below(4) == 0 ? "-" : ""; }
  std::string any_digits(std::size_t n) {
    std::string result;
    while (n-- > 0) result += static_cast<char>('0' + below(10));
    return result;
  }
  std::string digits(std::size_t n) {
    std::string result = any_digits(n);
    return result[0] == '0' ? "0" : result;
  }
  std::string exponent(std::size_t limit) {
    static const char* const marks[] = {"e", "E", "e+", "E+", "e-", "E-"};
    return marks[below(6)] + (below(50) == 0 ? any_digits(15) : std::to_string(below(limit)));
  }
  std::string space() {
    static const char* const spaces[] = {"", "", "", "", " ", "\t", "\r", "  "};
    return spaces[below(8)];
  }

  std::string piece() {
    static const char* const pieces[] = {"\\\"",         "\\\\",      "\\/",     "\\b",    "\\f", "\\n",
                                         "\\r",          "\\t",       "é",       "€",      "😀",  "\x7f",
                                         "\xe2\x80\xa8", "__proto__", "\\u0000", "\\u007F"};
    static const char* const broken[] = {
        "\xff",         "\x80",     "\xc0\xaf", "\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80",
        "\xf0\x9f\x98", "\xe2\x82", "\xf4\x90", "\xe0\x80",     "\xf0\x80\x80"};
    switch (below(8)) {
      case 0:
        return pieces[below(std::size(pieces))];
      case 1:
        return below(8) == 0 ? broken[below(std::size(broken))] : "";
      case 2:
        return escape(0x10000);
      case 3:
        return below(3) == 0 ? "\\ud83d\\ude00" : "";
      case 4:
        return below(4) == 0 ? escape(0x800, 0xd800) : "";
      default: {
        std::string result;
        for (std::size_t n = below(12); n-- > 0;) {
          auto c = static_cast<char>(0x20 + below(0x5f));
          if (c != '"' && c != '\\') result += c;
        }
        return result;
      }
    }
  }
  std::string escape(unsigned range, unsigned from = 0) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, below(2) ? "\\u%04x" : "\\u%04X",
                  static_cast<unsigned>(from + below(range)));
    return buffer;
  }
  std::string string() {
    std::string result = "\"";
    for (std::size_t n = below(6); n-- > 0;) result += piece();
    return result + '"';
  }
  std::string key() {
    static const char* const indices[] = {"0",          "1",          "10",         "2",  "01",
                                          "4294967294", "4294967295", "4294967296", "-1", "a"};
    return below(3) == 0 ? string() : '"' + std::string(indices[below(std::size(indices))]) + '"';
  }
  std::string value(unsigned depth) {
    switch (below(depth == 0 ? 5 : 9)) {
      case 0:
        return below(2) ? "null" : "true";
      case 1:
        return below(2) ? "false" : number();
      case 2:
        return number();
      case 3:
      case 4:
        return string();
      case 5:
      case 6:
        return list(depth, '[', ']');
      default:
        return list(depth, '{', '}');
    }
  }
  std::string list(unsigned depth, char open, char close) {
    std::string result = open + space();
    for (std::size_t n = below(below(10) == 0 ? 30 : 6), i = 0; i < n; ++i) {
      if (i > 0) result += ',' + space();
      if (open == '{') result += key() + space() + ':' + space();
      result += value(depth - 1) + space();
    }
    return result + close;
  }

  void damage(std::string& text) {
    static constexpr std::string_view bytes = "\"\\{}[],:0123456789-+.eEtfnulrds \t\v\x01\xff\xed";
    std::size_t at = below(text.size());
    switch (below(3)) {
      case 0:
        text.erase(at, 1 + below(3));
        break;
      case 1:
        text.insert(at, 1, bytes[below(bytes.size())]);
        break;
      default:
        text[at] = bytes[below(bytes.size())];
    }
  }

  std::mt19937_64 random_;
};

std::string node() {
  const char* chosen = std::getenv("BATON_NODE");
  std::string program = chosen && *chosen ? chosen : "node";
  return std::system(('"' + program + "\" --version >/dev/null 2>&1").c_str()) == 0 ? program : "";
}

std::string read_all(const std::string& command) {
  std::string result;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return result;
  char buffer[65536];
  while (std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) result.append(buffer, n);
  return ::pclose(pipe) == 0 ? result : "";
}

// What Node makes of each line: its text printed again, or "refused".
std::vector<std::string> ask_node(const std::string& program, const std::vector<std::string>& texts) {
  std::string name = testing::TempDir() + "baton_json_XXXXXX";
  Fd file(::mkstemp(name.data()));
  std::string all;
  for (const std::string& text : texts) all += text + '\n';
  for (std::size_t sent = 0; file && sent < all.size();) {
    ssize_t n = ::write(file.get(), all.data() + sent, all.size() - sent);
    if (n <= 0) return {};
    sent += static_cast<std::size_t>(n);
  }
  constexpr std::string_view script =
      "const lines = require(\"fs\").readFileSync(process.argv[1], \"utf8\").split(\"\\n\"); lines.pop();"
      "const again = text => { try { return JSON.stringify(JSON.parse(text)); } catch { return \"refused\"; "
      "} };"
      "process.stdout.write(lines.map(again).join(\"\\n\") + \"\\n\");";
  std::string answer = read_all('"' + program + "\" -e '" + std::string(script) + "' \"" + name + '"');
  ::unlink(name.c_str());
  std::vector<std::string> lines;
  for (std::size_t begin = 0, end = 0; (end = answer.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    lines.push_back(answer.substr(begin, end - begin));
  }
  return lines;
}

std::string again(const std::string& text) {
  auto value = read_json(text);
  return value ? to_json(*value) : "refused";
}

void expect_the_same(const std::vector<std::string>& texts) {
  std::string program = node();
  if (program.empty()) GTEST_SKIP() << "no node on PATH and none in $BATON_NODE";
  std::vector<std::string> answers = ask_node(program, texts);
  ASSERT_EQ(answers.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    ASSERT_EQ(again(texts[i]), answers[i]) << "text: " << texts[i];
}

TEST(JsonAgainstNode, EveryTextIsReadAndPrintedAlike) {
  Generator generator(1);
  std::vector<std::string> texts;
  while (texts.size() < 20000) texts.push_back(generator.text());
  expect_the_same(texts);
}

TEST(JsonAgainstNode, EveryNumberIsReadAndPrintedAlike) {
  Generator generator(2);
  std::vector<std::string> texts;
  while (texts.size() < 50000) texts.push_back(generator.number());
  expect_the_same(texts);
}

TEST(JsonAgainstNode, EveryCodePointIsReadAndPrintedAlike) {
  std::vector<std::string> texts;
  for (unsigned code = 0; code < 0x10000; code += 16) {
    std::string text = "[";
    for (unsigned i = 0; i < 16; ++i) {
      char buffer[16];
      std::snprintf(buffer, sizeof buffer, "%s\"\\u%04x\"", i == 0 ? "" : ",", code + i);
      text += buffer;
    }
    texts.push_back(text + ']');
  }
  expect_the_same(texts);
}

}  // namespace
}  // namespace baton::wire
