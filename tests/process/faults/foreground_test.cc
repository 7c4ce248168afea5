// The interrupt that a terminal sends to its whole foreground group.

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "baton/baton.h"
#include "process/either_end.h"

namespace baton::test {
namespace {

class Foreground : public ProcessTest {
 protected:
  static void SetUpTestSuite() { const Loop first; }
};

TEST_F(Foreground, AnInterruptThatTheParentPassesOnReachesAChildInASessionOfItsOwnOnce) {
  Loop loop;
  auto parent = spawn(loop, built("peer"), {"foreground"}, SpawnOptions().terminal());
  std::string screen;
  bool typed = false;
  parent.terminal().on_data([&](std::string_view bytes) {
    screen += bytes;
    if (screen.contains("all are ready") && !std::exchange(typed, true)) parent.terminal().write("\x03");
  });
  loop.run();
  EXPECT_EQ(parent.status()->describe(), "exit code 0");
  for (const char* who : {"of the group", "detached", "a tree", "on a terminal"}) {
    EXPECT_NE(screen.find(who + std::string(": ready interrupted 1 in all")), std::string::npos) << screen;
  }
  EXPECT_NE(screen.find("the parent: 1 in all"), std::string::npos) << screen;
}

}  // namespace
}  // namespace baton::test
