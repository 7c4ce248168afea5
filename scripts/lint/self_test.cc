#include <iostream>

#include "tokens.h"

namespace lint {
namespace {

struct Case {
  std::string_view name;
  std::string path;
  std::string_view text;
  std::vector<int> lines;  // where something must be found, and nowhere else
};

// clang-format off
const std::vector<Case> coroutine_cases = {
    {"plain", "src/a.cc", "Task<> f() {\n  auto x = co_await g(1, \"{}\");\n  Foo y{1};\n  co_return;\n}", {}},
    {"a list as an argument", "src/a.cc", "Task<> f() {\n  co_await g({1, 2});\n}", {2}},
    {"a temporary built with braces", "src/a.cc", "Task<> f() {\n  int n = co_await g(Options{.a = 1});\n}", {2}},
    {"braces of a template", "src/a.cc", "Task<> f() {\n  co_await g(std::vector<int>{1});\n}", {2}},
    {"an empty list", "src/a.cc", "Task<> f() {\n  co_await g({});\n}", {2}},
    {"a list around", "src/a.cc", "Task<> f() {\n  return Foo{co_await g(), 1};\n}", {2}},
    {"a list on the other side", "src/a.cc", "Task<> f() {\n  h({1},\n    co_await g());\n}", {2}},
    {"on a later line", "src/a.cc", "Task<> f() {\n  co_await g(1,\n  Foo{});\n}", {3}},
    {"a list in another statement", "src/a.cc", "Task<> f() {\n  Foo a{1};\n  co_await g(a);\n  h({1});\n}", {}},
    {"a name in braces", "src/a.cc", "Task<> f() {\n  if (co_await g()) {\n    h({1});\n  }\n}", {}},
    {"a list in a condition", "src/a.cc", "Task<> f() {\n  while (co_await g({1})) {\n    h();\n  }\n}", {2}},
    {"a condition with a declaration", "src/a.cc", "Task<> f() {\n  if (auto r = co_await g(); r) {\n    h({1});\n  } else {\n    h({2});\n  }\n}", {}},
    {"a body without braces", "src/a.cc", "Task<> f() {\n  for (;;) co_await g();\n}", {}},
    {"a list in the condition before", "src/a.cc", "Task<> f() {\n  if (h({1})) co_await g();\n}", {}},
    {"a lambda by reference", "src/a.cc", "Task<> f() {\n  co_await g([&] { h({1}); });\n  co_await g([&a, &b](int x) { return x; });\n  co_await g([this] { h(); });\n  co_await g([] { h(); });\n}", {}},
    {"a lambda that copies", "src/a.cc", "Task<> f() {\n  co_await g([a] { h(); });\n  co_await g([=] { h(); });\n  co_await g([&, a = std::move(b)]() mutable { h(); });\n  co_await g([*this] { h(); });\n}", {2, 3, 4, 5}},
    {"a coroutine in a lambda", "src/a.cc", "void f() {\n  run([a]() -> Task<> {\n    co_await g(a);\n  }, {1});\n}", {}},
    {"a bad coroutine in a lambda", "src/a.cc", "void f() {\n  run([a]() -> baton::Task<int> {\n    co_return co_await g(A{a});\n  });\n}", {3}},
    {"a lambda with one statement", "src/a.cc", "void f() {\n  run([a]() -> Task<> { if (co_await g()) { h({1}); } }, B{});\n}", {}},
    {"comments and strings", "src/a.cc", "Task<> f() {\n  co_await g(/* {1} */ R\"({[x]})\", '{');  // Foo{}\n}", {}},
    {"subscripts", "src/a.cc", "Task<> f() {\n  co_await g(a[i], b()[j]);\n}", {}},
    {"a function after a class", "src/a.cc", "struct A {\n  int x{1};\n};\nTask<> f() { co_await g(); }\nconst B b{1};", {}},
    {"a constructor's list", "src/a.cc", "A::A() : x_{1} {\n}\nTask<> f() { co_await g(); }", {}},
    {"an operator", "src/a.cc", "auto operator co_await() { return Foo{1}; }", {}},
    {"co_yield", "src/a.cc", "Task<> f() {\n  co_yield Foo{1};\n}", {2}},
    {"inside a try", "src/a.cc", "Task<> f() {\n  try {\n    co_await g();\n  } catch (const E& e) {\n    h({1});\n  }\n}", {}},
};

const std::vector<Case> shown_cases = {
    {"in a comment", "include/a.h", "/// Does it:\n///\n///     co_await g({1});\n///\n/// - or not,\n///   as you like (co_await g({1}))\nint f();\n//   co_await g(A{1});\n", {3, 6, 8}},
    {"wrong on purpose", "include/a.h", "//     co_await g({1});  // wrong: ends badly\n", {}},
    {"what is no comment", "include/a.h", "    co_await g({1});\n", {}},
    {"in a page", "docs/a.md", "co_await g({1});\n```cpp\nco_await g({1});\n```\n```js\nco_await g({1});\n```\n- ```cpp\n  ```\n  ```cpp\n  co_await g({1});\n  ```\n", {3, 11}},
};

const std::vector<Case> layer_cases = {
    {"below", "src/ipc/channel.cc", "#include \"baton/wire/value.h\"\n#include \"net/stream.h\"\n#include \"baton/base/fd.h\"\n", {}},
    {"above", "src/net/stream.cc", "#include \"baton/ipc/channel.h\"\n#include \"loop/poll.h\"\n", {1}},
    {"beside", "include/baton/http/server.h", "#include <string>\n#include \"baton/spawn/spawn.h\"\n", {2}},
    {"wire and loop", "src/wire/json.cc", "#include \"baton/loop/loop.h\"\n#include <unistd.h>\n#include <sys/socket.h>\n#include <chrono>\nauto x = std::chrono::steady_clock::now();\n", {1, 2, 3, 5}},
    {"Boost where it belongs", "src/wire/json_reader.cc", "#include <boost/json/basic_parser_impl.hpp>\n", {}},
    {"Boost elsewhere", "src/net/stream.cc", "#include <boost/asio.hpp>\n", {1}},
    {"libuv in a public header", "include/baton/loop/loop.h", "#include <uv.h>\n# include <boost/json.hpp>\n", {1, 2}},
    {"private in public", "include/baton/loop/loop.h", "#include \"loop/impl.h\"\n", {1}},
    {"the whole face", "include/baton/baton.h", "#include \"baton/cli/x.h\"\n#include \"baton/base/fd.h\"\n", {}},
    {"the whole face, inside", "src/cluster/primary.cc", "#include \"baton/baton.h\"\n", {1}},
    {"an unknown layer", "src/misc/x.cc", "\n", {1}},
    {"an include in a comment", "src/net/x.cc", "// #include \"baton/ipc/channel.h\"\n/*\n#include <boost/x.hpp>\n*/\n", {}},
    {"a test", "tests/unit/net/x_test.cc", "#include \"baton/ipc/channel.h\"\n", {}},
};

struct TypeCase {
  std::string_view name;
  std::string_view text;
  std::vector<std::string_view> types;
};
const std::vector<TypeCase> type_cases = {
    {"a struct and a class", "namespace baton {\nstruct A { int x; };\nclass B final : public A { struct Hidden {}; public: struct C { int y; }; };\n}", {"::baton::A", "::baton::B", "::baton::B::C"}},
    {"nested namespaces", "namespace baton::net {\nnamespace detail { struct [[nodiscard]] D {}; }\nstruct E {}; }", {"::baton::net::detail::D", "::baton::net::E"}},
    {"no definitions", "namespace baton {\nstruct A;\nclass B;\nenum class F { a };\nvoid f(struct A& a);\ntemplate <class T> struct G { T x; };\ntemplate <> struct G<int> {};\nvoid g() { struct Local { int x; }; }\n}", {}},
};
// clang-format on

int compare(const Case& each, const Findings& findings) {
  std::vector<int> lines;
  for (const Finding& finding : findings) {
    if (lines.empty() || lines.back() != finding.line) lines.push_back(finding.line);
  }
  if (lines == each.lines) return 0;
  std::cerr << "self-test: " << each.name << ": found at";
  for (const int line : lines) std::cerr << ' ' << line;
  std::cerr << ", expected";
  for (const int line : each.lines) std::cerr << ' ' << line;
  std::cerr << '\n';
  return 1;
}

int compare(const TypeCase& each) {
  const std::string unit = assert_types(Source("include/x.h", each.text), "x.h");
  std::vector<std::string> missing;
  std::size_t asserted = 0;
  for (std::size_t at = 0; (at = unit.find("static_assert(", at)) != std::string::npos; ++at) ++asserted;
  bool all = asserted == each.types.size();
  for (const std::string_view type : each.types) {
    all = all && unit.find("is_aggregate_v<" + std::string(type) + ">") != std::string::npos;
  }
  if (all) return 0;
  std::cerr << "self-test: " << each.name << ": asserts\n" << unit;
  return 1;
}

}  // namespace

int self_test() {
  int surprises = 0;
  for (const Case& each : coroutine_cases) {
    Findings findings;
    check_coroutines(Source(each.path, each.text), findings);
    surprises += compare(each, findings);
  }
  for (const Case& each : shown_cases) {
    Findings findings;
    const std::string code =
        each.path.ends_with(".md") ? code_in_page(each.text) : code_in_comments(each.text);
    check_coroutines(Source(each.path, code), findings);
    surprises += compare(each, findings);
  }
  for (const Case& each : layer_cases) {
    Findings findings;
    check_layers(Source(each.path, each.text), findings);
    surprises += compare(each, findings);
  }
  for (const TypeCase& each : type_cases) surprises += compare(each);
  return surprises;
}

}  // namespace lint
