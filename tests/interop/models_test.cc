// The example `models`: one service in five models, under a load so short that the figures mean little, but
// for what follows from the model itself.

#include <signal.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "baton/baton.h"
#include "interop/world.h"
#include "support/file_text.h"
#include "support/folder.h"

namespace baton::test {
namespace {

class ModelsExample : public World {
 protected:
  const std::vector<std::string> names = {"one-by-one", "process-each", "thread-each", "events",
                                          "every-core"};
  const std::vector<std::string> titles = {"one after the other", "a process for each", "a thread for each",
                                           "events", "events on every core"};
  // Not that of the neighbour who is compiled together with this one.
  const test::Folder folder;
  const std::string json = folder / "models.json";

  /// Runs it to its end, and returns the rows of its JSON. What it printed is in `printed`.
  std::vector<Value> measure(const std::string& options) {
    Program& program =
        run({"/bin/sh", "-c", "exec " + built("models") + " --json " + json + " " + options + " 2>&1"});
    printed = program.rest();
    EXPECT_EQ(program.wait(), 0) << (printed.empty() ? "" : printed.back());
    const auto value = wire::read_json(text_of(json));
    if (!value) {
      ADD_FAILURE() << value.error().what();
      return {};
    }
    const auto rows = (*value)["rows"].elements();
    return {rows.begin(), rows.end()};
  }
  [[nodiscard]] long printed_lines(std::string_view beginning) const {
    return std::ranges::count_if(printed,
                                 [&](const std::string& line) { return line.starts_with(beginning); });
  }
  std::vector<std::string> printed;

  static std::vector<pid_t> children_of(pid_t process) {
    const std::string number = std::to_string(process);
    std::istringstream list(text_of("/proc/" + number + "/task/" + number + "/children"));
    return {std::istream_iterator<pid_t>(list), {}};
  }
  /// Children and theirs, to the last.
  static std::size_t descendants_of(pid_t process) {
    std::size_t sum = 0;
    for (const pid_t child : children_of(process)) sum += 1 + descendants_of(child);
    return sum;
  }
};

TEST_F(ModelsExample, MeasuresEachOfTheFiveModelsUnderEachLoad) {
  const std::string picture = folder / "models.svg";
  const auto rows = measure("--connections 1,4 --think 0 --seconds 0.2 --svg " + picture);
  ASSERT_EQ(rows.size(), 10U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Value& row = rows[i];
    EXPECT_EQ(row["model"].as_string(), names[i % 5]);
    EXPECT_EQ(row["connections"].as_integer(), i < 5 ? 1 : 4);
    EXPECT_GT(row["requests_per_second"].as_number(), 0) << names[i % 5];
    EXPECT_GT(row["p99_ms"].as_number(), 0) << names[i % 5];
    EXPECT_EQ(row["unserved"].as_integer(), 0) << names[i % 5];
    EXPECT_EQ(row["failures"].as_integer(), 0) << names[i % 5];
    EXPECT_GT(row["memory_mib"].as_number(), 0) << names[i % 5];
  }
  const std::string drawn = text_of(picture);
  EXPECT_TRUE(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
  for (const std::string& title : titles) {
    std::string column = title;
    column.resize(21, ' ');
    EXPECT_EQ(printed_lines(column), 2) << title;
    EXPECT_TRUE(drawn.contains(">" + title + "</text>")) << title;
  }
}

TEST_F(ModelsExample, ServesManyAtOnceOnOneThreadWhereAServerWithoutEventsServesOne) {
  const auto rows = measure("--models one-by-one,events --connections 8 --think 5 --seconds 0.4");
  ASSERT_EQ(rows.size(), 2U);
  const double one_by_one = rows[0]["requests_per_second"].as_number();
  EXPECT_LE(one_by_one, 210);
  EXPECT_GT(rows[1]["requests_per_second"].as_number(), 2 * one_by_one);
  EXPECT_EQ(rows[1]["processes"].as_integer(), 1);
  EXPECT_EQ(rows[1]["threads"].as_integer(), 1);
}

TEST_F(ModelsExample, ShowsWhoIsNeverServed) {
  const auto rows =
      measure("--models one-by-one,events --connections 4 --think 5 --seconds 0.5 --keep-alive");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["unserved"].as_integer(), 3);
  EXPECT_TRUE(rows[0]["p99_unanswered"].as_boolean());
  EXPECT_GE(rows[0]["p99_ms"].as_number(), 500);
  EXPECT_EQ(rows[1]["unserved"].as_integer(), 0);
}

TEST_F(ModelsExample, LetsWhoeverComesWaitWhenItHasAllTheProcessesOrThreadsThatItMayHave) {
  const auto rows = measure(
      "--models process-each,thread-each --connections 4 --limit 2 --think 0 --seconds 0.5 --keep-alive");
  ASSERT_EQ(rows.size(), 2U);
  for (const Value& row : rows) EXPECT_EQ(row["unserved"].as_integer(), 2) << row["model"].as_string();
  EXPECT_EQ(rows[0]["processes"].as_integer(), 3);
  EXPECT_EQ(rows[1]["threads"].as_integer(), 3);
  EXPECT_EQ(printed_lines("models: process-each has 2 processes and takes no more"), 1);
  EXPECT_EQ(printed_lines("models: thread-each has 2 threads and takes no more"), 1);
}

// The fixture fails if a process is left.
TEST_F(ModelsExample, LeavesNoProcessWhenItIsInterruptedOrKilled) {
  for (const std::string& name : names) {
    for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
      Program& program = run({built("models"), "--models", name, "--connections", "3", "--seconds", "60",
                              "--keep-alive", "--json", json});
      const std::size_t most = name == "process-each" ? 2 + 3 : 2;
      EXPECT_TRUE(eventually([&] { return descendants_of(program.pid()) >= most; }));
      EXPECT_EQ(program.end(signal), 128 + signal) << name;
      EXPECT_EQ(text_of(json), "");
    }
  }
}

TEST_F(ModelsExample, RefusesWrongArguments) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--models", "two-by-two"},        {"--connections", "0"},
      {"--connections", "1,many"},       {"--seconds", "0"},
      {"--svg", folder / "no/such.svg"}, {"--colour"}};
  for (auto arguments : wrong) {
    arguments.insert(arguments.begin(), built("models"));
    EXPECT_EQ(run(arguments).wait(), 2) << arguments.at(1);
  }
  EXPECT_EQ(run({built("models"), "--help"}).wait(), 0);
}

}  // namespace
}  // namespace baton::test
