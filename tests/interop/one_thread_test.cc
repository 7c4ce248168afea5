// One thread, one loop: how many threads the processes of the examples have while they serve. How often the
// kernel switched between them and others is printed, and depends on the machine.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "interop/world.h"

namespace baton::test {
namespace {

std::filesystem::path folder_of(pid_t process) { return "/proc/" + std::to_string(process); }

std::vector<pid_t> children_of(pid_t process) {
  std::ifstream list(folder_of(process) / "task" / std::to_string(process) / "children");
  return {std::istream_iterator<pid_t>(list), {}};
}

int64_t threads_of(pid_t process) {
  const std::filesystem::directory_iterator threads(folder_of(process) / "task");
  return std::distance(begin(threads), end(threads));
}

/// "voluntary 12, nonvoluntary 3"
std::string switches_of(pid_t process) {
  constexpr std::string_view name = "_ctxt_switches:\t";
  std::ifstream status(folder_of(process) / "status");
  std::string text;
  for (std::string line; std::getline(status, line);) {
    const size_t found = line.find(name);
    if (found == std::string::npos) continue;
    text += (text.empty() ? "" : ", ") + line.substr(0, found) + " " + line.substr(found + name.size());
  }
  return text;
}

class OneThread : public World {
 protected:
  static void look_at(const std::string& who, pid_t process, bool cpp) {
    const int64_t threads = threads_of(process);
    if (cpp) {
      EXPECT_EQ(threads, 1) << who;
    }
    std::printf("%s (%s): %ld %s; context switches: %s\n", who.c_str(), cpp ? "C++" : "Node",
                static_cast<long>(threads), threads == 1 ? "thread" : "threads",
                switches_of(process).c_str());
  }
  static void look_at_all(const Program& primary, size_t workers, const Ends& ends) {
    look_at("primary", primary.pid(), ends.cpp_parent);
    std::vector<pid_t> children;
    EXPECT_TRUE(eventually([&] { return (children = children_of(primary.pid())).size() == workers; }));
    for (const pid_t child : children) look_at("worker", child, ends.cpp_child);
  }
};

/// An example of the notes.
struct Example {
  std::string name;
  std::string title;
  size_t workers;
  /// What the primary prints before it can be asked: so often, with a port at the end if it can be asked.
  std::string line;
  int lines;
  std::string (*ask)(int port);
};
void PrintTo(const Example& example, std::ostream* out) { *out << example.name; }

std::string get(int port) { return http_get(port, "/"); }

const std::vector<Example>& examples() {
  static const std::vector<Example> all = {
      {"random_port", "RandomPort", 2, "worker ", 2, get},
      {"messages", "Messages", 1, "got message: ", 7, nullptr},
      {"tcp", "Tcp", 2, "listening on port ", 1, ask},
      {"http", "Http", 2, "listening on port ", 1, get},
      {"handles", "Handles", 1, "net.Server on port ", 1, ask},
      {"exceptions", "Exceptions", 2, "listening on port ", 1, get},
  };
  return all;
}

std::string name_of_example(const testing::TestParamInfo<std::tuple<Ends, Example>>& test) {
  const auto& [ends, example] = test.param;
  return name_of(ends) + example.title;
}

class NotesAsOneThread : public OneThread, public testing::WithParamInterface<std::tuple<Ends, Example>> {};
INSTANTIATE_TEST_SUITE_P(WithCpp, NotesAsOneThread,
                         testing::Combine(testing::Values(Ends{true, true}, Ends{true, false},
                                                          Ends{false, true}),
                                          testing::ValuesIn(examples())),
                         name_of_example);

TEST_P(NotesAsOneThread, EachCppEndIsOneThreadWhileItServes) {
  const auto& [ends, example] = GetParam();
  if (!(ends.cpp_parent && ends.cpp_child) && !has_node()) GTEST_SKIP() << "there is no Node";
  Program& primary = start(ends, example.name);
  for (int i = 0; i < example.lines; ++i) {
    const int number = number_at_end(primary.line(example.line));
    for (int turn = 0; example.ask != nullptr && turn < 10; ++turn) {
      EXPECT_FALSE(example.ask(number).empty());
    }
  }
  look_at_all(primary, example.workers, ends);
}

/// The two that are a service of their own. They listen on ":PORT", and say more after it.
class ServicesAsOneThread : public OneThread, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(Examples, ServicesAsOneThread, testing::Values("hello", "cluster_hello"),
                         [](const auto& test) { return test.param; });

TEST_P(ServicesAsOneThread, PrimaryAndWorkersAreOneThreadEachWhileTheyServe) {
  Program& primary = run({built(GetParam()), "--port", "0", "--workers", "2"});
  const std::string line = primary.line("listening on ");
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(http_get(std::stoi(line.substr(line.rfind(':') + 1)), "/").starts_with("HTTP/1.1 200"));
  }
  look_at_all(primary, 2, Ends{true, true});
}

}  // namespace
}  // namespace baton::test
