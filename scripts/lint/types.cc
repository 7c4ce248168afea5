// g++ 12 destroys an aggregate that is a temporary in an expression with `co_await` twice, even a defaulted
// argument that nobody sees. So no type of a public header may be an aggregate with anything to destroy.
// Whether it is, the compiler knows best: this only finds the names.
#include "tokens.h"

namespace lint {
namespace {

struct Scope {
  std::size_t end;
  std::string name;  // empty: what is inside cannot be named from outside
  bool is_class;
  bool open;  // members are public here
};

class TypeFinder {
 public:
  explicit TypeFinder(const Source& source) : source_(source) {}

  std::string run() {
    for (std::size_t i = 0; i < source_.size(); ++i) {
      while (!scopes_.empty() && scopes_.back().end <= i) scopes_.pop_back();
      const std::string_view word = source_.at(i);
      if (!scopes_.empty() && source_.at(i + 1) == ":") {
        if (word == "public") scopes_.back().open = true;
        if (word == "private" || word == "protected") scopes_.back().open = false;
      }
      if (word == "template") {
        i = skip_template(i);
      } else if (word == "namespace" || word == "struct" || word == "class" || word == "union" ||
                 word == "enum") {
        i = declaration(i);
      } else if (word == "{" && source_.tokens()[i].kind == Kind::punctuation &&
                 source_.partner(i) < source_.size()) {
        i = source_.partner(i);  // a function's body, an initializer
      }
    }
    return std::move(asserts_);
  }

 private:
  bool reachable() const {
    for (const Scope& scope : scopes_) {
      if (scope.name.empty() || (scope.is_class && !scope.open)) return false;
    }
    return true;
  }

  // `template <...>` and, if a class follows, all of that: whether a template is an aggregate is asked of no
  // instance.
  std::size_t skip_template(std::size_t i) {
    int depth = 0;
    for (++i; i < source_.size(); ++i) {
      if (source_.at(i) == "<") ++depth;
      if (source_.at(i) == ">" && --depth == 0) break;
    }
    const std::string_view next = source_.at(i + 1);
    if (next != "struct" && next != "class" && next != "union") return i;
    for (; i < source_.size() && source_.at(i) != ";"; ++i) {
      if (source_.at(i) == "{") return source_.partner(i);
    }
    return i;
  }

  std::size_t declaration(std::size_t i) {
    const std::string_view keyword = source_.at(i);
    const bool is_enum = keyword == "enum";
    std::string name;
    std::size_t open = i + 1;
    bool base_clause = false;
    for (; open < source_.size(); ++open) {
      const std::string_view sign = source_.at(open);
      if (sign == "{") break;
      if (sign == ";") return i;
      if (!base_clause &&
          (sign == ")" || sign == "," || sign == "=" || sign == "(" || sign == "&" || sign == "*"))
        return i;
      if (sign == "[") {
        open = source_.partner(open);
        if (open >= source_.size()) return i;
      } else if (sign == ":") {
        base_clause = true;
      } else if (!base_clause &&
                 (sign == "::" || (source_.tokens()[open].kind == Kind::word && sign != "final" &&
                                   sign != "inline" && sign != "class" && sign != "struct"))) {
        name += sign;
      }
    }
    if (open >= source_.size() || source_.partner(open) >= source_.size()) return i;
    if (is_enum) return source_.partner(open);
    const bool is_class = keyword != "namespace";
    if (is_class && !name.empty() && reachable()) {
      std::string full;
      for (const Scope& scope : scopes_) full += "::" + scope.name;
      add_assert(full + "::" + name, source_.tokens()[i].line);
    }
    scopes_.push_back({source_.partner(open), name, is_class, keyword != "class"});
    return open;
  }

  void add_assert(const std::string& type, int line) {
    asserts_ += "#line " + std::to_string(line) + " \"" + source_.path() +
                "\"\nstatic_assert(!std::is_aggregate_v<" + type + "> || std::is_trivially_destructible_v<" +
                type + ">, \"" + type +
                " is an aggregate with members to destroy; give it a constructor (g++ 12 would destroy it "
                "twice)\");\n";
  }

  const Source& source_;
  std::vector<Scope> scopes_;
  std::string asserts_;
};

}  // namespace

std::string assert_types(const Source& source, std::string_view name) {
  return "#include \"" + std::string(name) + "\"\n#include <type_traits>\n" + TypeFinder(source).run();
}

}  // namespace lint
