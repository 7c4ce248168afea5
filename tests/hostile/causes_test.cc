// Small causes: what cleaners, limits, signals and full disks do to a service on any day. None may end it.

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "baton/base/fd.h"
#include "baton/spawn/sync.h"
#include "hostile/hostile.h"
#include "support/file_text.h"
#include "support/free_port.h"
#include "support/slow_calls.h"

namespace baton::test {
namespace {

using namespace std::chrono_literals;

constexpr auto causes_patience = 20s;

class Causes : public Hostile {
 protected:
  Causes() {
    // Workers may be other users.
    ::chmod(folder.c_str(), 0755);
    std::filesystem::create_directory(folder + "/tmp");
  }

  // Whoever is left of a test that has failed goes with it.
  void TearDown() override {
    std::filesystem::create_directory(folder + "/run");
    Hostile::TearDown();
  }

  void start_somewhere(const Words& arguments) {
    start(arguments, StartOptions().variable("TMPDIR", folder + "/tmp"));
  }
  std::string start_python(const Words& options, const Words& words) {
    start_somewhere(options + Words{"--min-uptime", "10ms", "--listen", "127.0.0.1:0"} + words);
    const std::string line = told("listening on ");
    return line.substr(13, line.find(" (") - 13);
  }
  [[nodiscard]] std::string script_that(const std::string& does) const {
    return file("app", "#!/bin/sh\n" + does, 0755);
  }
  // Only a Node worker that has the module tells of its loop.
  void expect_module() const {
    EXPECT_TRUE(within_patience([this] {
      return body_of(ask(Place(folder + "/admin"), "/metrics")).contains("baton_worker_loop_lag_seconds{");
    }));
  }
  // All that a cleaner of /tmp or the end of a login takes away.
  void clean() const {
    std::filesystem::remove_all(folder + "/run");
    std::filesystem::remove_all(folder + "/tmp");
  }
  [[nodiscard]] static pid_t who(const std::string& address) {
    return std::atoi(body_of(ask(port_of(address))).c_str());
  }
  // Of a process with a parent of its own.
  static bool is_there(pid_t pid) {
    ::waitpid(pid, nullptr, WNOHANG);
    return ::kill(pid, 0) == 0;
  }
  template <class Condition>
  static bool within_patience(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + causes_patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  // Who watches over the baton that runs; 0: nobody.
  [[nodiscard]] pid_t warden() const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      std::string command;
      std::getline(file, command, '\0');
      if (command.starts_with("/* baton:") &&
          command.contains("(pid " + std::to_string(program.pid()) + ")")) {
        return std::atoi(entry.path().filename().c_str());
      }
    }
    return 0;
  }
  // Kills baton as nobody should; how many milliseconds somebody of its tree was there afterwards.
  double kill_for_good() {
    const auto begin = std::chrono::steady_clock::now();
    program.signal(SIGKILL);
    EXPECT_EQ(program.end(), "signal 9");
    // Whoever loses its parent becomes a child of this process.
    EXPECT_TRUE(within_patience([] { return ::waitpid(-1, nullptr, WNOHANG) < 0; })) << "somebody lives on";
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  }
  // A program that is started by the shell after some words of its.
  void start_by_shell(const std::string& before, const Words& arguments, const std::string& after = "") {
    std::string line = before + "; exec \"$0\" run \"$@\" " + after;
    program = Program("/bin/sh", Words{"-c", line, built("baton")} + arguments,
                      StartOptions().variable("XDG_RUNTIME_DIR", folder + "/run"));
  }
};

TEST_F(Causes, CleanersOfTemporaryFoldersEndNoNodeService) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = node_server(
      "if (process.env.NODE_OPTIONS || process.env.BATON_PRELOAD) throw new Error('it sees what is "
      "ours');\n");
  start_somewhere(admin() + Words{"--min-uptime", "0", app});
  const std::string line = told("listening on ");
  const std::string address = line.substr(13, line.find(" (") - 13);
  EXPECT_TRUE(std::filesystem::is_empty(folder + "/run") && std::filesystem::is_empty(folder + "/tmp"));
  for (int i = 0; i < 2; ++i) {
    clean();
    const pid_t worker = who(address);
    ::kill(worker, SIGKILL);
    told("ready after");
    EXPECT_NE(who(address), worker);
  }
  expect_module();
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Causes, AWardenThatIsKilledHasASuccessor) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  start_somewhere(admin() + Words{"--min-uptime", "0", node_server()});
  const std::string line = told("listening on ");
  const std::string address = line.substr(13, line.find(" (") - 13);
  const pid_t first = warden();
  ASSERT_GT(first, 1);
  ::kill(first, SIGKILL);
  told("there is another one");
  EXPECT_NE(warden(), first);
  // What was started before knows the module by the name of the first one's file, which nobody else may have.
  std::ifstream file("/proc/" + std::to_string(first) + "/cmdline");
  EXPECT_TRUE(file.is_open() && file.peek() == std::ifstream::traits_type::eof());
  ::kill(who(address), SIGKILL);
  told("ready after");
  expect_module();
  (void)kill_for_good();
}

// Who starts a warden may be killed before baton is told of it: then there is another one, and the orders of
// the first end.
TEST_F(Causes, AWardenThatBatonDoesNotKnowKillsNobody) {
  for (const bool known : {false, true}) {
    Program guarded("/bin/sleep", {"1000"});
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    Fd theirs(ends[0]);
    Fd orders(ends[1]);
    auto how = SpawnOptions().arg0("/* baton: of a test */").detached();
    how.pass(std::move(theirs), 0).stdio(2, Stdio::ignore());
    const auto started = exec_file_sync(built("baton"), {}, ExecOptions(std::move(how)));
    ASSERT_TRUE(started) << started.error().what();
    const pid_t warden = std::atoi(started->out().c_str());
    ASSERT_GT(warden, 1);
    const std::string text = (known ? "!\n+" : "+") + std::to_string(guarded.pid()) + "\n";
    ASSERT_EQ(::write(orders.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    orders.reset();
    EXPECT_EQ(::waitpid(warden, nullptr, 0), warden);
    if (known) {
      EXPECT_EQ(guarded.end(), "signal 9");
    } else {
      EXPECT_EQ(::kill(guarded.pid(), 0), 0);
      EXPECT_EQ(::waitpid(guarded.pid(), nullptr, WNOHANG), 0) << "it was killed";
    }
  }
}

TEST_F(Causes, NorThoseThatSayThatTheyAreReady) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string address = start_python({"--ready", "notify"}, {python(), worker("listens.py"), "ready"});
  clean();
  const pid_t first = who(address);
  ::kill(first, SIGKILL);
  told("ready after");
  EXPECT_NE(who(address), first);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Causes, EntrypointsThatChangeTheirUserFindWhatTheyNeed) {
  if (::getuid() != 0 || !has("setpriv") || !has("python3") || !has("node"))
    GTEST_SKIP() << "not possible here";
  const Words nobody = {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
  start_somewhere(admin() + nobody + Words{"node", node_server()});
  const std::string line = told("listening on ");
  EXPECT_GT(who(line.substr(13, line.find(" (") - 13)), 0);
  expect_module();
  EXPECT_EQ(end(SIGTERM), "exit 0");

  const std::string script = folder + "/listens.py";
  std::filesystem::copy_file(worker("listens.py"), script);
  const std::string address = start_python({"--ready", "notify"}, nobody + Words{python(), script, "ready"});
  EXPECT_GT(who(address), 0);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Causes, WhoKillsBatonKillsItsProgramsAndFreesThePort) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string address = start_python({}, {python(), worker("listens.py"), "child", "deaf"});
  expect_in_time("programs live on after kill -9 of baton", kill_for_good(), 1000);
  EXPECT_TRUE(std::filesystem::is_empty(folder + "/run") && std::filesystem::is_empty(folder + "/tmp"));
  // With another one on the same port it goes on.
  start_somewhere({"--min-uptime", "10ms", "--listen", address, python(), worker("listens.py")});
  told("listening on ");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Causes, AlsoThoseThatHaveChangedTheirUser) {
  if (::getuid() != 0 || !has("setpriv")) GTEST_SKIP() << "not possible here";
  const std::string app = file("app.sh", "echo \"I am $$\"\nsleep 1000\nsleep 1000\n");
  start_somewhere({"--listen", "127.0.0.1:0", "setpriv", "--reuid", "65534", "--regid", "65534",
                   "--clear-groups", "sh", app});
  const std::string line = printed("I am ");
  const pid_t pid = std::atoi(line.substr(line.find("am ") + 3).c_str());
  ASSERT_GT(pid, 1);
  expect_in_time("programs of another user live on after kill -9 of baton", kill_for_good(), 1000);
}

TEST_F(Causes, AlsoDaemonsThatAProgramHadLeftBehind) {
  const std::string app = script_that("(setsid sh -c 'sleep 1000 & echo \"I am $!\"')\nexec sleep 1000\n");
  start_somewhere({"--listen", "127.0.0.1:0", app});
  const std::string line = printed("I am ");
  ASSERT_GT(std::atoi(line.substr(line.find("am ") + 3).c_str()), 1);
  expect_in_time("daemons of programs live on after kill -9 of baton", kill_for_good(), 1000);
}

// A thread of it that the kernel holds keeps its descriptors open.
TEST_F(Causes, AlsoWhileTheKernelHoldsAThreadOfIt) {
  const std::string mountpoint = folder + "/mount";
  std::filesystem::create_directory(mountpoint);
  Program can(python(), {worker("stuck.py"), "can", mountpoint});
  if (can.end() != "exit 0") GTEST_SKIP() << can.errors.next().value_or("there is no Python");
  start_somewhere({"--listen", "127.0.0.1:0", python(), worker("stuck.py"), "send", mountpoint});
  printed("no more is taken by the channel");
  expect_in_time("programs live on after kill -9 of baton while the kernel holds a thread of it",
                 kill_for_good(), 3000);
}

// On a busy machine the warden may not learn in time who a process is: then it is who it was.
TEST_F(Causes, ALookOfTheWardenThatTakesLongEndsNoService) {
  start_somewhere({"--min-uptime", "0", "--ready", "alive", "sleep", "1000"});
  const std::string ready = told("ready after");
  const pid_t worker = std::atoi(ready.substr(ready.find("(pid ") + 5).c_str());
  ASSERT_GT(worker, 1);
  {
    const SlowCalls slow(warden(), SYS_openat, 300ms);
    EXPECT_TRUE(within_patience([&] { return slow.refused() || slow.count() >= 4; }));
    if (slow.refused()) GTEST_SKIP() << "nobody may trace another here";
  }
  EXPECT_EQ(::kill(worker, 0), 0) << "it was killed";
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Causes, WhoseProgramsShallLiveOnMayKillItAndTheyStillWrite) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string address = start_python({"--orphans", "keep"}, {python(), worker("listens.py"), "talk"});
  const pid_t pid = who(address);
  const pid_t watcher = warden();
  ASSERT_GT(watcher, 1);
  printed("still here");
  program.signal(SIGKILL);
  EXPECT_EQ(program.end(), "signal 9");
  // More than any pipe holds of what was written before.
  for (int i = 0; i < 100; ++i) printed("still here");
  EXPECT_EQ(who(address), pid);
  EXPECT_EQ(::kill(watcher, 0), 0) << "it holds what programs are started with as long as there are any";
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(within_patience([&] { return !is_there(pid); }));
}

TEST_F(Causes, WhatAnEntrypointHasStartedBeforeLivesOn) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  start_by_shell("setsid sleep 1000 & echo of the entrypoint: $!; (setsid sleep 1000 & echo a daemon: $!)",
                 {"--min-uptime", "0", "--listen", "127.0.0.1:0", python(), worker("listens.py")});
  const std::vector<pid_t> before{std::atoi(printed("of the entrypoint: ").substr(19).c_str()),
                                  std::atoi(printed("a daemon: ").substr(10).c_str())};
  for (const pid_t pid : before) ASSERT_GT(pid, 1);
  for (int i = 0; i < 3; ++i) {
    const std::string ready = told("ready after");
    if (i < 2) ::kill(std::atoi(ready.substr(ready.find("(pid ") + 5).c_str()), SIGKILL);
  }
  program.signal(SIGTERM);
  EXPECT_EQ(program.end(), "exit 0");
  for (const pid_t pid : before) {
    EXPECT_TRUE(is_there(pid));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

TEST_F(Causes, NoStraySignalEndsAService) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string address = start_python({}, {python(), worker("listens.py")});
  const pid_t before = who(address);
  const std::set<int> meant = {SIGINT,  SIGTERM, SIGHUP,  SIGUSR2, SIGTTIN, SIGTTOU, SIGKILL, SIGSTOP,
                               SIGTSTP, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,  SIGSEGV, SIGSYS};
  for (int number = 1; number <= SIGRTMAX; ++number) {
    if (!meant.contains(number)) program.signal(number);
  }
  EXPECT_EQ(who(address), before);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Causes, ChildrenDieOfSignalsAsEver) {
  const std::string app = script_that("kill -USR1 $$\n");
  EXPECT_EQ(play({"--backoff", "1ms..1ms", app}), "exit 4");
  EXPECT_TRUE(lines.back().contains("killed by SIGUSR1")) << lines.back();
}

TEST_F(Causes, ALogThatMayNotGrowEndsNoService) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string log = folder + "/log";
  start_by_shell("ulimit -f 8",
                 {"--min-uptime", "10ms", "--listen", "unix:" + folder + "/place", "python3",
                  worker("listens.py"), "talk"},
                 ">" + log + " 2>&1");
  ASSERT_TRUE(within_patience([&] {
    std::error_code none;
    return std::filesystem::file_size(log, none) >= 4096 && !none;
  }));
  const std::string answer = body_of(ask(Place(folder + "/place")));
  EXPECT_GT(std::atoi(answer.c_str()), 0);
  EXPECT_EQ(end(SIGTERM), "exit 0");
  expect_within("log with RLIMIT_FSIZE of 4 KiB", static_cast<double>(std::filesystem::file_size(log)), 4096,
                "bytes");
}

TEST_F(Causes, WithTooFewDescriptorsItSaysSoInALine) {
  const std::string app = script_that("exec sleep 1000\n");
  for (int limit = whole() ? 5 : 20; limit < 64; limit += whole() ? 1 : 20) {
    start_by_shell("ulimit -n " + std::to_string(limit),
                   {"--min-uptime", "10ms", "--listen", "127.0.0.1:0", app});
    Words said;
    while (auto line = program.errors.next()) {
      said.push_back(*line);
      if (line->starts_with("listening on ")) program.signal(SIGTERM);
    }
    const std::string how = end();
    if (how == "exit 0") continue;
    EXPECT_EQ(how, "exit 1") << "with " << limit;
    ASSERT_EQ(said.size(), 1U) << "with " << limit;
    EXPECT_TRUE(said.front().contains("`ulimit -n`")) << said.front();
  }
}

// It can start neither thread nor process then.
TEST_F(Causes, AWorkerThatTakesEveryProcessOfItsUserEndsNoService) {
  if (::getuid() != 0 || !has("setpriv") || !has("prlimit") || !has("python3"))
    GTEST_SKIP() << "not possible here";
  // The kernel counts by user, whoever else is at work.
  const uid_t user = 60'000 + ::getpid() % 5'000;
  const std::string id = std::to_string(user);
  std::filesystem::copy_file(built("baton"), folder + "/baton");
  std::filesystem::copy_file(worker("breeder.py"), folder + "/breeder.py");
  ASSERT_EQ(::chown(folder.c_str(), user, user), 0);
  program = Program("/usr/bin/env",
                    Words{"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "prlimit",
                          "--nproc=40:40", folder + "/baton", "run"} +
                        admin() +
                        Words{"-i", "2", "--ready", "alive", "--min-uptime", "100ms", "--backoff",
                              "1ms..10ms", "--kill-timeout", "1s", python(), folder + "/breeder.py"});
  printed("grown");
  const Place place(folder + "/admin");
  for (const char* page : {"/livez", "/status", "/metrics"}) {
    EXPECT_TRUE(ask(place, page).starts_with("HTTP/1.1 200 ")) << page;
  }
  told("worker 2 (pid");
  told("ready after");
  told("ready after");
  // As if it had taken the place of the one that dies, too; more often than deaths are let pass.
  const auto limit_processes = [&](const std::string& number) {
    Program limits("/usr/bin/env", {"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "prlimit",
                                    "--pid", std::to_string(program.pid()), "--nproc=" + number + ":40"});
    ASSERT_EQ(limits.end(), "exit 0");
  };
  limit_processes("1");
  ::kill(workers().back(), SIGKILL);
  for (int i = 0; i < 20; ++i) told("resource temporarily unavailable");
  EXPECT_TRUE(ask(place, "/livez").starts_with("HTTP/1.1 200 "));
  ::kill(workers().front(), SIGKILL);
  told("resource temporarily unavailable");
  limit_processes("40");
  told("ready after");
  told("ready after");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// It is read when nobody can be asked any more whose rights it had.
TEST_F(Causes, AWorkerThatIsGoneRightBehindItsListenEndsNoService) {
  if (!has("python3")) GTEST_SKIP() << "there is no Python";
  const std::string where = R"({"address":"127.0.0.1","port":)" + std::to_string(free_port()) + "}";
  const std::string listens = R"({"listen":)" + where + "}";
  const auto only = [](int id, const std::string& step) {
    return R"({"only":)" + std::to_string(id) + R"(,"do":)" + step + "}";
  };
  start_somewhere(admin() + Words{"-i", "2", "--min-uptime", "10ms", "--ready", "listening", python(),
                                  worker("asks.py"), only(1, listens),
                                  only(2, R"({"wait":")" + folder + R"(/go"})"),
                                  only(2, R"({"fall":)" + where + "}"), only(3, listens)});
  told("ready after");
  const pid_t second = workers().back();
  program.signal(SIGSTOP);
  file("go", "");
  EXPECT_TRUE(
      within_patience([&] { return text_of("/proc/" + std::to_string(second) + "/stat").contains(") Z "); }));
  program.signal(SIGCONT);
  told("(2 workers)");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Causes, ItStartsWithNoStandardStreams) {
  start_by_shell("exec <&- >&-", {"--min-uptime", "10ms", "--listen", "127.0.0.1:0",
                                  script_that("echo words\nexec sleep 1000\n")});
  told("listening on ");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// Until the file system answers, nothing ends who waits for it.
TEST_F(Causes, AProgramThatTheKernelHoldsKeepsNoServiceFromItsEnd) {
  const std::string mountpoint = folder + "/mount";
  std::filesystem::create_directory(mountpoint);
  Program files(python(), {worker("stuck.py"), "serve", mountpoint});
  if (files.output.next() != "served") GTEST_SKIP() << files.errors.next().value_or("there is no Python");
  const std::string app = script_that("echo \"I am $$\"\nexec cat " + mountpoint + "/file\n");
  start_somewhere({"--listen", "127.0.0.1:0", "--kill-timeout", "100ms", app});
  const std::string line = printed("I am ");
  const pid_t pid = std::atoi(line.substr(line.find("am ") + 3).c_str());
  ASSERT_EQ(files.output.next(), "somebody waits");
  const auto begin = std::chrono::steady_clock::now();
  program.signal(SIGTERM);
  told("which waits in the kernel");
  told("killed, does not end and is left behind");
  EXPECT_EQ(program.end(), "exit 0");
  expect_in_time("a program that the kernel holds keeps `baton run` from its end",
                 std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count(),
                 8000);
  files.signal(SIGKILL);
  EXPECT_EQ(files.end(), "signal 9");
  EXPECT_TRUE(collect(pid).starts_with("signal "));
  ::umount2(mountpoint.c_str(), MNT_DETACH);
}

TEST_F(Causes, ALongEnvironmentIsCalledThat) {
  const std::string app = script_that("exec sleep 1000\n");
  const std::string variables = file("app.env", "X=" + std::string(200'000, 'x') + "\n");
  EXPECT_EQ(play({"--env-file", variables, "--listen", "127.0.0.1:0", app}), "exit 1");
  EXPECT_TRUE(lines.back().contains("argument list too long")) << lines.back();
  EXPECT_EQ(play({"--env-file", file("large.env", std::string(5 << 20, 'x')), app}), "exit 2");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines.front().contains("large.env: is larger than 4 MiB")) << lines.front();
}

TEST_F(Causes, WhoTurnsTextAroundIsShown) {
  const std::string app = script_that("printf 'gpj.\\342\\200\\256exe\\n'\nexec sleep 1000\n");
  start_somewhere({"--listen", "127.0.0.1:0", app});
  EXPECT_EQ(printed("gpj"), "[1] gpj.\\u202eexe");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
