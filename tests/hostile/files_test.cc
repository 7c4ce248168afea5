// Files that a worker could not touch, modes that it could not change, and listeners that are not its own.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "hostile/hostile.h"
#include "support/folder.h"

namespace baton::test {
namespace {

constexpr unsigned nobody = 65534;

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct stat status_of(const std::string& path) {
  struct stat found{};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found;
}

// A socket that is bound and does not listen; its file stays when it is closed.
Fd bound_at(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

std::string path_step(const std::string& path, const std::string& more = "") {
  return R"({"listen":{"address":")" + path + "\"" + more + "}}";
}
std::string port_step(int port) {
  return R"({"listen":{"address":"127.0.0.1","port":)" + std::to_string(port) + "}}";
}

class Files : public Hostile {
 protected:
  void SetUp() override {
    ASSERT_EQ(::chmod(place.path().c_str(), 0755), 0);
    std::ofstream(place / "file") << "precious";
    ASSERT_EQ(::chmod((place / "file").c_str(), 0600), 0);
  }
  // tests/hostile/workers/asks.py, whoever may read that.
  static Words asking(const Words& steps) {
    return Words{"python3", "-c", content(worker("asks.py"))} + steps;
  }
  // Not the python3 of root's own folders.
  static Words as_nobody() {
    const std::string id = std::to_string(nobody);
    return {"setpriv", "--reuid",        id,    "--regid",
            id,        "--clear-groups", "env", "PATH=/usr/local/bin:/usr/bin:/bin"};
  }
  // What the asks were answered with.
  Words answers(const Words& arguments) {
    start(arguments);
    Words all;
    const std::string_view worker = "[1] ";
    for (auto line = program.output.next(); line && *line != "[1] all asked"; line = program.output.next()) {
      all.push_back(line->substr(line->starts_with(worker) ? worker.size() : 0));
    }
    EXPECT_EQ(end(SIGTERM), "exit 0");
    lines = program.errors.rest();
    return all;
  }
  // Of `lines`, without those that say how a worker has ended.
  [[nodiscard]] long reports_of(std::string_view words) const {
    return std::ranges::count_if(
        lines, [&](const std::string& line) { return line.contains(words) && !line.contains("exit code"); });
  }
  void expect_the_file() const {
    EXPECT_EQ(content(place / "file"), "precious");
    EXPECT_EQ(status_of(place / "file").st_mode & 07777, 0600U);
  }

  Folder place;
};

TEST_F(Files, OfWhateverKindAreNotReplacedByAListenerUnlessTheyAreSocketsOfNobody) {
  const std::string file = place / "file";
  std::filesystem::create_symlink(file, place / "link");
  const Fd held = bound_at(place / "held");
  (void)bound_at(place / "stale");
  EXPECT_EQ(answers(asking({path_step(file), path_step(place / "link"), path_step(place / "held"),
                            path_step(place / "stale")})),
            (Words{file + ":-1 EADDRINUSE", place / "link:-1 EADDRINUSE", place / "held:-1 EADDRINUSE",
                   place / "stale:-1 0"}));
  expect_the_file();
  EXPECT_TRUE(std::filesystem::is_symlink(place / "link"));
  EXPECT_TRUE(std::filesystem::is_socket(place / "held"));
  EXPECT_FALSE(std::filesystem::exists(place / "stale")) << "what was made is removed";
  for (const char* option : {"--listen", "--admin"}) {
    for (const char* name : {"file", "link", "held"}) {
      EXPECT_EQ(play({option, "unix:" + place / name, "sleep", "100"}), "exit 3") << option << " " << name;
    }
  }
  expect_the_file();
  EXPECT_TRUE(std::filesystem::is_socket(place / "held"));
}

TEST_F(Files, OfTheAdminSocketIsForItsOwnerOnlyAndIsRemovedOnlyIfItIsOurs) {
  const mode_t before = ::umask(0);
  start(admin() + Words{"sleep", "100"});
  told("admin");
  ::umask(before);
  EXPECT_EQ(status_of(folder + "/admin").st_mode & 07777, 0600U);
  std::filesystem::remove(folder + "/admin");
  std::ofstream(folder + "/admin") << "another's";
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_EQ(content(folder + "/admin"), "another's");
}

TEST_F(Files, GetNoOtherModeWhenAWorkerPutsALinkInThePlaceOfItsSocket) {
  ASSERT_EQ(::chmod(place.path().c_str(), 0777), 0);
  Words steps{R"({"swap":")" + place / "socket" + R"(","for":")" + place / "file" + "\"}"};
  for (int i = 0; i < (whole() ? 60 : 20); ++i) {
    steps.push_back(
        path_step(place / "socket",
                  R"(,"writableAll":true,"readableAll":true,"fd":null,"index":)" + std::to_string(i)));
  }
  (void)answers(asking(steps));
  expect_the_file();
}

class FilesOfRoot : public Files {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root has workers of other users";
    std::string test;
    for (const std::string& word : as_nobody()) test += word + " ";
    if (std::system((test + "python3 -c 0 2>/dev/null").c_str()) != 0)
      GTEST_SKIP() << "nobody has no setpriv or no python3";
    Files::SetUp();
  }
};

TEST_F(FilesOfRoot, AreNotMadeChangedOrRemovedForAWorkerOfAnotherUserThatAlsoHearsWhy) {
  (void)bound_at(place / "stale");
  std::filesystem::create_directory(place / "closed");
  std::filesystem::create_directory(place / "theirs");
  ASSERT_EQ(::chmod((place / "closed").c_str(), 0700), 0);
  ASSERT_EQ(::chown((place / "theirs").c_str(), nobody, nobody), 0);
  std::filesystem::create_symlink(place / "closed", place / "theirs/way");
  const std::string all = R"(,"readableAll":true,"writableAll":true)";
  EXPECT_EQ(
      answers(as_nobody() + asking({path_step(place / "file", all), path_step(place / "stale"),
                                    path_step(place / "new", all), path_step(place / "closed/new"),
                                    path_step(place / "theirs/way/new"), path_step(place / "theirs/own")})),
      (Words{place / "file:-1 EADDRINUSE", place / "stale:-1 EADDRINUSE", place / "new:-1 EACCES",
             place / "closed/new:-1 EACCES", place / "theirs/way/new:-1 EACCES", place / "theirs/own:-1 0"}));
  expect_the_file();
  EXPECT_TRUE(std::filesystem::is_socket(place / "stale"));
  for (const char* name : {"new", "closed/new", "theirs/own"})
    EXPECT_FALSE(std::filesystem::exists(place / name)) << name;
  const auto refusals = reports_of("with the rights of user 65534: permission denied");
  expect_within("reports of what one worker may not have", static_cast<double>(refusals), 1, "lines");
  EXPECT_EQ(refusals, 1);
}

// The worker's own process stays root, and the channel is in the hands of whom it starts.
TEST_F(FilesOfRoot, AreNotMadeForAnotherUserBehindAWrapperThatStaysRoot) {
  const Words behind = {"sh", "-c", "\"$@\"; echo over", "sh"};
  std::filesystem::create_directory(place / "theirs");
  ASSERT_EQ(::chown((place / "theirs").c_str(), nobody, nobody), 0);
  EXPECT_EQ(
      answers(behind + as_nobody() + asking({path_step(place / "new"), path_step(place / "theirs/own")})),
      (Words{place / "new:-1 EACCES", place / "theirs/own:-1 0"}));
  EXPECT_EQ(reports_of("with the rights of user 65534: permission denied"), 1);
  EXPECT_EQ(answers(behind + asking({path_step(place / "new")})), (Words{place / "new:-1 0"}));
}

// What it asks for is to be in its own network and tree, and would be in the primary's.
TEST_F(FilesOfRoot, AndPortsOfTheMachineAreNotForAnotherUserElsewhere) {
  if (std::system("unshare -n -m true 2>/dev/null") != 0) GTEST_SKIP() << "nobody makes namespaces here";
  const std::string abstract = R"({"listen":{"address":"\u0000)" + place.path() + R"(","addressType":-1}})";
  for (const auto& [option, port, path] :
       {std::tuple("-n", "EACCES", "0"), std::tuple("-m", "0", "EACCES")}) {
    std::filesystem::create_directory(place / option);
    ASSERT_EQ(::chown((place / option).c_str(), nobody, nobody), 0);
    const std::string own = place / option + "/own";
    const auto got =
        answers(Words{"unshare", option} + as_nobody() + asking({port_step(0), path_step(own), abstract}));
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[0], std::string("127.0.0.1:0 ") + port);
    EXPECT_EQ(got[1], own + ":-1 " + path);
    EXPECT_TRUE(got[2].ends_with(std::string(":-1 ") + port)) << got[2];
    EXPECT_EQ(reports_of("the worker is in another network: permission denied") +
                  reports_of("the worker sees another tree of files: permission denied"),
              1);
  }
  EXPECT_EQ(answers(Words{"unshare", "-n", "-m"} + asking({port_step(0), path_step(place / "new")})),
            (Words{"127.0.0.1:0 0", place / "new:-1 0"}))
      << "who is root itself may do so";
}

TEST_F(FilesOfRoot, BelongToTheWorkersUserWhereHeMayMakeThem) {
  ASSERT_EQ(::chown(place.path().c_str(), nobody, nobody), 0);
  start(as_nobody() + asking({path_step(place / "own")}));
  printed("all asked");
  EXPECT_EQ(status_of(place / "own").st_uid, nobody);
  EXPECT_EQ(status_of(place / "own").st_gid, nobody);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(FilesOfRoot, AndPortsThatAreForRootOnlyAreNotForAWorkerOfAnotherUserUnlessARuleSaysSo) {
  int first = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first;
  if (first < 2) GTEST_SKIP() << "here every port is for everybody";
  const Words ask =
      as_nobody() +
      asking({port_step(1), R"({"listen":{"address":"127.0.0.1","port":1,"addressType":"udp4","fd":-1}})",
              port_step(0), path_step(place / "a.sock"), path_step(place / "b")});
  EXPECT_EQ(answers(ask), (Words{"127.0.0.1:1 EACCES", "127.0.0.1:1 EACCES", "127.0.0.1:0 0",
                                 place / "a.sock:-1 EACCES", place / "b:-1 EACCES"}));
  EXPECT_EQ(answers(Words{"--allow-listen", "127.0.0.1:1", "--allow-listen", place / "*.sock"} + ask),
            (Words{"127.0.0.1:1 0", "127.0.0.1:1 0", "127.0.0.1:0 EACCES", place / "a.sock:-1 0",
                   place / "b:-1 EACCES"}));
}

TEST_F(Files, AndPortsThatNoRuleAllowsAreForNoWorker) {
  EXPECT_EQ(answers(Words{"--allow-listen", "127.0.0.1:0-9"} +
                    asking({port_step(0), R"({"listen":{"port":0}})",
                            R"({"listen":{"address":"127.0.0.2","port":0}})", path_step(place / "new"),
                            path_step(place / "file")})),
            (Words{"127.0.0.1:0 0", "None:0 EACCES", "127.0.0.2:0 EACCES", place / "new:-1 EACCES",
                   place / "file:-1 EACCES"}));
  EXPECT_EQ(reports_of("no rule allows it: permission denied"), 1);
  EXPECT_EQ(play({"--allow-listen", "web", "sleep", "100"}), "exit 2");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("baton run: --allow-listen: 'web' is none of 8080, ")) << lines[0];
}

class SharedListeners : public Files {
 protected:
  // How long, in milliseconds, until somebody answers there with this text.
  static double answered_within(const std::string& address, const std::string& text) {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
      const Fd connection = try_connect(address);
      if (connection && greeting_of(connection) == text) break;
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(30)) {
        ADD_FAILURE() << "nobody answers at " << address;
        break;
      }
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  }
  // What comes within 100 ms.
  static std::string greeting_of(const Fd& connection) {
    pollfd waiting{connection.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 100) <= 0) return {};
    std::array<char, 64> bytes{};
    const ssize_t count = ::read(connection.get(), bytes.data(), bytes.size());
    return {bytes.data(), static_cast<size_t>(std::max<ssize_t>(count, 0))};
  }
  static Fd try_connect(const std::string& address) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_in);
    if (address.starts_with("unix:")) {
      auto& local = reinterpret_cast<sockaddr_un&>(storage);
      local.sun_family = AF_UNIX;
      address.copy(local.sun_path, sizeof local.sun_path - 1, 5);
      length = sizeof local;
    } else {
      auto& inet = reinterpret_cast<sockaddr_in&>(storage);
      inet.sin_family = AF_INET;
      inet.sin_port = htons(port_of(address));
      inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    Fd connection(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0)
      connection.reset();
    return connection;
  }
  // Both serve; one shuts down once the file "go" is there, and says so.
  [[nodiscard]] Words one_shuts_and_both_serve(int times) const {
    return {R"({"serve":"served"})", R"({"wait":")" + place / "go" + "\"}",
            R"({"only":1,"do":{"shut":)" + std::to_string(times) + "}}"};
  }
  void go() const { std::ofstream(place / "go").flush(); }
};

TEST_F(SharedListeners, ThatAWorkerShutsDownListenAgainForTheOthers) {
  const int times = whole() ? 1000 : 50;
  for (const std::string policy : {"shared", "reuse-port"}) {
    std::filesystem::remove(place / "go");
    const std::string address = start_listening(
        Words{"--policy", policy, "-i", "2"} + asking(Words{port_step(0)} + one_shuts_and_both_serve(times)));
    go();
    told("was shut down by who shares it and listens again");
    printed("shut");
    expect_in_time("until a listener that a worker shut down is served again, " + policy,
                   answered_within(address, "served"), 50);
    EXPECT_EQ(end(SIGTERM), "exit 0");
    lines = program.errors.rest();
    expect_within("more reports of " + std::to_string(times) + " shutdowns, " + policy,
                  static_cast<double>(reports_of("was shut down")), whole() ? 10 : 3, "lines");
  }
}

TEST_F(SharedListeners, ThatEveryWorkerWasHandedListenAgainToo) {
  const std::string address =
      start_listening(Words{"--listen", "127.0.0.1:0", "--min-uptime", "100ms", "-i", "2"} +
                      asking(one_shuts_and_both_serve(50)));
  go();
  told("was shut down by who shares it and listens again");
  printed("shut");
  (void)answered_within(address, "served");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(SharedListeners, OfAPathAreOpenedAnewAndTheirWorkersReplaced) {
  const std::string path = place / "socket";
  (void)start_listening(Words{"--listen", "unix:" + path, "--min-uptime", "100ms"} +
                        asking(one_shuts_and_both_serve(1)));
  go();
  told("was shut down by who shares it and was opened anew");
  (void)answered_within("unix:" + path, "served");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(SharedListeners, OfAPathThatWorkersAskedForAreOpenedAnewToo) {
  const std::string path = place / "socket";
  (void)start_listening(Words{"--policy", "shared"} +
                        asking(Words{path_step(path)} + one_shuts_and_both_serve(1)));
  go();
  told("was shut down by who shares it and was opened anew");
  (void)answered_within("unix:" + path, "served");
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(SharedListeners, OfAPathWhoseFileACleanerRemovesAreOpenedAnewAndTheirWorkersReplaced) {
  const std::string path = place / "socket";
  const std::string serves = R"({"serve":"served"})";
  for (const Words& service : {Words{"--listen", "unix:" + path} + asking({serves}),
                               Words{"--policy", "shared"} + asking({path_step(path), serves})}) {
    (void)start_listening(Words{"--min-uptime", "100ms"} + service);
    (void)answered_within("unix:" + path, "served");
    std::filesystem::remove(path);
    told("had lost its file and was opened anew");
    (void)answered_within("unix:" + path, "served");
    EXPECT_EQ(end(SIGTERM), "exit 0");
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST_F(SharedListeners, OfUdpThatAWorkerShutsDownAreReported) {
  start(asking(
      {R"({"listen":{"address":"127.0.0.1","port":0,"addressType":"udp4","fd":-1}})", R"({"shut":1})"}));
  told("was shut down by who shares it and stays so until the service is started anew");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
