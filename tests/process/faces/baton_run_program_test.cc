// `baton run` with any program: what it is told, what is said of it, who is in its way.

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "process/faces/baton_run.h"
#include "support/free_port.h"
#include "support/signal_one.h"

namespace baton::test {
namespace {

const Words at_once = {"--ready", "alive", "--min-uptime", "0"};

class RunAnyProgram : public BatonRun {
 protected:
  [[nodiscard]] std::string script(const std::string& text) const {
    return file("app", "#!/bin/sh\n" + text, 0755);
  }
};

TEST_F(RunAnyProgram, TellsEachWorkerAStableNumberThatItsSuccessorHasToo) {
  start(at_once + Words{"-i", "2",
                        script("echo \"numbers $NODE_APP_INSTANCE $BATON_INSTANCE $$\"\nexec sleep 1000\n")});
  std::set<std::string> first = {printed("numbers").substr(0, 15), printed("numbers").substr(0, 15)};
  EXPECT_EQ(first, (std::set<std::string>{"[1] numbers 0 1", "[2] numbers 1 2"}));
  program.signal(SIGHUP);
  first = {printed("numbers").substr(0, 15), printed("numbers").substr(0, 15)};
  EXPECT_EQ(first, (std::set<std::string>{"[1] numbers 0 1", "[2] numbers 1 2"}));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, CountsInspectorPortsUpAsNodeDoes) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const int port = free_port();
  start({"-i", "2", "--interpreter", "node --inspect=" + std::to_string(port), node_server()});
  std::set<std::string> ports;
  for (int i = 0; i < 2; ++i) {
    const std::string line = told("Debugger listening on ws://127.0.0.1:");
    const size_t at = line.find("127.0.0.1:") + 10;
    ports.insert(line.substr(at, line.find('/', at) - at));
  }
  EXPECT_EQ(ports, (std::set<std::string>{std::to_string(port + 1), std::to_string(port + 2)}));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, IsAJobThatEndsWhenItsWorkIsDone) {
  EXPECT_EQ(play({"--restart", "on-failure", "true"}), "exit 0");
  EXPECT_TRUE(lines.back().ends_with("every worker has ended, and none is started again")) << lines.back();
  EXPECT_EQ(play({"--restart", "never", "false"}), "exit 1");
  EXPECT_TRUE(lines.back().contains("exit code 1")) << lines.back();
}

TEST_F(RunAnyProgram, OfNodeEndsWhenItHasNothingLeftToDoUnlessItWaitsForMessages) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  EXPECT_EQ(play({"--restart", "on-failure", file("job.js", "setTimeout(() => {}, 10);\n")}), "exit 0");
  EXPECT_EQ(play({"--restart", "never", file("failing.js", "process.exitCode = 3;\n")}), "exit 1");
  for (const char* waits :
       {"process.on('message', () => {})", "require('cluster').worker.on('message', () => {})"}) {
    // The timer alone keeps nobody.
    start(at_once + Words{file("waits.js", std::string(waits) +
                                               ";\nprocess.on('beforeExit', () => console.log('ends'));\n"
                                               "setTimeout(() => console.log('waits'), 100).unref();\n")});
    EXPECT_EQ(printed("s"), "[1] waits");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
}

TEST_F(RunAnyProgram, IsToldHowToBeAJobWhenItEndsAgainAndAgain) {
  EXPECT_EQ(play({"--backoff", "1ms..1ms", "true"}), "exit 4");
  EXPECT_TRUE(lines.back().contains("--restart on-failure")) << lines.back();
}

TEST_F(RunAnyProgram, NamesTheOrphanOfAnEarlierOneThatHasItsPort) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string port = std::to_string(free_port());
  start(Words{"--orphans", "keep", "--listen", "127.0.0.1:" + port} + at_once + Words{"sleep", "1000"});
  const std::string started = told("started");
  told("listening on");
  const pid_t baton = program.pid();
  const pid_t orphan = std::atoi(started.substr(started.find("pid ") + 4).c_str());
  program.signal(SIGKILL);
  EXPECT_EQ(program.end(), "signal 9");

  start({"--listen", "127.0.0.1:" + port, "sleep", "1000"});
  const std::string why = told("address already in use");
  EXPECT_TRUE(why.contains("; held by process " + std::to_string(orphan) + " (")) << why;
  EXPECT_TRUE(why.ends_with("sleep 1000), left by a baton that has ended (pid " + std::to_string(baton) +
                            "): `kill " + std::to_string(orphan) + "` frees it"))
      << why;
  EXPECT_EQ(program.end(), "exit 3");
  ASSERT_TRUE(signal_one(orphan, SIGKILL));
  EXPECT_EQ(collect(orphan), "signal 9");
}

TEST_F(RunAnyProgram, IsNamedWhenItGoesToTheBackground) {
  start({"--backoff", "1h..1h", script("setsid sleep 1000 >/dev/null 2>&1 &\nexit 0\n")});
  EXPECT_TRUE(told("exit code 0").contains("it went to the background: process "));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, SaysThatASecondSignalKilledIt) {
  start(at_once + Words{script("trap '' TERM\necho up\nwhile :; do sleep 1000; done\n")});
  printed("up");
  program.signal(SIGTERM);
  told("told to stop");
  program.signal(SIGTERM);
  EXPECT_TRUE(told("killed by SIGKILL").ends_with("(as all were killed at once)"));
  EXPECT_EQ(end(), "exit 143");
}

TEST_F(RunAnyProgram, LeavesNoFileOfASocketThatItMadeWhenItEndsInOrder) {
  const std::string path = folder + "/app.sock";
  start(Words{"--listen", "unix:" + path, "--listen", "unix:" + path + "2"} + at_once +
        Words{"sleep", "1000"});
  told("listening on unix:" + path);
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_FALSE(std::filesystem::exists(path) || std::filesystem::exists(path + "2"));
}

TEST_F(RunAnyProgram, LeavesTheFileOfASocketThatAnotherOneHasMadeThereSince) {
  const std::string path = folder + "/app.sock";
  start(Words{"--listen", "unix:" + path} + at_once + Words{"sleep", "1000"});
  told("listening on unix:" + path);
  std::filesystem::rename(path, path + ".moved");
  std::ofstream(path) << "somebody else's";
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(RunAnyProgram, GivesTheFileOfASocketToWhomItIsFor) {
  const std::string path = folder + "/app.sock";
  const bool root = ::geteuid() == 0;
  start(Words{"--listen", "unix:" + path + ",mode=620" + (root ? ",owner=65534,group=65533" : "")} + at_once +
        Words{"sleep", "1000"});
  told("listening on unix:" + path);
  struct stat about{};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0620U);
  EXPECT_EQ(about.st_uid, root ? 65534 : ::getuid());
  EXPECT_EQ(about.st_gid, root ? 65533 : ::getgid());
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, HandsOverSocketsOfUdp) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string port = std::to_string(free_port());
  const std::string app = file("app.py",
                               "import os, socket\n"
                               "print(os.environ['LISTEN_FDNAMES'], flush=True)\n"
                               "receiver = socket.socket(fileno=3)\n"
                               "while True: print('got', receiver.recv(100).decode(), flush=True)\n");
  start(Words{"--listen", "dns=udp:127.0.0.1:" + port} + at_once + Words{"python3", app});
  EXPECT_EQ(printed("dns"), "[1] dns");
  EXPECT_TRUE(told("listening on").starts_with("listening on 127.0.0.1:" + port + " (udp) ("));
  const Fd sender(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(
      ::sendto(sender.get(), "hello", 5, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address), 5);
  EXPECT_EQ(printed("got"), "[1] got hello");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, IgnoresHangupUnderNohupAndReloadsOnUserSignalTwo) {
  program = Program("/usr/bin/env", Words{"nohup", built("baton"), "run"} + at_once + Words{"sleep", "1000"},
                    StartOptions().variable("XDG_RUNTIME_DIR", folder + "/run"));
  told("ready after");
  program.signal(SIGHUP);
  program.signal(SIGUSR2);
  told("reload done");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, IsTypeScriptIfNodeRunsThatElseItSaysWhatIsMissing) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app =
      file("app.ts",
           "const port: number = 0;\n"
           "require('http').createServer((_: any, r: any) => r.end('typed')).listen(port, '127.0.0.1');\n");
  const bool can = std::system("node -p 'process.features.typescript' | grep -q strip") == 0;
  if (can) {
    EXPECT_EQ(body_of(ask(port_of(start_listening({app})))), "typed");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  } else {
    EXPECT_EQ(play({app}), "exit 126");
    EXPECT_TRUE(
        lines.back().contains("does not run TypeScript: Node 22.18 and newer do, or `npm install tsx`"))
        << lines.back();
  }
}

TEST_F(RunAnyProgram, SaysWhatToWriteInPlaceOfAPackageManager) {
  if (!has("npm")) GTEST_SKIP() << "there is no npm";
  file("package.json", R"({"scripts": {"start": "node app.js"}})");
  file("app.js", "setInterval(() => {}, 1000);\n");
  start({"--cwd", folder, "npm", "start"});
  EXPECT_TRUE(told("the worker is npm").ends_with("outside the cluster: better `baton run app.js`"));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, FindsNothingInItsStandardInputOrAPipeThatDoesNotEnd) {
  const std::string app =
      script("if read line; then echo something; else echo nothing; fi\nexec sleep 1000\n");
  start(at_once + Words{app});
  EXPECT_EQ(printed("thing"), "[1] nothing");
  EXPECT_EQ(end(SIGTERM), "exit 0");
  // It waits for a line until it is told to end.
  start(at_once + Words{"--stdin", "pipe", script("trap 'echo told; exit' TERM\necho reading\nread line\n")});
  printed("reading");
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_EQ(program.output.rest(), Words{"[1] told"});
}

// As the entrypoints of many images do it.
TEST_F(RunAnyProgram, FindsTheModuleAndTheNotifySocketThoughItBecomesAnotherUser) {
  if (::geteuid() != 0 || !has("setpriv") || !has("node")) GTEST_SKIP() << "needs root, setpriv and Node";
  ::chmod(folder.c_str(), 0755);
  const std::string app = node_server("console.log('user', process.getuid(), process.env.NODE_OPTIONS);\n");
  const Words other = {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
  const Place place = port_of(start_listening(admin() + other + Words{"node", app}));
  EXPECT_EQ(printed("user"), "[1] user 65534 undefined");
  EXPECT_FALSE(body_of(ask(place)).empty());
  // Which only the module tells.
  status_when([](const Value& now) { return now["workers"][0]["connections"].get_if_integer().has_value(); });
  EXPECT_EQ(end(SIGTERM), "exit 0");

  const std::string sayer = file("sayer.py", R"(
import os, signal, socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])
signal.pause()
)");
  start(Words{"--ready", "notify"} + other + Words{"/usr/bin/env", "python3", sayer});
  told("ready after");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, RunsWithoutTheModuleWhereAnotherUserWouldNotFindIt) {
  const std::string hide = "mount -t proc -o hidepid=2 proc /proc && ";
  const std::string unshare = "unshare -m --propagation private sh -c ";
  if (!has("node") || !has("setpriv") ||
      std::system((unshare + "'" + hide + "true' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "needs Node, setpriv and leave to mount /proc";
  }
  ::chmod(folder.c_str(), 0755);
  const std::string run = built("baton") + " run setpriv --reuid 65534 --clear-groups node " + node_server();
  program =
      Program("/usr/bin/env", {"unshare", "-m", "--propagation", "private", "sh", "-c", hide + "exec " + run},
              StartOptions().variable("XDG_RUNTIME_DIR", folder + "/run"));
  told("Node programs run without the preload module: they would not find it in /proc");
  told("listening on");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAnyProgram, OfNodeLeavesNothingOfTheModuleToWhatItStarts) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string child = file("child.js", R"(
console.log('child', process.env.NODE_OPTIONS, process.env.BATON_PRELOAD, process.execArgv.length, !!process.channel);
)");
  const std::string app = file("app.js", R"(
require('child_process').spawn(process.execPath, [')" +
                                             child + R"('], { stdio: 'inherit' });
require('http').createServer(() => {}).listen(0, '127.0.0.1');
)");
  for (const Words& words : {Words{app}, Words{"sh", "-c", "node " + app}}) {
    start(Words{"--env", "NODE_OPTIONS=--no-warnings"} + words);
    EXPECT_EQ(printed("child"), "[1] child --no-warnings undefined 0 false");
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
}

TEST_F(RunAnyProgram, OfAShellMayAskNodeForAWord) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  EXPECT_EQ(play({"-i", "1", "--ready", "alive", "--min-uptime", "0", "--restart", "never", "sh", "-c",
                  "node -e 'console.log(6 * 7)'; true"}),
            "exit 0");
  for (const std::string& line : lines) EXPECT_FALSE(line.contains("preload")) << line;
}

TEST_F(RunAnyProgram, SaysWhatToWriteForAFolder) {
  file("package.json", R"({"scripts": {"start": "node server.js"}})");
  EXPECT_EQ(play({"--cwd", folder, "."}), "exit 126");
  EXPECT_TRUE(lines.back().ends_with("`baton run server.js`")) << lines.back();
}

TEST_F(RunAnyProgram, SaysThatAScriptHasLineEndsOfWindows) {
  EXPECT_EQ(play({file("app", "#!/bin/sh\r\necho x\r\n", 0755)}), "exit 126");
  EXPECT_TRUE(lines.back().contains("ends as on Windows")) << lines.back();
}

}  // namespace
}  // namespace baton::test
