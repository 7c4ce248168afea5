// Each script of the notes, with each end in C++ and in JavaScript.

#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "interop/world.h"

namespace baton::test {
namespace {

class Notes : public World, public testing::WithParamInterface<Ends> {
 protected:
  void SetUp() override {
    if (!(GetParam().cpp_parent && GetParam().cpp_child) && !has_node()) GTEST_SKIP() << "there is no Node";
  }
  Program& start(const std::string& example) { return World::start(GetParam(), example); }
};
INSTANTIATE_TEST_SUITE_P(AllFour, Notes, testing::ValuesIn(all_four()),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(Notes, EachWorkerListensOnAPortOfItsOwn) {
  Program& primary = start("random_port");
  std::set<int> ports;
  for (int i = 0; i < 2; ++i) {
    const std::string line = primary.line("worker ");
    const int port = number_at_end(line);
    ports.insert(port);
    const std::string answer = http_get(port, "/");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\nHello World from " + std::to_string(std::stoi(line)) + "\n")) << answer;
  }
  EXPECT_EQ(ports.size(), 2U);
}

TEST_P(Notes, MessagesOfEveryJsonKindGoBothWays) {
  Program& primary = start("messages");
  EXPECT_EQ(primary.line("got message: "), R"({"name":"worker"})");
  for (const std::string message : {R"("some msg")", "42", "true", "null", R"([1,"two",[3.5]])",
                                    R"({"name":"父进程","list":[1,"two",[3.5]]})"}) {
    EXPECT_EQ(primary.line("child process got msg: "), message);
    EXPECT_EQ(primary.line("got message: "), "{\"you_said\":" + message + "}");
  }
}

TEST_P(Notes, AServerThatWasSentAnswersWithThePidsOfWorkers) {
  Program& primary = start("tcp");
  const int port = primary.number("listening on port ");
  const std::set<int> workers = {primary.number("worker "), primary.number("worker ")};
  for (int i = 0; i < 20; ++i) {
    const std::string answer = ask(port);
    EXPECT_TRUE(answer.starts_with("child, pid ")) << answer;
    EXPECT_TRUE(workers.contains(number_at_end(answer))) << answer;
  }
}

TEST_P(Notes, AnHttpServerIsFedWithTheConnectionsOfAServerThatWasSent) {
  Program& primary = start("http");
  const int port = primary.number("listening on port ");
  const std::set<int> workers = {primary.number("worker "), primary.number("worker ")};
  // One client more than there are processes: a primary that accepted too would leave one without an answer.
  for (int i = 0; i < 20; ++i) {
    const std::string answer = http_get(port, "/");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("application/json"), std::string::npos) << answer;
    const int pid = number_at_end(answer);
    EXPECT_TRUE(workers.contains(pid)) << answer;
    EXPECT_NE(answer.find(R"({"msg":"Hello World","pid":)" + std::to_string(pid) + "}"), std::string::npos)
        << answer;
  }
}

TEST_P(Notes, HandlesOfEachKindArriveInTheSameWorker) {
  Program& primary = start("handles");
  std::set<int> who;
  for (const std::string& kind : kinds_of_handles()) {
    if (!has_kind(GetParam(), kind)) continue;
    const int port = primary.number(kind + " on port ");
    ASSERT_FALSE(HasFailure());
    for (int i = 0; i < 5; ++i) {
      const std::string answer = ask_handle(kind, port);
      EXPECT_TRUE(answer.starts_with(kind + " in ")) << answer;
      who.insert(number_at_end(answer));
    }
  }
  EXPECT_EQ(who.size(), 1U);
  EXPECT_FALSE(who.contains(primary.pid()));
}

TEST_P(Notes, AWorkerThatDiesOfAnExceptionIsReportedAndReplaced) {
  Program& primary = start("exceptions");
  const int port = primary.number("listening on port ");
  std::set<int> workers = {primary.number("worker "), primary.number("worker ")};
  for (int round = 0; round < 3; ++round) {
    // Both are in turn again, so each of them answers.
    std::set<int> answered;
    for (int i = 0; i < 4; ++i) {
      const std::string answer = http_get(port, "/");
      EXPECT_NE(answer.find("served by "), std::string::npos) << answer;
      answered.insert(number_at_end(answer));
    }
    EXPECT_EQ(answered, workers);
    (void)http_get(port, "/throw");
    const std::string report = primary.line("worker ");
    EXPECT_TRUE(report.ends_with(" died of: asked to")) << report;
    EXPECT_EQ(workers.erase(std::stoi(report)), 1U) << report;
    workers.insert(primary.number("worker "));
  }
}

TEST_P(Notes, NoWorkerOutlivesAPrimaryThatIsKilled) {
  Program& primary = start("tcp");
  const int port = primary.number("listening on port ");
  EXPECT_TRUE(ask(port).starts_with("child, pid "));
  EXPECT_EQ(primary.end(SIGKILL), 128 + SIGKILL);
  // The fixture waits for the workers, which nobody told to end but the channel.
}

class NotesPrograms : public World {
 protected:
  /// How each program of examples/notes that can run here is started.
  static std::vector<std::vector<std::string>> all() {
    std::vector<std::vector<std::string>> commands;
    for (const auto& folder : std::filesystem::directory_iterator(source("examples/notes"))) {
      if (!folder.is_directory()) continue;
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::filesystem::path& file = entry.path();
        const std::string program = "notes_" + folder.path().filename().string() + "_" + file.stem().string();
        if (file.extension() == ".cc") commands.push_back({built(program)});
        if (file.extension() == ".js" && has_node()) commands.push_back({node_program(), file});
        if (file.extension() == ".sh") commands.push_back({file});
      }
    }
    return commands;
  }
};

TEST_F(NotesPrograms, SayWhatTheyAreForAndRefuseWhatTheyCannotUse) {
  for (std::vector<std::string> command : all()) {
    SCOPED_TRACE(command.back());
    const bool primary = command.back().find("primary") != std::string::npos;
    command.emplace_back("--help");
    Program& asked = run(command);
    const std::vector<std::string> lines = asked.rest();
    EXPECT_FALSE(lines.empty());
    EXPECT_EQ(asked.wait(), 0);
    command.back() = "/no/such/worker";
    if (primary) {
      EXPECT_EQ(run(command).wait(), 2);
    }
  }
}

/// A temporary folder.
class Folder {
 public:
  Folder() : path_(::mkdtemp(std::string("/tmp/baton-XXXXXX").data())) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Who starts it, and what is started.
struct Started {
  bool cpp_parent;
  std::string what;
  std::string file;
};
void PrintTo(const Started& started, std::ostream* out) { *out << started.what; }

class Calls : public World, public testing::WithParamInterface<Started> {
 protected:
  /// A PATH whose `node` is the one to test with: a script's first line looks there.
  std::string path_with_node() {
    std::filesystem::create_symlink(std::filesystem::absolute(node_program()), folder_.path() / "node");
    return "PATH=" + folder_.path().string() + ":" + std::getenv("PATH");
  }

 private:
  const Folder folder_;
};
INSTANTIATE_TEST_SUITE_P(
    Notes, Calls,
    testing::Values(Started{true, "CppChild", "notes_processes_file"}, Started{true, "NodeChild", "file.js"},
                    Started{true, "ShellScript", "file.sh"},
                    Started{false, "CppChild", "notes_processes_file"},
                    Started{false, "NodeChild", "file.js"}, Started{false, "ShellScript", "file.sh"}),
    [](const auto& test) { return (test.param.cpp_parent ? "CppParent" : "NodeParent") + test.param.what; });

TEST_P(Calls, SpawnExecExecFileAndForkStartProgramsAndScripts) {
  const auto& [cpp, what, file] = GetParam();
  if ((!cpp || what == "NodeChild") && !has_node()) GTEST_SKIP() << "there is no Node";
  const std::string path = what == "CppChild" ? built(file) : source("examples/notes/processes/" + file);
  std::vector<std::string> variables;
  if (has_node()) variables.push_back(path_with_node());
  Program& primary =
      run(cpp ? std::vector{built("notes_processes_primary"), path}
              : std::vector{node_program(), source("examples/notes/processes/primary.js"), path},
          std::move(variables));
  EXPECT_EQ(primary.line("spawn: "), "started by spawn");
  EXPECT_EQ(primary.line("exec: "), "STARTED BY EXEC");
  EXPECT_EQ(primary.line("execFile: "), "started by exec_file; echo not a command");
  EXPECT_EQ(primary.line("fork: "), "started by fork");
  EXPECT_TRUE(primary.line("timeout of exec: ").starts_with("killed by SIGTERM"));
  EXPECT_TRUE(primary.line("timeout of spawn: ").starts_with("killed by SIGTERM"));
  EXPECT_EQ(primary.wait(), 0);
}

}  // namespace
}  // namespace baton::test
