// What any JavaScript runtime can do with Baton at the other end: Node, and as far as they can, Bun and Deno
// ($BATON_NODE is one of them). What one of them cannot do is skipped with the reason, which lies in it.

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "interop/advanced_table.h"
#include "interop/world.h"

namespace baton::test {
namespace {

class Runtime : public World {
 public:
  // libuv's first loop opens a pipe that stays.
  static void SetUpTestSuite() { const Loop first; }

 protected:
  void SetUp() override {
    if (!has_node()) GTEST_SKIP() << "there is no Node";
  }
  static std::string name() { return std::filesystem::path(node_program()).filename(); }
  static bool is_bun() { return name() == "bun"; }
  static bool is_deno() { return name() == "deno"; }
  static constexpr const char* bun_is_not_v8 = "what Bun calls advanced is of JavaScriptCore, not of V8";
  static std::vector<std::string> options() {
    if (is_deno()) return {"run", "--quiet", "--allow-all", "--unstable-detect-cjs"};
    return {};
  }
  static std::vector<std::string> command(const std::string& script) {
    std::vector<std::string> words = {node_program()};
    for (const std::string& option : options()) words.push_back(option);
    words.push_back(source(script));
    return words;
  }

  /// Runs a parent with one child of the runtime; begins with `body` when that is ready.
  static void play(const std::function<Task<>(Process&, ForkedChild&)>& body,
                   Serialization serialization = Serialization::json,
                   const std::string& script = "tests/interop/echo_worker.js") {
    const auto parent = [&](Process& self) -> Task<> {
      const auto how =
          ForkOptions().interpreter(node_program()).exec_args(options()).serialization(serialization);
      ForkedChild& child = self.fork(source(script), how);
      child.on_close([&](const ExitStatus& status) {
        EXPECT_EQ(status.code(), 0);
        self.exit(0);
      });
      const Message ready = (co_await child.next_message()).value();
      EXPECT_EQ(ready.value()["ready"], Value(child.pid()));
      co_await body(self, child);
      child.disconnect();
    };
    std::string program = "parent";
    char* arguments[] = {program.data(), nullptr};
    EXPECT_EQ(baton::run(1, arguments, {{"parent", parent}}), 0);
  }

  /// Runs runtime_parent.js with echo_worker; its exit code.
  int play_parent(const std::string& scenario, const std::string& serialization = "json") {
    auto words = command("tests/interop/runtime_parent.js");
    words.push_back(scenario);
    words.push_back(built("echo_worker"));
    return run(words, {"SERIALIZATION=" + serialization}).wait();
  }

  /// `baton run` with two workers of the runtime on this port. Its lines are on standard output.
  Program& serve(int port, const std::string& policy) {
    std::string line = "exec " + built("baton") + " run -i 2 --kill-timeout 3s --policy " + policy;
    // What a runtime wants before a script's name it gets from a script of the shell.
    if (is_deno()) {
      interpreter_ = testing::TempDir() + "/baton-deno-" + std::to_string(::getpid());
      const std::string text = "#!/bin/sh\nexec " + node_program() + " run --quiet --allow-all \"$@\"\n";
      const Fd file(::open(interpreter_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0700));
      EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    line += " --interpreter " + (interpreter_.empty() ? node_program() : interpreter_);
    line += " --stop-signal SIGTERM";
    line += " " + source("tests/interop/runtime_app.cjs") + " " + std::to_string(port) + " 2>&1";
    return run({"/bin/sh", "-c", line});
  }
  void TearDown() override {
    World::TearDown();
    if (!interpreter_.empty()) ::unlink(interpreter_.c_str());
  }
  /// The workers that answer, of so many requests.
  static std::multiset<int> answers(int port, int requests) {
    std::multiset<int> pids;
    for (int i = 0; i < requests; ++i) pids.insert(number_at_end(http_get(port, "/")));
    return pids;
  }
  static int free_port() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    return ntohs(address.sin_port);
  }

 private:
  std::string interpreter_;
};

TEST_F(Runtime, AsAChildExchangesMessages) {
  play([](Process&, ForkedChild& child) -> Task<> {
    for (const std::string text : {R"({"id":1,"path":"ä.png"})", R"("two")", R"([3,null,[1.5,true]])"}) {
      child.send(wire::read_json(text).value());
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(to_json(message.value()), "{\"echo\":" + text + "}");
    }
  });
}

TEST_F(Runtime, AsAChildServesAServer) {
  play([](Process& self, ForkedChild& child) -> Task<> {
    int port = 0;
    {
      const auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
      port = server.local().port();
      child.send("serve", server);
    }
    const Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value()["got"], Value("net.Server"));
    EXPECT_EQ(ask(port), "served by " + std::to_string(child.pid()) + "\n");
  });
}

TEST_F(Runtime, AsAChildAnswersOnAConnection) {
  play([](Process& self, ForkedChild& child) -> Task<> {
    auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
    server.on_connection([&child](net::Socket socket) { child.send("take", std::move(socket)); });
    const Client client(server.local().port());
    const Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value()["got"], Value("net.Socket"));
    EXPECT_EQ(client.read_all(), "handled by " + std::to_string(child.pid()) + "\n");
  });
}

TEST_F(Runtime, AsAChildGivesAServer) {
  play([](Process&, ForkedChild& child) -> Task<> {
    child.send(Value::object().set("give", "net.Server"));
    Message message = (co_await child.next_message()).value();
    const auto server = message.take<net::Server>();
    EXPECT_EQ(message.value()["port"], Value(server.local().port()));
  });
}

TEST_F(Runtime, AsAChildGivesAConnection) {
  const auto body = [](Process&, ForkedChild& child) -> Task<> {
    child.send(Value::object().set("do", "listen"));
    const Message listening = (co_await child.next_message()).value();
    const Client client(static_cast<int>(listening.value()["listening"].as_number()));
    Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), Value("yours"));
    auto socket = message.take<net::Socket>();
    socket.end("handled by the parent\n");
    co_await socket.flushed();
    EXPECT_EQ(client.read_all(), "handled by the parent\n");
  };
  play(body, Serialization::json, "tests/interop/giver.js");
}

TEST_F(Runtime, AsAChildAnswersOnAUdpSocket) {
  play([](Process& self, ForkedChild& child) -> Task<> {
    auto socket = net::bind_udp(self.loop(), net::Endpoint("127.0.0.1", 0));
    const int port = socket.local().port();
    child.send("echo", socket);
    socket.close();
    const Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value()["got"], Value("dgram.Socket"));
    EXPECT_EQ(ask_udp(port, "hello"), "hello");
  });
}

TEST_F(Runtime, AsAChildGivesAUdpSocket) {
  play([](Process& self, ForkedChild& child) -> Task<> {
    child.send(Value::object().set("give", "dgram.Socket"));
    Message message = (co_await child.next_message()).value();
    auto socket = message.take<net::UdpSocket>();
    EXPECT_EQ(message.value()["port"], Value(socket.local().port()));
    // Through it something is sent, as what comes in is either's.
    auto client = net::bind_udp(self.loop(), net::Endpoint("127.0.0.1", 0));
    Promise<net::Endpoint> received(self.loop());
    const auto note = [&](std::string_view, const net::Endpoint& from) { received.resolve(from); };
    client.on_message(note);
    socket.send("hello", client.local());
    const net::Endpoint from = co_await received.op();
    EXPECT_EQ(from.port(), socket.local().port());
  });
}

TEST_F(Runtime, AsAChildExchangesAdvancedMessages) {
  if (is_bun()) GTEST_SKIP() << bun_is_not_v8;
  const auto values = is_deno() ? advanced_table() : advanced_table(node_version());
  play(
      [&](Process&, ForkedChild& child) -> Task<> {
        for (const auto& [name, value] : values) {
          child.send(value);
          const Message message = (co_await child.next_message()).value();
          std::string said, meant;
          EXPECT_TRUE(wire::write_advanced(message.value(), said)) << name;
          EXPECT_TRUE(wire::write_advanced(Value::object().set("echo", inside(value)), meant)) << name;
          EXPECT_EQ(said, meant) << name;
        }
      },
      Serialization::advanced);
}

TEST_F(Runtime, AsAParentSendsAServer) { EXPECT_EQ(play_parent("sends_a_server"), 0); }
TEST_F(Runtime, AsAParentGetsAServer) { EXPECT_EQ(play_parent("gets_a_server"), 0); }
TEST_F(Runtime, AsAParentSendsAConnection) { EXPECT_EQ(play_parent("sends_a_connection"), 0); }
TEST_F(Runtime, AsAParentGetsAConnection) { EXPECT_EQ(play_parent("gets_a_connection"), 0); }
TEST_F(Runtime, AsAParentSendsAUdpSocket) { EXPECT_EQ(play_parent("sends_a_udp_socket"), 0); }
TEST_F(Runtime, AsAParentGetsAUdpSocket) { EXPECT_EQ(play_parent("gets_a_udp_socket"), 0); }
TEST_F(Runtime, AsAParentExchangesAdvancedMessages) {
  if (is_bun()) GTEST_SKIP() << bun_is_not_v8;
  EXPECT_EQ(play_parent("messages", "advanced"), 0);
  EXPECT_EQ(play_parent("values", "advanced"), 0);
}
TEST_F(Runtime, AsAParentSendsAConnectionWithAdvancedMessages) {
  if (is_bun()) GTEST_SKIP() << bun_is_not_v8;
  EXPECT_EQ(play_parent("sends_a_connection", "advanced"), 0);
}

TEST_F(Runtime, AsAPrimaryHasWorkersInCpp) {
  auto words = command("tests/interop/runtime_primary.js");
  words.push_back(built("cluster_peer"));
  Program& primary = run(words);
  const std::string started = primary.line("starts ");
  if (is_deno()) {
    EXPECT_EQ(started, std::filesystem::canonical(node_program()));
    GTEST_SKIP() << "a primary of Deno starts only scripts, with itself";
  }
  EXPECT_EQ(started, built("cluster_peer"));
  if (is_bun()) GTEST_SKIP() << "a primary of Bun hears only what begins with a byte of Bun's own";
  primary.line("online");
  const int port = primary.number("listening ");
  EXPECT_GT(number_at_end(http_get(port, "/")), 0);
  EXPECT_EQ(primary.end(SIGTERM), 0);
}

TEST_F(Runtime, AsAParentExchangesMessages) {
  auto words = command("examples/channel/parent.js");
  words.push_back(built("channel_child"));
  const auto said = run(words).rest();
  ASSERT_EQ(said.size(), 5U) << testing::PrintToString(said);
  EXPECT_EQ(said[1], R"(child said {"you_said":{"id":1,"path":"ä.png"}})");
  EXPECT_EQ(said[4], "the channel has ended");
}

TEST_F(Runtime, AsWorkersInTurn) {
  const int port = free_port();
  Program& primary = serve(port, "round-robin");
  if (is_bun()) {
    // They say that they listen, and do so by themselves: the primary must only not mind.
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(primary.line("baton: worker ").contains("started"));
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(primary.line("baton: worker ").contains("ready after"));
    EXPECT_FALSE(answers(port, 2).contains(0));
    GTEST_SKIP()
        << "workers of Bun listen by themselves; the primary does not mind, their requests are answered";
  }
  primary.line("listening on 127.0.0.1:" + std::to_string(port) + " (2 workers)");
  const auto pids = answers(port, 10);
  EXPECT_EQ(std::set<int>(pids.begin(), pids.end()).size(), 2U);
  EXPECT_EQ(pids.count(*pids.begin()), 5U);
}

TEST_F(Runtime, AsWorkersThatShare) {
  if (is_bun()) GTEST_SKIP() << "workers of Bun listen by themselves, whatever the policy";
  if (is_deno()) GTEST_SKIP() << "a worker of Deno says that it listens, and never accepts";
  const int port = free_port();
  serve(port, "shared").line("listening on 127.0.0.1:" + std::to_string(port) + " (2 workers)");
  EXPECT_FALSE(answers(port, 10).contains(0));
}

}  // namespace
}  // namespace baton::test
