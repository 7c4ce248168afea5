#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "interop/node.h"
#include "process/either_end.h"

namespace baton::test {

/// Who is Node in a test of a parent and a child that are there twice, as `family` and as family.js.
enum class Kin { our_parent, our_child, both_ours };
inline void PrintTo(Kin kin, std::ostream* out) {
  static const char* const names[] = {"OurParent", "OurChild", "Both"};
  *out << names[static_cast<size_t>(kin)];
}
inline std::string name_of_kin(const testing::TestParamInfo<Kin>& test) {
  return testing::PrintToString(test.param);
}
inline auto all_kin() { return testing::Values(Kin::our_parent, Kin::our_child, Kin::both_ours); }

using Texts = std::vector<std::string>;

class Family : public ProcessTest, public testing::WithParamInterface<Kin> {
 protected:
  void SetUp() override {
    if (GetParam() != Kin::both_ours && node_program().empty()) GTEST_SKIP() << "there is no Node";
  }
  /// The module that the parent is, and its child.
  static std::string parents_module() { return module(GetParam() != Kin::our_child); }
  static std::string childs_module() { return module(GetParam() != Kin::our_parent); }

  void start_with(Texts arguments) {
    std::string program = parents_module();
    if (GetParam() == Kin::our_child) {
      arguments.insert(arguments.begin(), program);
      program = node_program();
    }
    parent = Program(program, arguments, StartOptions().variable("BATON_NODE", node_program()));
  }
  /// The parent with this act, whose child is the other module.
  void start(const std::string& act, const Texts& more = {}) {
    Texts arguments = {act, childs_module()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    start_with(std::move(arguments));
  }
  std::string line() { return parent.output.next().value_or("the end"); }
  /// That is all it still says, and it complains of nothing.
  void expect_rest(const Texts& lines, const std::string& end = "exit 0") {
    EXPECT_EQ(parent.output.rest(), lines);
    EXPECT_EQ(parent.errors.rest(), Texts());
    EXPECT_EQ(parent.end(), end);
  }
  void expect_all(const std::string& act, const Texts& more, const Texts& lines) {
    start(act, more);
    expect_rest(lines);
  }

  Program parent;

 private:
  static std::string module(bool ours) {
    return ours ? built("family") : std::string(BATON_SOURCES) + "/tests/interop/family/family.js";
  }
};

}  // namespace baton::test
