// The programs of examples/recipes, each in C++ and for Node, used as docs/recipes.md says: both do the same.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <list>
#include <numeric>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/fd.h"
#include "interop/world.h"
#include "support/file_text.h"
#include "support/folder.h"

namespace baton::test {
namespace {

/// The programs have ports of their own, as a reader finds them: one test at a time, in all builds.
class RecipeWorld : public World {
 protected:
  void SetUp() override {
    turn_.reset(::open(source("examples/recipes/chat.cc").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::flock(turn_.get(), LOCK_EX), 0);
  }
  void TearDown() override {
    World::TearDown();
    turn_.reset();
  }

 private:
  Fd turn_;
};

class Recipes : public RecipeWorld, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    if (in_node() && !has_node()) GTEST_SKIP() << "there is no Node";
    RecipeWorld::SetUp();
  }
  [[nodiscard]] static bool in_node() { return GetParam() == "Node"; }

  [[nodiscard]] static std::string path_of(const std::string& name) {
    return in_node() ? source("examples/recipes/" + name + ".js") : built("recipe_" + name);
  }
  /// Starts it in a folder of the test's own.
  Program& start(const std::string& name, const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> command = {"/bin/sh", "-c", R"(cd "$0" && exec "$@")", folder_.path()};
    if (in_node()) command.push_back(node_program());
    command.push_back(path_of(name));
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(std::move(command));
  }
  /// The same, and waits until it listens; null, and skipped, if the port is somebody else's.
  Program* start_on(int port, const std::string& name, const std::vector<std::string>& arguments = {}) {
    if (Client(port).connected()) {
      [] { GTEST_SKIP() << "another program has the port"; }();
      return nullptr;
    }
    Program& program = start(name, arguments);
    EXPECT_TRUE(eventually([port] { return Client(port).connected(); })) << name;
    return &program;
  }
  static std::string ask(int port, const std::string& line, const std::string& body = {}) {
    const Client client(port);
    client.send(line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read_all();
  }
  static std::string status(const std::string& answer) { return answer.substr(0, answer.find(' ', 9)); }
  /// What ps calls the first child of a process.
  static std::string name_of_worker(pid_t process) {
    const std::string number = std::to_string(process);
    std::istringstream children(text_of("/proc/" + number + "/task/" + number + "/children"));
    std::string child;
    children >> child;
    const std::string command = text_of("/proc/" + child + "/cmdline");
    return command.substr(0, command.find('\0')).substr(command.rfind('/') + 1);
  }
  /// Node ends by the signal; a service of ours is asked to end, and does.
  static void end_service(Program& program) {
    EXPECT_EQ(program.end(SIGTERM), in_node() ? 128 + SIGTERM : 0);
  }

  const test::Folder folder_;
};
INSTANTIATE_TEST_SUITE_P(In, Recipes, testing::Values("Cpp", "Node"),
                         [](const auto& test) { return test.param; });

TEST_P(Recipes, CountThePrimesOfTwentyJobsInTheOrderOfTheJobs) {
  Program& jobs = start("jobs");
  const auto lines = jobs.rest();
  EXPECT_EQ(jobs.wait(), 0);
  ASSERT_EQ(lines.size(), 20U);
  EXPECT_EQ(lines.front(), "9592 primes");
  const int sum = std::accumulate(lines.begin(), lines.end(), 0, [](int so_far, const std::string& line) {
    EXPECT_TRUE(line.ends_with(" primes")) << line;
    return so_far + std::stoi(line);
  });
  EXPECT_EQ(sum, 148'933) << "below two million";
}

TEST_P(Recipes, GiveEachLineOfAChatToTheClientsOfAllWorkers) {
  Program* chat = start_on(7000, "chat");
  if (chat == nullptr) return;
  std::list<Client> clients;
  for (int i = 0; i < 8; ++i) {
    const std::string here = "client " + std::to_string(i) + " is here\n";
    const Client& client = clients.emplace_back(7000);
    client.send(here);
    EXPECT_TRUE(client.read_until(here).ends_with(here));
  }
  clients.front().send("half a li");
  clients.back().send("good evening\n");
  for (const Client& client : clients)
    EXPECT_TRUE(client.read_until("good evening\n").ends_with("good evening\n"));
  if (!in_node()) {
    EXPECT_EQ(name_of_worker(chat->pid()), "recipe_chat: worker");
  }
  clients.front().send("ne\n");
  for (const Client& client : clients) EXPECT_EQ(client.read_until("half a line\n"), "half a line\n");
  chat->end(SIGTERM);
}

TEST_P(Recipes, RunTwoHundredCommandsAndCountTheFailures) {
  Program& commands = start("commands");
  EXPECT_EQ(commands.rest(), std::vector<std::string>{"20 of 200 commands failed"});
  EXPECT_EQ(commands.wait(), 0);
}

TEST_P(Recipes, AnswerOnTheConnectionsOfANodeParent) {
  if (!has_node()) GTEST_SKIP() << "there is no Node";
  if (Client(7001).connected()) GTEST_SKIP() << "another program has the port";
  Program& parent =
      run({node_program(), source("examples/recipes/node_child_parent.js"), path_of("node_child")});
  ASSERT_TRUE(eventually([] { return Client(7001).connected(); }));
  const std::string answer = ask(7001, "GET /");
  EXPECT_TRUE(answer.contains(in_node() ? "Hello from Node, process " : "Hello from C++, process "))
      << answer;
  EXPECT_EQ(parent.end(SIGTERM), 0);
}

TEST_P(Recipes, KeepFilesAndGiveThemOut) {
  Program* files = start_on(7002, "files");
  if (files == nullptr) return;
  std::string large(3'000'000, 'x');
  std::ranges::generate(large, [n = 0]() mutable { return static_cast<char>('a' + n++ % 23); });
  EXPECT_EQ(status(ask(7002, "POST /files/two%20words", large)), "HTTP/1.1 201");
  EXPECT_EQ(status(ask(7002, "POST /files/other", "short")), "HTTP/1.1 201");
  EXPECT_TRUE(ask(7002, "GET /files/two%20words").ends_with("\r\n\r\n" + large));
  const std::string names = ask(7002, "GET /files");
  EXPECT_TRUE(names.contains(R"("two words")") && names.contains(R"("other")")) << names;
  EXPECT_EQ(status(ask(7002, "DELETE /files/other")), "HTTP/1.1 204");
  for (const char* request : {"GET /files/other", "DELETE /files/other", "GET /elsewhere"}) {
    EXPECT_EQ(status(ask(7002, request)), "HTTP/1.1 404") << request;
  }
  EXPECT_EQ(status(ask(7002, "PATCH /files/other")), "HTTP/1.1 405");
  EXPECT_EQ(status(ask(7002, "GET /files/..%2Fsecret")), "HTTP/1.1 400");
  EXPECT_FALSE(ask(7002, "GET /files").contains("other"));
  end_service(*files);
}

TEST_P(Recipes, KeepNothingOfAnUploadThatBreaksOff) {
  Program* files = start_on(7002, "files");
  if (files == nullptr) return;
  const auto kept = [folder = std::filesystem::path(folder_.path()) / "files"] {
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  };
  {
    const Client client(7002);
    client.send("POST /files/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbegun");
    EXPECT_TRUE(eventually([&] { return kept() == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return kept() == 0; }));
  end_service(*files);
}

TEST_P(Recipes, PassRequestsOnToTheNextOfTheirUpstreams) {
  Program* files = start_on(7002, "files");
  if (files == nullptr) return;
  // Nobody listens at the second.
  Program* proxy = start_on(7003, "proxy", {"http://127.0.0.1:7002", "http://127.0.0.1:9"});
  if (proxy == nullptr) return;
  const std::string large(2'000'000, 'p');
  EXPECT_EQ(status(ask(7003, "POST /files/passed", large)), "HTTP/1.1 201");
  EXPECT_EQ(status(ask(7003, "GET /files/passed")), "HTTP/1.1 502");
  EXPECT_TRUE(ask(7003, "GET /files/passed").ends_with(large));
  // Whatever a client asks for, it is the upstream that is asked.
  EXPECT_EQ(status(ask(7003, "GET /files/passed")), "HTTP/1.1 502");
  EXPECT_EQ(status(ask(7003, "GET t://x/files")), in_node() ? "HTTP/1.1 404" : "HTTP/1.1 200");
  end_service(*proxy);
  end_service(*files);
}

TEST_F(RecipeWorld, HasAServiceThatAnswersUntilItIsAskedToEnd) {
  // Its port is everybody's favourite.
  if (Client(8080).connected()) GTEST_SKIP() << "another program has the port";
  Program& service = run({built("recipe_service")});
  ASSERT_TRUE(eventually([] { return Client(8080).connected(); }));
  EXPECT_TRUE(http_get(8080, "/").ends_with("Hello\n"));
  EXPECT_EQ(service.end(SIGTERM), 0);
}

}  // namespace
}  // namespace baton::test
