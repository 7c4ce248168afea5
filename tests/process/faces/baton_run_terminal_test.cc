// `baton run` in the foreground of a terminal.

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <utility>

#include "baton/baton.h"
#include "process/faces/baton_run.h"

namespace baton::test {
namespace {

class RunOnATerminal : public BatonRun {
 protected:
  static void SetUpTestSuite() { const Loop first; }
};

TEST_F(RunOnATerminal, IsInterruptedAloneAndStopsItsWorkersByTheirStopSignalOnly) {
  const std::string app = file("app",
                               "#!/bin/sh\n"
                               "trap 'echo interrupted' INT\n"
                               "trap 'echo told to leave; kill $!; exit' TERM\n"
                               "sleep 1000 &\n"
                               "echo up\n"
                               "while :; do wait; done\n",
                               0755);
  Loop loop;
  auto run = spawn(loop, built("baton"), {"run", "--listen", "127.0.0.1:0", "--min-uptime", "0", app},
                   SpawnOptions().terminal().add_env("XDG_RUNTIME_DIR", folder + "/run"));
  std::string screen;
  bool typed = false;
  run.terminal().on_data([&](std::string_view bytes) {
    screen += bytes;
    if (screen.contains("up\r\n") && !std::exchange(typed, true)) run.terminal().write("\x03");
  });
  loop.run();
  EXPECT_EQ(run.status()->describe(), "exit code 0");
  EXPECT_NE(screen.find("told to leave"), std::string::npos) << screen;
  EXPECT_EQ(screen.find("interrupted"), std::string::npos) << screen;
}

TEST_F(RunOnATerminal, DrainsAndEndsWhenTheTerminalIsClosed) {
  const std::string app = file(
      "app",
      "#!/bin/sh\ntrap 'echo left > " + folder + "/left; exit' TERM\necho up\nwhile :; do sleep 0.01; done\n",
      0755);
  Loop loop;
  auto run = spawn(loop, built("baton"), {"run", "--ready", "alive", "--min-uptime", "0", app},
                   SpawnOptions().terminal().add_env("XDG_RUNTIME_DIR", folder + "/run"));
  std::string screen;
  run.terminal().on_data([&](std::string_view bytes) {
    screen += bytes;
    if (screen.contains("up\r\n")) run.terminal().close();
  });
  loop.run();
  EXPECT_EQ(run.status()->describe(), "exit code 0");
  EXPECT_TRUE(std::filesystem::exists(folder + "/left")) << screen;
}

// What a terminal shows of a program that says what it knows of colours.
class RunWithColours : public RunOnATerminal {
 protected:
  std::string show(const Words& options, const std::string& also = "") {
    const std::string app = file("app",
                                 "#!/bin/sh\n"
                                 "printf 'wish=%s%s \\033[31mred\\n' \"$FORCE_COLOR\" \"$CLICOLOR_FORCE\"\n"
                                 "printf '\\033[2Jclear\\n' >&2\n",
                                 0755);
    Loop loop;
    auto how = SpawnOptions().terminal().add_env("XDG_RUNTIME_DIR", folder + "/run").add_env("TERM", "xterm");
    for (const char* name : {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"}) how.remove_env(name);
    if (!also.empty()) how.add_env(also, "1");
    auto run = spawn(loop, built("baton"), Words{"run", "--restart", "never"} + options + Words{app}, how);
    std::string screen;
    run.terminal().on_data([&](std::string_view bytes) { screen += bytes; });
    loop.run();
    EXPECT_EQ(run.status()->describe(), "exit code 0") << screen;
    return screen;
  }
};

TEST_F(RunWithColours, ShowsThemWithTheTimeAndNothingElseThatATerminalObeys) {
  const std::string screen = show({});
  EXPECT_TRUE(screen.contains("[1] wish=11 \x1b[31mred\x1b[0m\r\n")) << screen;
  EXPECT_TRUE(screen.contains("[1] \\x1b[2Jclear\r\n")) << screen;
  EXPECT_TRUE(std::regex_search(screen, std::regex(R"(\d\d:\d\d:\d\d\.\d{3} \[1\] wish)"))) << screen;
  EXPECT_TRUE(std::regex_search(screen, std::regex(R"(\d\d:\d\d:\d\d\.\d{3} baton: worker 1 )"))) << screen;
}

TEST_F(RunWithColours, AsksForNoneWhereSomebodyHasSaidWhatHeWants) {
  EXPECT_TRUE(show({}, "NO_COLOR").contains("wish= "));
  EXPECT_TRUE(show({}, "FORCE_COLOR").contains("wish=1 "));
  EXPECT_TRUE(show({"--env", "NO_COLOR=1"}).contains("wish= "));
  EXPECT_TRUE(show({"--json-logs"}).contains("wish= "));
}

TEST_F(RunWithColours, HasNeitherWhereNobodyLooks) {
  const std::string app = file("app", "#!/bin/sh\nprintf 'wish=%s \\033[31mred\\n' \"$FORCE_COLOR\"\n", 0755);
  start({"--restart", "never", app}, StartOptions().variable("FORCE_COLOR", ""));
  EXPECT_EQ(printed("wish"), "[1] wish= \\x1b[31mred");
  EXPECT_EQ(end(), "exit 0");
}

}  // namespace
}  // namespace baton::test
