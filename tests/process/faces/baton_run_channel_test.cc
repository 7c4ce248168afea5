// Who gets a channel under `baton run`, and what his helpers find of it.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "process/faces/baton_run.h"
#include "support/programs.h"

namespace baton::test {
namespace {

const Words alive = {"--ready", "alive", "--min-uptime", "0"};

class RunChannel : public BatonRun {
 protected:
  void SetUp() override {
    if (!has("node") || !has("python3")) GTEST_SKIP() << "there is no Node, or no Python";
    // Says what it takes itself for, and serves.
    helper = file("helper.js", R"(
console.log('helper', require('cluster').isWorker, process.connected === true, process.env.NODE_OPTIONS,
  Object.keys(process.env).filter((key) => key.startsWith('BATON_PRELOAD')).length);
require('http').createServer((request, response) => response.end('helper')).listen(0, '127.0.0.1');
)");
  }
  // A program that leaves its descriptors to a helper, until it is told to end.
  [[nodiscard]] std::string python(const std::string& name = "app.py", unsigned mode = 0644) const {
    return file(name,
                R"(#!/usr/bin/env python3
import signal, subprocess, sys
helper = subprocess.Popen(['node', ')" +
                    helper + R"('], close_fds=False)
def told(*_):
    helper.kill()
    helper.wait()
    print('told', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, told)
while True: signal.pause()
)",
                mode);
  }

  std::string helper;
};

TEST_F(RunChannel, IsNotForALanguageThatCannotSpeakNorForWhatItStarts) {
  for (const Words& words : {Words{"python3", python()}, Words{python("app", 0755)},
                             Words{"--interpreter", "python3", python()}}) {
    start(alive + words);
    EXPECT_EQ(printed("helper"), "[1] helper false false undefined 0");
    program.signal(SIGTERM);
    printed("told");
    told("exit code 0, told to stop");
    const Words rest = program.errors.rest();
    for (const std::string& line : rest) EXPECT_FALSE(line.starts_with("listening on")) << line;
    EXPECT_EQ(end(), "exit 0");
  }
}

TEST_F(RunChannel, IsForShellsAndScriptsThatStartNode) {
  const std::string app = node_server();
  const std::string entrypoint = file("entrypoint", "#!/bin/sh\nnode " + app + "\n", 0755);
  const std::string www = file("www", "#!/usr/bin/env node\nrequire('" + app + "')\n", 0755);
  for (const Words& words :
       {Words{"sh", "-c", "node " + app}, Words{entrypoint}, Words{www}, Words{"node", app}}) {
    const Place place = port_of(start_listening(words));
    EXPECT_FALSE(body_of(ask(place)).empty());
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
}

TEST_F(RunChannel, IsBesideSocketsForNodeAndBatonProgramsAlone) {
  const Words handed = {"--listen", "127.0.0.1:0", "--min-uptime", "1h"};
  // Each of these would be ready in an hour if it did not speak.
  for (const Words& words : {Words{node_server()}, Words{built("cluster_hello"), "--port", "0"}}) {
    start(handed + words);
    told("ready after");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
  start(Words{"--listen", "127.0.0.1:0"} + alive + Words{"sh", "-c", "node " + helper});
  EXPECT_EQ(printed("helper"), "[1] helper false false undefined 0");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunChannel, IsForEveryProgramOfTheLibraryWhateverItsName) {
  const std::string copy = folder + "/python3";
  if (std::system(("strip -o " + copy + " " + built("cluster_hello")).c_str()) != 0) {
    GTEST_SKIP() << "there is no strip";
  }
  start({"--ready", "auto", "--listen-timeout", "1h", copy, "--port", "0"});
  told("ready after");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunChannel, EndsWithTheServerThoughItsShellGoesOnSoThatAnotherOneServes) {
  const std::string app = node_server();
  const Place place = port_of(start_listening({"sh", "-c", "node " + app + "; exec sleep 1000"}));
  const std::string first = body_of(ask(place));
  EXPECT_FALSE(first.empty());
  ask(place, "/exit");
  told("killed by SIGTERM");
  const std::string second = body_of(ask(place));
  EXPECT_FALSE(second.empty());
  EXPECT_NE(second, first);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunChannel, IsNoChannelOfWhoComesAfterAHelperThatWasOnline) {
  const std::string server = file("server.py", R"(
import signal, sys
def told(*_):
    print('told', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, told)
print('up', flush=True)
signal.pause()
)");
  const std::string entrypoint = file(
      "entrypoint", "#!/bin/sh\nnode " + file("migrate.js", "") + "\nexec python3 " + server + "\n", 0755);
  start(Words{"--kill-timeout", "0"} + alive + Words{entrypoint});
  printed("up");
  program.signal(SIGTERM);
  printed("told");
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(RunChannel, IsWhereTheCommandLineSaysSo) {
  const std::string speaker = file("speaker.py", R"(
import os, signal
os.write(int(os.environ['NODE_CHANNEL_FD']), b'"ready"\n')
signal.pause()
)");
  for (const Words& how : {Words{"--channel", "yes"}, Words{"--ready", "message"}}) {
    start(Words{"--listen-timeout", "1h"} + how + Words{"python3", speaker});
    told("ready after");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
  start(Words{"--channel", "no"} + alive + Words{helper});
  EXPECT_EQ(printed("helper"), "[1] helper false false undefined 0");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
