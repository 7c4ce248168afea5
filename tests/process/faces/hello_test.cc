// The program `hello`, used as its users do: by its command line, its port and its signals.

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "baton/baton.h"
#include "baton/spawn/exec.h"
#include "process/visitors.h"
#include "support/leak_check.h"
#include "support/programs.h"
#include "support/signal_one.h"

namespace baton {
namespace {

using std::chrono::seconds;

class Hello : public test::LeakFree {
 protected:
  // Starts hello on a free port and waits for its line.
  void start(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"--host", "127.0.0.1", "--port", "0"});
    const auto options = SpawnOptions().stdio(0, Stdio::ignore()).stdio(2, Stdio::inherit());
    hello = spawn(loop, test::built("hello"), std::move(arguments), options);
    hello.on_exit([this](const ExitStatus& status) {
      exit = status;
      loop.stop();
    });
    hello.stdout_stream().on_data([this](std::string_view bytes) {
      line += bytes;
      if (line.ends_with('\n')) loop.stop();
    });
    loop.run();
    const size_t colon = line.rfind(':');
    port = static_cast<uint16_t>(std::stoi(line.substr(colon + 1)));
  }
  // A connection that runs `loop` until `enough(got)` or the end.
  struct Client {
    net::Socket socket;
    std::string got;
    bool ended = false;
  };
  void connect(Client& client) {
    net::connect(loop, net::Endpoint("127.0.0.1", port)).then([&](Result<net::Socket> result) {
      ASSERT_TRUE(result) << result.error().what();
      client.socket = std::move(*result);
      client.socket.on_data([&](std::string_view bytes) {
        client.got += bytes;
        loop.stop();
      });
      client.socket.on_close([&] {
        client.ended = true;
        loop.stop();
      });
      loop.stop();
    });
    loop.run();
  }
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) loop.run();
  }
  static std::string request(std::string_view method, std::string_view headers = "") {
    return std::string(method) + " / HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
  }
  // The answer to one request on a connection of its own.
  std::string ask(std::string_view method, std::string_view headers = "") {
    Client client;
    connect(client);
    client.socket.write(request(method, std::string(headers) + "Connection: close\r\n"));
    run_until([&] { return client.ended; });
    return client.got;
  }
  static pid_t pid_in(const std::string& answer) {
    return std::stoi(answer.substr(answer.rfind("from ") + 5));
  }
  void stop(int signal_number = SIGTERM) {
    hello.kill(signal_number);
    run_until([&] { return exit.has_value(); });
  }
  static Result<ExecResult> run(std::vector<std::string> arguments) {
    Loop own;
    Result<ExecResult> outcome = failure(Errc::cancelled, "run");
    exec_file(own, test::built("hello"), std::move(arguments)).then([&](Result<ExecResult> result) {
      outcome = std::move(result);
    });
    own.run();
    return outcome;
  }

  Loop loop;
  Child hello;
  std::string line;
  uint16_t port = 0;
  std::optional<ExitStatus> exit;
};

TEST_F(Hello, SaysWhereItListensOnceEveryWorkerServes) {
  start({"--workers", "3"});
  EXPECT_EQ(line, "listening on http://127.0.0.1:" + std::to_string(port) + " with 3 workers\n");
  stop();
}

TEST_F(Hello, GreetsWithThePidOfAWorker) {
  start({"--workers", "2"});
  const std::string answer = ask("GET");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer.contains("content-type: text/plain\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nHello World from " + std::to_string(pid_in(answer)) + "\n"));
  EXPECT_NE(pid_in(answer), hello.pid());
  const std::string head = ask("HEAD");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  stop();
}

TEST_F(Hello, RefusesOtherMethodsAndExpectations) {
  start({"--workers", "1"});
  const std::string post = ask("POST", "Content-Length: 0\r\n");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(post.contains("allow: GET, HEAD\r\n"));
  EXPECT_TRUE(ask("GET", "Expect: tea\r\n").starts_with("HTTP/1.1 417 "));
  stop();
}

TEST_F(Hello, ReplacesAWorkerThatDiesAndServesOn) {
  start({"--workers", "2"});
  std::set<pid_t> killed;
  for (int i = 0; i < 5; ++i) {
    const pid_t pid = pid_in(ask("GET"));
    EXPECT_FALSE(killed.contains(pid));
    killed.insert(pid);
    ASSERT_TRUE(baton::test::signal_one(pid, SIGKILL));
  }
  EXPECT_FALSE(killed.contains(pid_in(ask("GET"))));
  stop();
}

TEST_F(Hello, AnswersAnIdleKeepAliveClientThatSpeaksWhileItDrains) {
  start({"--workers", "1", "--drain", "60"});
  Client client;
  connect(client);
  client.socket.write(request("GET"));
  run_until([&] { return client.got.ends_with("\n") && client.got.contains("from "); });
  EXPECT_TRUE(client.got.contains("Connection: keep-alive"));
  const pid_t worker = pid_in(client.got);
  hello.kill(SIGTERM);
  // Until the worker has heard of it, it goes on as before.
  do {
    ASSERT_FALSE(client.ended);
    client.got.clear();
    client.socket.write(request("GET"));
    run_until([&] { return client.ended || client.got.ends_with(std::to_string(worker) + "\n"); });
    EXPECT_TRUE(client.got.starts_with("HTTP/1.1 200 OK\r\n"));
  } while (!client.got.contains("Connection: close\r\n"));
  run_until([&] { return client.ended; });
  run_until([&] { return exit.has_value(); });
  EXPECT_EQ(exit->code(), 0);
}

TEST_F(Hello, LeavesNoChildAndExitsWithZeroOnEitherSignal) {
  for (const int signal_number : {SIGTERM, SIGINT}) {
    line.clear();
    exit.reset();
    start({"--workers", "2"});
    const pid_t worker = pid_in(ask("GET"));
    stop(signal_number);
    EXPECT_EQ(exit->code(), 0);
    EXPECT_FALSE(baton::test::signal_one(worker, 0));
  }
}

TEST_F(Hello, AnswersWhomItHasLetInAtItsEndToo) {
  start({"--workers", "2"});
  test::Visitors visitors(port);
  while (visitors.answered() < 100) std::this_thread::yield();
  stop(SIGTERM);
  visitors.wait();
  EXPECT_EQ(visitors.lost(), 0U) << "beside " << visitors.answered();
}

TEST_F(Hello, StopsItsWorkersWhenItIsKilled) {
  start({"--workers", "1"});
  const pid_t worker = pid_in(ask("GET"));
  const Fd worker_alive(static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)));
  stop(SIGKILL);
  pollfd ended{worker_alive.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, -1), 1);
}

TEST_F(Hello, NamesThePortThatIsTaken) {
  const net::Server other = net::listen(loop, net::Endpoint("127.0.0.1", 0));
  const std::string taken = std::to_string(other.local().port());
  const auto result = run({"--host", "127.0.0.1", "--port", taken});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status().code(), 1);
  EXPECT_EQ(result->err(), "hello: listen 127.0.0.1:" + taken + ": bind: address already in use\n");
}

TEST_F(Hello, AnswersAWrongCommandLineWithOneLineAndTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--workers", "0"}, {"--port", "99999"}, {"--host", "nowhere"},
      {"--drain", "-1"},  {"--what"},          {"more"}};
  for (const auto& arguments : wrong) {
    const auto result = run(arguments);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status().code(), 2) << arguments[0];
    EXPECT_EQ(std::count(result->err().begin(), result->err().end(), '\n'), 1) << result->err();
    EXPECT_EQ(result->out(), "");
  }
}

}  // namespace
}  // namespace baton
