#include "tokens.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace lint {
namespace {

bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool continues_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

constexpr std::array<std::string_view, 7> pairs_of_signs = {"::", "->", "==", "!=", "<=", ">=", "&&"};

// Walks over one text, handing out tokens; strings, comments and directives are where the care is needed.
class Scanner {
 public:
  Scanner(std::string_view text, std::vector<Token>& tokens, std::vector<Include>& includes)
      : text_(text), tokens_(tokens), includes_(includes) {}

  void run() {
    while (at_ < text_.size()) step();
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_to(std::size_t end) {
    end = std::min(end, text_.size());
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    if (text_.substr(at_, end - at_).find('\n') != std::string_view::npos) line_begins_ = true;
    at_ = end;
  }

  void emit(Kind kind, std::size_t end) {
    tokens_.push_back({kind, text_.substr(at_, std::min(end, text_.size()) - at_), line_});
    line_begins_ = false;
    skip_to(end);
  }

  void step() {
    const char c = peek();
    if (std::isspace(static_cast<unsigned char>(c))) return skip_to(at_ + 1);
    if (c == '/' && peek(1) == '/') return skip_to(text_.find('\n', at_));
    if (c == '/' && peek(1) == '*') return skip_to(after(text_.find("*/", at_ + 2), 2));
    if (c == '#' && line_begins_) return directive();
    if (c == '"' || c == '\'') return emit(Kind::text, end_of_quoted(at_));
    if (starts_word(c)) return word();
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    const auto sign = std::find(pairs_of_signs.begin(), pairs_of_signs.end(), text_.substr(at_, 2));
    emit(Kind::punctuation, at_ + (sign == pairs_of_signs.end() ? 1 : 2));
  }

  static std::size_t after(std::size_t found, std::size_t length) {
    return found == std::string_view::npos ? found : found + length;
  }

  std::size_t end_of_quoted(std::size_t open) const {
    std::size_t end = open + 1;
    while (end < text_.size() && text_[end] != text_[open] && text_[end] != '\n')
      end += text_[end] == '\\' ? 2 : 1;
    return end + 1;
  }

  void word() {
    std::size_t end = at_;
    while (end < text_.size() && continues_word(text_[end])) ++end;
    const std::string_view spelling = text_.substr(at_, end - at_);
    if (end < text_.size() && text_[end] == '"' && spelling.size() <= 3 && spelling.back() == 'R') {
      const std::size_t open = text_.find('(', end);
      if (open == std::string_view::npos) return skip_to(text_.size());
      const std::string closing = ")" + std::string(text_.substr(end + 1, open - end - 1)) + "\"";
      return emit(Kind::text, after(text_.find(closing, open), closing.size()));
    }
    if (end < text_.size() && text_[end] == '"' && (spelling == "u8" || spelling == "L" || spelling == "u")) {
      return emit(Kind::text, end_of_quoted(end));
    }
    emit(Kind::word, end);
  }

  void number() {
    std::size_t end = at_;
    while (end < text_.size() && (continues_word(text_[end]) || text_[end] == '.' || text_[end] == '\''))
      ++end;
    emit(Kind::number, end);
  }

  void directive() {
    std::size_t end = at_;
    do {
      end = text_.find('\n', end + 1);
    } while (end != std::string_view::npos && text_[end - 1] == '\\');
    std::string_view line = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    line.remove_prefix(std::min(line.size(), line.find_first_not_of("# \t")));
    if (line.starts_with("include")) {
      const std::size_t open = line.find_first_of("<\"");
      const std::size_t close = open == std::string_view::npos ? open : line.find_first_of(">\"", open + 1);
      if (close != std::string_view::npos)
        includes_.push_back({line.substr(open + 1, close - open - 1), line_});
    }
    skip_to(end);
  }

  std::string_view text_;
  std::vector<Token>& tokens_;
  std::vector<Include>& includes_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_begins_ = true;
};

template <std::size_t N>
bool one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Source::Source(std::string path, std::string_view text) : path_(std::move(path)) {
  Scanner(text, tokens_, includes_).run();
  pair_brackets();
  classify_braces();
}

void Source::pair_brackets() {
  partners_.assign(size(), size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < size(); ++i) {
    if (tokens_[i].kind != Kind::punctuation) continue;
    const std::string_view sign = at(i);
    if (sign == "(" || sign == "[" || sign == "{") {
      open.push_back(i);
    } else if ((sign == ")" || sign == "]" || sign == "}") && !open.empty()) {
      partners_[i] = open.back();
      partners_[open.back()] = i;
      open.pop_back();
    }
  }
}

std::size_t Source::lambda_body(std::size_t index) const {
  static constexpr std::array<std::string_view, 5> before = {"return", "co_await", "co_return", "co_yield",
                                                             "case"};
  const std::size_t none = size();
  if (at(index) != "[" || partner(index) == none || at(index + 1) == "[") return none;
  if (index > 0) {
    const Token& previous = tokens_[index - 1];
    const bool subscript = previous.kind == Kind::text || previous.kind == Kind::number ||
                           previous.spelling == ")" || previous.spelling == "]" || previous.spelling == "[" ||
                           (previous.kind == Kind::word && !one_of(previous.spelling, before));
    if (subscript) return none;
  }
  for (std::size_t i = partner(index) + 1; i < size();) {
    const std::string_view sign = at(i);
    if (sign == "{") return i;
    if (sign == "(") {
      i = partner(i) == none ? none : partner(i) + 1;
      continue;
    }
    const bool part = tokens_[i].kind == Kind::word || tokens_[i].kind == Kind::number || sign == "->" ||
                      sign == "::" || sign == "<" || sign == ">" || sign == "*" || sign == "&" ||
                      sign == "&&" || sign == "," || sign == ".";
    if (!part) return none;
    ++i;
  }
  return none;
}

// A brace that is no lambda's: `Type{...}` and `f({...})` are lists, `) {` and `else {` begin blocks. After a
// name or a
// `>` both are possible (`struct X {`, `-> Task<> {`), and what stands inside decides.
bool Source::is_list(std::size_t open) const {
  static constexpr std::array<std::string_view, 9> before_block = {
      "else", "do", "try", "const", "noexcept", "mutable", "override", "final", "requires"};
  static constexpr std::array<std::string_view, 9> declarations = {
      "struct", "class", "union", "enum", "namespace", "concept", "extern", "export", "friend"};
  static constexpr std::array<std::string_view, 10> statements = {
      "if", "for", "while", "switch", "return", "try", "do", "co_return", "co_yield", "using"};
  if (open == 0 || partner(open) == size()) return false;
  const std::string_view previous = at(open - 1);
  if (previous == ")" || previous == ";" || previous == "{" || previous == "}" || previous == ":") {
    // `{ {1, 2}, {3} }` and `f(x, {..})` keep lists in lists.
    if (previous == "{" && braces_[open - 1] == Brace::list) return true;
    return false;
  }
  if (one_of(previous, before_block)) return false;
  const Token& before = tokens_[open - 1];
  if (before.kind == Kind::text) return false;  // extern "C" {
  if (before.kind != Kind::word && previous != ">") return true;
  for (std::size_t i = open; i-- > 0;) {
    const std::string_view word = at(i);
    if (word == ";" || word == "{" || word == "}" || word == ")") break;
    if (one_of(word, declarations)) return false;
  }
  const std::size_t close = partner(open);
  if (one_of(at(open + 1), statements)) return false;
  for (std::size_t i = open + 1; i < close; ++i) {
    if (at(i) == ";") return false;
    const bool opens = at(i) == "(" || at(i) == "[" || at(i) == "{";
    if (opens && partner(i) < close) i = partner(i);
  }
  return true;
}

void Source::classify_braces() {
  braces_.assign(size(), Brace::block);
  for (std::size_t i = 0; i < size(); ++i) {
    if (tokens_[i].kind != Kind::punctuation) continue;
    if (at(i) == "[") {
      const std::size_t body = lambda_body(i);
      if (body != size()) braces_[body] = Brace::lambda_body;
    } else if (at(i) == "{" && braces_[i] == Brace::block && is_list(i)) {
      braces_[i] = Brace::list;
    }
  }
}

}  // namespace lint
