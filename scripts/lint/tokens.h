// A C++ source as the checks of this folder see it: tokens with their lines, includes, and which bracket is
// what.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lint {

enum class Kind { word, number, text, punctuation };

struct Token {
  Kind kind;
  std::string_view spelling;
  int line;
};

struct Include {
  std::string_view name;  ///< what stands between the quotes or angle brackets
  int line;
};

/// What an opening brace begins.
enum class Brace { block, lambda_body, list };

/// Keeps views of the text it was made from, which must outlive it.
class Source {
 public:
  Source(std::string path, std::string_view text);

  const std::string& path() const { return path_; }
  const std::vector<Token>& tokens() const { return tokens_; }
  const std::vector<Include>& includes() const { return includes_; }

  std::size_t size() const { return tokens_.size(); }
  std::string_view at(std::size_t index) const { return index < size() ? tokens_[index].spelling : ""; }
  /// The other bracket of the pair; `size()` if there is none.
  std::size_t partner(std::size_t index) const { return partners_[index]; }
  /// Only for the index of a `{`.
  Brace brace(std::size_t index) const { return braces_[index]; }
  /// The index of the `{` of the lambda whose introducer opens at `index`; `size()` if that `[` opens no
  /// lambda.
  std::size_t lambda_body(std::size_t index) const;

 private:
  void tokenize(std::string_view text);
  void pair_brackets();
  void classify_braces();
  bool is_list(std::size_t open) const;

  std::string path_;
  std::vector<Token> tokens_;
  std::vector<Include> includes_;
  std::vector<std::size_t> partners_;
  std::vector<Brace> braces_;
};

/// @{
/// The pieces of C++ in the comments of a source and in a page, each on its line; semicolons in place of all
/// else, and of lines that a comment calls `wrong: `.
std::string code_in_comments(std::string_view text);
std::string code_in_page(std::string_view text);
/// @}

struct Finding {
  std::string path;
  int line;
  std::string what;
};
using Findings = std::vector<Finding>;

/// `#include` only what lies below (design: layers).
void check_layers(const Source& source, Findings& findings);
/// No temporaries in an expression with `co_await` that g++ 12 destroys twice.
void check_coroutines(const Source& source, Findings& findings);
/// A translation unit that includes the public header `name` and asserts that g++ 12 can destroy every type
/// in it once.
std::string assert_types(const Source& source, std::string_view name);

/// Good and bad snippets against all of the above; the number of surprises, each told on standard error.
int self_test();

}  // namespace lint
