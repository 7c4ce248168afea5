// The same commands by run_command and by Node's own exec, execFile and spawnSync: the same answers, but for
// the differences that are listed with their reasons.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "baton/wire/json.h"
#include "interop/node.h"
#include "process/program.h"
#include "support/leak_check.h"

namespace baton::test {
namespace {

using Words = std::vector<std::string>;

/// In what a command's answer differs on purpose; the values are JSON. Node's own may differ among its
/// versions.
struct Difference {
  std::string member;
  std::optional<std::string> nodes;
  std::string ours;
  std::string why;
};

struct Command {
  Words arguments;
  std::vector<Difference> of_exec{}, of_sync{};
};

const std::string no_program_ran = "a program that never ran has no exit code: Node's is minus the errno";
const std::string said_by_sync_only = "Node's form with a callback does not say that the time was up";

std::vector<Difference> failed(const char* code) { return {{"code", code, "null", no_program_ran}}; }

class ExecBesideNode : public LeakFree, public testing::WithParamInterface<bool> {
 protected:
  ExecBesideNode() {
    std::string name = (std::filesystem::temp_directory_path() / "baton-exec-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    ::chmod(folder_.c_str(), 0755);
  }
  ~ExecBesideNode() override { std::filesystem::remove_all(folder_); }
  void SetUp() override {
    if (node_program().empty()) GTEST_SKIP() << "there is no Node";
  }
  [[nodiscard]] std::string script(const std::string& name, const std::string& text,
                                   mode_t mode = 0755) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  static Value answer_of(const std::string& program, Words arguments) {
    Program run(program, arguments);
    run.close_input();
    const auto lines = run.output.rest();
    EXPECT_EQ(run.errors.rest(), Words());
    EXPECT_EQ(run.end(), "exit 0");
    if (lines.size() != 1) return {};
    return wire::read_json(lines.front()).value_or(Value());
  }
  static void compare(const Command& command) {
    SCOPED_TRACE(testing::PrintToString(command.arguments));
    Words arguments = command.arguments;
    if (GetParam()) arguments.insert(arguments.begin(), "--sync");
    const Value ours = answer_of(built("run_command"), arguments);
    arguments.insert(arguments.begin(), std::string(BATON_SOURCES) + "/tests/interop/exec_as_node.js");
    const Value nodes = answer_of(node_program(), arguments);
    for (const std::string member : {"code", "signal", "killed", "stdout", "stderr", "error"}) {
      if (member == "killed" && GetParam()) continue;  // spawnSync does not say
      const Value& error = ours["error"];
      const std::string mine = to_json(member != "error" || error.is_null() ? ours[member] : error["code"]);
      const std::string theirs = to_json(nodes[member]);
      const Difference* known = nullptr;
      for (const Difference& one : GetParam() ? command.of_sync : command.of_exec) {
        if (one.member == member) known = &one;
      }
      EXPECT_EQ(mine, known == nullptr ? theirs : known->ours) << member;
      if (known != nullptr && known->nodes) {
        EXPECT_EQ(theirs, *known->nodes) << member << ": " << known->why;
      }
    }
  }

  std::string folder_;
};
INSTANTIATE_TEST_SUITE_P(, ExecBesideNode, testing::Bool(),
                         [](const auto& test) { return test.param ? "sync" : "exec"; });

TEST_P(ExecBesideNode, SaysTheSameOfCommandsThatEndByThemselves) {
  const std::string both = "Node's spawnSync counts both outputs together, and its exec each by itself";
  const std::vector<Difference> counted_together = {{"code", std::nullopt, "0", both},
                                                    {"signal", std::nullopt, "null", both},
                                                    {"error", "\"ENOBUFS\"", "null", both}};
  const std::string without_interpreter = script("text", "echo \"text $1\"\n");
  for (const Command& command : std::vector<Command>{
           {{"--", "true"}},
           {{"--", "sh", "-c", "echo out; echo err >&2; exit 3"}},
           {{"--", "sh", "-c", "exit 300"}},
           {{"--", "sh", "-c", "kill -USR1 $$"}},
           {{"--", "sh", "-c", "kill -SEGV $$"}},
           {{"--", "printf", "%s|", "a b", "", "$HOME", "\"", "--", "-x"}},
           {{"--", "printf", "a\\377b\\303\\251\\360\\237"}},
           {{"--", "cat"}},
           {{"--", without_interpreter, "run by a shell"}},
           {{"--shell", "--", "echo $((6*7)) | cat; false"}},
           {{"--shell", "--", "no-such-command 2>/dev/null"}},
           {{"--shell", "--", "exit 5", "#", "a comment"}},
           {{"--cwd", "/usr", "--env", "COLOUR=green=ish", "--env", "EMPTY=", "--", "sh", "-c",
             "pwd; echo \"$COLOUR[$EMPTY]\""}},
           {{"--", "sh", "-c", "(sleep 0.05; echo late) & echo early; exit 3"}},
           {{"--max-buffer", "5", "--shell", "--", "printf 12345; printf 67890 >&2"}, {}, counted_together},
       }) {
    compare(command);
  }
}

TEST_P(ExecBesideNode, SaysTheSameOfCommandsThatCannotBegin) {
  const std::string orphan = script("orphan", "#!/no/such/interpreter\n");
  const std::string plain = script("plain", "echo\n", 0644);
  for (const Command& command : std::vector<Command>{
           {{"--", "/no/such/file"}, failed("-2")},
           {{"--", "no-such-command"}, failed("-2")},
           {{"--", orphan}, failed("-2")},
           {{"--", "/"}, failed("-13")},
           {{"--", plain}, failed("-13")},
           {{"--cwd", "/no/such", "--", "true"}, failed("-2")},
           {{"--cwd", "/no/such", "--shell", "--", "true"}, failed("-2")},
           {{"--cwd", "/dev/null", "--", "true"}},
       }) {
    compare(command);
  }
}

TEST_P(ExecBesideNode, SaysTheSameOfCommandsThatAreEnded) {
  const std::vector<Difference> timed_out = {{"error", "null", "\"ETIMEDOUT\"", said_by_sync_only}};
  const std::string cut = "Node's spawnSync returns all that it had read when the limit was passed";
  for (const Command& command : std::vector<Command>{
           {{"--timeout", "50", "--", "sleep", "1000"}, timed_out},
           {{"--timeout", "50", "--kill-signal", "SIGKILL", "--", "sleep", "1000"}, timed_out},
           {{"--timeout", "50", "--", "sh", "-c", "trap 'kill $!; exit 7' TERM; sleep 1000 & echo yes; wait"},
            timed_out},
           {{"--max-buffer", "4", "--", "sh", "-c", "printf 1234567; exec sleep 1000"},
            {},
            {{"stdout", std::nullopt, "\"1234\"", cut}}},
           {{"--max-buffer", "4", "--kill-signal", "SIGINT", "--", "sh", "-c",
             "printf 1234567 >&2; exec sleep 1000"},
            {},
            {{"stderr", std::nullopt, "\"1234\"", cut}}},
       }) {
    compare(command);
  }
}

TEST_P(ExecBesideNode, SaysTheSameOfACommandOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  compare({{"--uid", "65534", "--gid", "65533", "--", "sh", "-c", "id -u; id -g; id -G"}});
}

}  // namespace
}  // namespace baton::test
