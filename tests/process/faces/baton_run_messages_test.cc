// What workers say to their primary under `baton run`: who takes it.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "process/faces/baton_run.h"

namespace baton::test {
namespace {

class RunMessages : public BatonRun {
 protected:
  void SetUp() override {
    if (!has("node")) GTEST_SKIP() << "there is no Node";
  }
  // For the primary: a program of `body` that says when it is told to end.
  [[nodiscard]] std::string primary(const std::string& body) const {
    return file("primary.js",
                "const cluster = require('cluster');\n" + body +
                    "\nprocess.on('SIGTERM', () => { console.log('last'); process.exit(); });\n");
  }
};

TEST_F(RunMessages, ThatNobodyTakesAreToldOncePerKindWithWhatToDo) {
  const std::string job = file("job.js", R"(
for (let i = 0; i < 3; ++i) {
  process.send({ channel: 'rate_limiter_flexible', type: 'init' });
  process.send({ kind: 'other' });
  process.send(i);
}
process.send('ready');
)");
  EXPECT_EQ(play({"-i", "2", "--restart", "never", job}), "exit 0");
  Words notices;
  std::ranges::copy_if(lines, std::back_inserter(notices),
                       [](const std::string& line) { return line.contains("nobody takes them"); });
  ASSERT_EQ(notices.size(), 3U);
  EXPECT_TRUE(
      notices[0].contains("sends messages to the primary, and nobody takes them: channel "
                          "rate_limiter_flexible; --primary FILE.js names a program that does"))
      << notices[0];
  EXPECT_TRUE(notices[1].contains("nobody takes them: kind other;")) << notices[1];
  EXPECT_TRUE(notices[2].contains("nobody takes them; --primary")) << notices[2];
}

// The worker that is asked for /say has said it.
constexpr const char* says_when_asked = R"(
const say = JSON.parse(process.env.SAY);
require('http').createServer((request, response) => {
  process.send(say);
  response.end(process.env.BATON_INSTANCE);
}).listen(0, '127.0.0.1');
)";

constexpr const char* prints_what_it_hears =
    "process.on('message', (message) => console.log('heard', JSON.stringify(message)));\n";

TEST_F(RunMessages, OfSocketIoReachTheOtherWorkersAndThoseOfPm2IntercomAll) {
  const std::string sio = R"({"type":2,"uid":"dd13494d0910c35c","nsp":"/","source":"_sio_adapter"})";
  const std::string pm2 = R"({"topic":"intercom:msg","data":{"some":"data"}})";
  for (const std::string& message : {sio, pm2}) {
    const std::string program_file = file("says.js", std::string(says_when_asked) + prints_what_it_hears);
    const Place place = port_of(start_listening({"-i", "3", "--env", "SAY=" + message, program_file}));
    const std::string said_by = body_of(ask(place));
    Words heard;
    const std::size_t hearers = message == pm2 ? 3 : 2;
    for (std::size_t i = 0; i < hearers; ++i) heard.push_back(printed("heard"));
    std::ranges::sort(heard);
    for (const std::string& line : heard) EXPECT_TRUE(line.ends_with("] heard " + message)) << line;
    EXPECT_EQ(std::ranges::unique(heard).size(), 0U) << "each hears it once";
    const bool hears_itself = std::ranges::any_of(
        heard, [&](const std::string& line) { return line.starts_with("[" + said_by + "]"); });
    EXPECT_EQ(hears_itself, message == pm2);
    EXPECT_EQ(end(SIGTERM), "exit 0");
  }
}

TEST_F(RunMessages, KeepTheirOrderWhereSomeAreLarge) {
  const std::string program_file = file("order.js", R"(
process.on('message', (message) => {
  if (message.topic === 'x') console.log('heard', message.data.length, message.data.at(-1));
});
require('http').createServer((_, response) => {
  for (let i = 0; i < 3; ++i) {
    process.send({ topic: 'x', data: Array(20000).fill(0.1 + i) });
    process.send({ topic: 'x', data: [i] });
  }
  response.end();
}).listen(0);
)");
  const Place place = port_of(start_listening({"-i", "1", program_file}));
  (void)ask(place);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(printed("heard"), "[1] heard 20000 " + std::to_string(i) + ".1");
    EXPECT_EQ(printed("heard"), "[1] heard 1 " + std::to_string(i));
  }
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunMessages, AreTakenAndAnsweredByTheProgramOfPrimaryAsInNodesCluster) {
  const std::string file = primary(R"(
console.log('primary', cluster.isPrimary, process.send, process.execArgv.length, process.env.BATON_PRELOAD);
cluster.on('online', (worker) => console.log('online', worker.id, worker.process.pid > 0));
cluster.on('listening', (worker, address) => console.log('listening', worker.id, address.address));
cluster.on('message', (worker, message) => {
  console.log('asked', JSON.stringify(message), cluster.workers[worker.id] === worker);
  for (const each of Object.values(cluster.workers)) each.send({ answer: message.question });
});
cluster.on('exit', (worker, code, signal) => {
  console.log('exit', worker.id, code, signal, worker.isDead(), worker.exitedAfterDisconnect, cluster.workers[worker.id]);
});
)");
  const std::string hears = this->file("hears.js", std::string(says_when_asked) + prints_what_it_hears);
  const Place place =
      port_of(start_listening({"-i", "2", "--primary", file, "--env", R"(SAY={"question":42})", hears}));
  EXPECT_EQ(printed("primary"), "[primary] primary true undefined 0 undefined");
  (void)ask(place);
  EXPECT_TRUE(printed("asked").ends_with(R"(asked {"question":42} true)"));
  printed(R"(heard {"answer":42})");
  printed(R"(heard {"answer":42})");
  program.signal(SIGTERM);
  const Words rest = program.output.rest();
  const auto of_primary = std::ranges::count_if(rest, [](const std::string& line) {
    return line.starts_with("[primary] exit ") && line.ends_with("0 null true true undefined");
  });
  EXPECT_EQ(of_primary, 2);
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back(), "[primary] last") << "it ends behind the workers";
  EXPECT_EQ(end(), "exit 0");
}

TEST_F(RunMessages, WaitForAPrimaryThatIsAModuleAndListensLate) {
  const std::string late = file("primary.mjs", R"(
import cluster from 'node:cluster';
await new Promise((done) => setTimeout(done, 300));
cluster.on('fork', (worker) => console.log('fork', worker.id));
cluster.on('message', (worker, message) => console.log('got', message));
)");
  start({"--primary", late, node_server("process.send('early');")});
  EXPECT_EQ(printed("fork"), "[primary] fork 1");
  EXPECT_EQ(printed("got"), "[primary] got early");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunMessages, ReachAPrimaryThatWasStartedAgainWhichKnowsTheWorkersThatThereAre) {
  const std::string dies = primary(R"(
cluster.on('online', (worker) => console.log('knows', worker.id, Object.keys(cluster.workers).length));
cluster.on('message', (worker, message) => { console.log('got', message); if (message === 'die') process.exit(3); });
)");
  const std::string says = file("says.js", R"(
require('http').createServer((request, response) => {
  process.send(request.url.slice(1));
  response.end();
}).listen(0, '127.0.0.1');
)");
  const Place place = port_of(start_listening({"--backoff", "1ms..1ms", "--primary", dies, says}));
  printed("knows 1");
  (void)ask(place, "/die");
  EXPECT_TRUE(told("primary (pid").contains("exit code 3; next start in "));
  EXPECT_EQ(printed("knows"), "[primary] knows 1 1");
  (void)ask(place, "/live");
  printed("got live");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunMessages, WaitForAPrimaryThatCannotBeStartedAgainAsForOneThatDies) {
  const std::string node = file("node", "#!/bin/sh\nexec node \"$@\"\n", 0755);
  const std::string dies = primary("cluster.on('message', () => process.exit(3));");
  const std::string hears = file("asks.js", says_when_asked);
  const Words patient = {"--min-uptime", "0", "--backoff", "10s..10s", "--env", "SAY=1"};
  const Place place =
      port_of(start_listening(patient + Words{"--interpreter", node, "--primary", dies, hears}));
  ASSERT_EQ(::unlink(node.c_str()), 0);
  (void)ask(place);
  EXPECT_TRUE(told("primary (pid").ends_with("exit code 3; next start in 0 ms"));
  const std::string failed = told("; next start in ");
  EXPECT_FALSE(failed.ends_with("in 0 ms")) << failed;
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// Nobody is left of them when the test ends.
TEST_F(RunMessages, OfAPrimaryThatDiesAgainAndAgainEndItsDaemonsToo) {
  const std::string leaves = file("leaves.js", R"(
const daemon = require('child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
console.log('daemon', daemon.pid);
setTimeout(() => process.exit(3), 50);
)");
  start({"--backoff", "1ms..1ms", "--primary", leaves, node_server()});
  for (int i = 0; i < 3; ++i) {
    const pid_t daemon =
        std::atoi(printed("daemon ").substr(std::string("[primary] daemon ").size()).c_str());
    ASSERT_GT(daemon, 1);
    told("exit code 3; next start in ");
    EXPECT_NE(::kill(daemon, 0), 0);
  }
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunMessages, ReachNoPrimaryThatIsNoScriptForNode) {
  EXPECT_EQ(play({"--primary", "/bin/true", node_server()}), "exit 2");
  EXPECT_TRUE(lines.back().contains("--primary: /bin/true is no script for Node")) << lines.back();
  EXPECT_EQ(play({"--primary", folder + "/none.js", node_server()}), "exit 127");
}

TEST_F(RunMessages, OfAPrimaryThatReplacesAWorkerMakeItLeaveByTheBook) {
  const std::string file = primary(R"(
cluster.on('listening', (worker) => { if (worker.id === 1) worker.disconnect(); });
try { cluster.fork(); } catch (error) { console.log(error.message); }
)");
  start({"--primary", file, node_server()});
  printed("cluster.fork: under baton run --primary workers are started and ended by baton");
  const std::string first = told("told to stop");
  EXPECT_TRUE(first.contains("worker 1 (pid")) << first;
  EXPECT_TRUE(told("worker 1 (pid").contains("exit code 0, told to stop"));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
