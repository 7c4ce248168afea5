// g++ 12 destroys some temporaries of a full expression twice when it contains `co_await`: those of braced
// lists and of lambdas that hold copies. The cure is always the same: give the thing a name on the line
// before.
#include "tokens.h"

namespace lint {
namespace {

// A parenthesis that ends a full expression: the condition of a statement.
bool is_condition(const Source& source, std::size_t open) {
  if (open == 0) return false;
  const std::string_view word = source.at(open - 1);
  return word == "if" || word == "while" || word == "for" || word == "switch" || word == "constexpr";
}

class Expression {
 public:
  Expression(const Source& source, std::size_t keyword, Findings& findings)
      : source_(source), findings_(findings) {
    begin_ = walk_left(keyword);
    end_ = walk_right(keyword);
  }

  void check() {
    for (std::size_t i = begin_; i < end_; ++i) {
      if (source_.tokens()[i].kind != Kind::punctuation) continue;
      if (source_.at(i) == "{" && source_.brace(i) == Brace::list) {
        report(i, "a braced list in an expression with co_await (g++ 12 destroys it twice); name it before");
      }
      const std::size_t body = source_.at(i) == "[" ? source_.lambda_body(i) : source_.size();
      if (body == source_.size()) continue;
      if (copies(i)) {
        report(i,
               "a lambda that captures by copy in an expression with co_await (g++ 12 destroys it twice); "
               "name it before");
      }
      i = source_.partner(body);  // its statements are expressions of their own
    }
  }

  std::size_t end() const { return end_; }

 private:
  void report(std::size_t at, std::string what) {
    findings_.push_back({source_.path(), source_.tokens()[at].line, std::move(what)});
  }

  std::size_t walk_left(std::size_t from) const {
    std::size_t i = from;
    while (i > 0) {
      const std::string_view sign = source_.at(i - 1);
      const bool text = source_.tokens()[i - 1].kind == Kind::text;
      if (text) {
        --i;
      } else if (sign == ";") {
        break;
      } else if (sign == ")" || sign == "]" || sign == "}") {
        const std::size_t open = source_.partner(i - 1);
        if (open >= i) break;
        if (sign == "}" && source_.brace(open) == Brace::block) break;
        if (sign == ")" && is_condition(source_, open)) break;
        i = open;
      } else if (sign == "(") {
        if (is_condition(source_, i - 1)) break;
        --i;
      } else if (sign == "{") {
        if (source_.brace(i - 1) != Brace::list) break;
        --i;
      } else {
        --i;
      }
    }
    return i;
  }

  std::size_t walk_right(std::size_t from) const {
    std::size_t i = from;
    while (i < source_.size()) {
      const std::string_view sign = source_.at(i);
      const std::size_t partner = source_.partner(i);
      if (source_.tokens()[i].kind == Kind::text) {
        ++i;
      } else if (sign == ";") {
        break;
      } else if (sign == "(" || sign == "[" || (sign == "{" && source_.brace(i) != Brace::block)) {
        if (partner >= source_.size()) break;
        i = partner + 1;
      } else if (sign == "{") {
        break;
      } else if (sign == ")" || sign == "}") {
        if (partner >= source_.size()) break;
        if (sign == ")" && is_condition(source_, partner)) break;
        if (sign == "}" && source_.brace(partner) != Brace::list) break;
        ++i;
      } else {
        ++i;
      }
    }
    return i;
  }

  // `[=]`, `[x]`, `[x = ...]`, `[*this]`; a reference or `this` is harmless to destroy twice.
  bool copies(std::size_t open) const {
    const std::size_t close = source_.partner(open);
    bool capture_begins = true;
    for (std::size_t i = open + 1; i < close; ++i) {
      const std::string_view sign = source_.at(i);
      if (capture_begins && sign != "&" && sign != "this" && sign != ".") return true;
      capture_begins = sign == ",";
      if (sign == "(" || sign == "{" || sign == "[")
        i = source_.partner(i) < close ? source_.partner(i) : close;
    }
    return false;
  }

  const Source& source_;
  Findings& findings_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace

void check_coroutines(const Source& source, Findings& findings) {
  std::size_t checked = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const Token& token = source.tokens()[i];
    if (token.kind != Kind::word || (token.spelling != "co_await" && token.spelling != "co_yield")) continue;
    if (i < checked) continue;
    if (i > 0 && source.at(i - 1) == "operator") continue;
    Expression expression(source, i, findings);
    expression.check();
    checked = expression.end();
  }
}

}  // namespace lint
