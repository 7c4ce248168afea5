// One small conversation, each side of it in every language that docs/channel.md shows.

#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "interop/world.h"

namespace baton::test {
namespace {

struct Pair {
  std::string parent;
  std::string child;
};
std::string name_of(const Pair& pair) { return "Parent_" + pair.parent + "_Child_" + pair.child; }
void PrintTo(const Pair& pair, std::ostream* out) { *out << name_of(pair); }

std::vector<Pair> every_pair() {
  std::vector<Pair> pairs;
  for (const std::string parent : {"cpp", "js", "py", "sh"}) {
    for (const std::string child : {"cpp", "js", "py", "sh"}) pairs.push_back({parent, child});
  }
  return pairs;
}

bool is_installed(const std::string& program) {
  return ::system(("command -v " + program + " >/dev/null").c_str()) == 0;
}

class Languages : public World, public testing::WithParamInterface<Pair> {
 protected:
  void SetUp() override {
    const auto& [parent, child] = GetParam();
    if ((parent == "js" || child == "js") && !has_node()) GTEST_SKIP() << "there is no Node";
    if ((parent == "py" || child == "py") && !is_installed("python3")) GTEST_SKIP() << "there is no Python";
    if (parent == "sh" && !is_installed("socat")) GTEST_SKIP() << "there is no socat";
  }
  static std::vector<std::string> command(const std::string& role, const std::string& language) {
    if (language == "cpp") return {built("channel_" + role)};
    std::string file = source("examples/channel/" + role + "." + language);
    if (language == "js") return {node_program(), std::move(file)};
    return {std::move(file)};
  }
};
INSTANTIATE_TEST_SUITE_P(Each, Languages, testing::ValuesIn(every_pair()),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(Languages, TalkToEachOther) {
  auto whole = command("parent", GetParam().parent);
  for (auto& word : command("child", GetParam().child)) whole.push_back(std::move(word));
  Program& parent = run(whole);
  const auto said = parent.rest();
  ASSERT_EQ(said.size(), 5U) << testing::PrintToString(said);
  EXPECT_TRUE(said[0].starts_with("child said {\"pid\":")) << said[0];
  EXPECT_EQ(said[1], R"(child said {"you_said":{"id":1,"path":"ä.png"}})");
  EXPECT_EQ(said[2], R"(child said {"you_said":"two"})");
  EXPECT_EQ(said[3], R"(child said {"you_said":[3,null]})");
  EXPECT_EQ(said[4], "the channel has ended");
  EXPECT_EQ(parent.wait(), 0);
}

}  // namespace
}  // namespace baton::test
