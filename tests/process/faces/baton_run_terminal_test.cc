// `baton run` in the foreground of a terminal.

#include <gtest/gtest.h>

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
  auto run = spawn(loop, BATON, {"run", "--listen", "127.0.0.1:0", "--min-uptime", "0", app},
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

}  // namespace
}  // namespace baton::test
