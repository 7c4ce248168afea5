// `baton run`: what a service is, and that it goes on whatever its workers do with their listeners.

#include <algorithm>
#include <filesystem>
#include <string>

#include "baton/wire/json.h"
#include "process/faces/baton_run.h"

namespace baton::test {
namespace {

class Service : public BatonRun {
 protected:
  // By slot: "ready".
  static std::string state_of(const Value& status, size_t worker) {
    const Value& workers = status["workers"];
    return worker < workers.size() ? std::string(workers[worker]["state"].as_string()) : "";
  }
};

TEST_F(Service, GoesOnWhereAWorkerStopsListening) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = file("app.js", R"(
const server = require('http').createServer((request, response) => {
  response.end(`${process.pid}\n`);
  if (request.url === '/close') server.close();
});
server.listen(`${__dirname}/public`);
)");
  start(admin() + Words{"--min-uptime", "0", "--grace", "20s", "--kill-timeout", "30s", app});
  told("listening on unix:");
  const Place place(folder + "/public");
  status_when([](const Value& status) { return status["workers"][0]["uptime"].as_number() > 1.2; });
  const Fd kept = place.connect();
  write_all(kept, "GET /close HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string first = body_of(read_until(kept, "\n"));
  told("it has stopped listening, and is replaced");
  const std::string second = body_of(ask(place));
  EXPECT_NE(second, first);
  EXPECT_NE(second, "") << "its listener stays open";
  // By the book: it answers once more on what it has.
  write_all(kept, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(read_until(kept).ends_with(first));
  told("exit code 0, told to stop");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// As wrappers do that watch files, or carry messages between processes of theirs.
TEST_F(Service, IsNotThePipeThatAWorkerOpensForItself) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = file("app.js", R"(
const fs = require('fs');
require('net').createServer().listen(`${__dirname}/${process.pid}.pipe`, () => {
  console.log('the pipe is open');
  const timer = setInterval(() => {
    if (!fs.existsSync(`${__dirname}/go`)) return;
    clearInterval(timer);
    require('http').createServer((request, response) => response.end('hello')).listen(0, '127.0.0.1');
  }, 5);
});
)");
  start(admin() + Words{"--min-uptime", "0", app});
  printed("the pipe is open");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(state_of(status(), 0), "starting");
  (void)file("go", "");
  told("listening on 127.0.0.1:");
  EXPECT_EQ(state_of(status(), 0), "ready");
  const Value now = status();
  ASSERT_EQ(now["listeners"].size(), 1U);
  EXPECT_TRUE(now["listeners"][0].as_string().starts_with("127.0.0.1:"));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Service, IsInAReloadWhatTheWorkersBeforeServed) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = file("app.js", R"(
const fs = require('fs');
const first = !fs.existsSync(`${__dirname}/second`);
fs.writeFileSync(`${__dirname}/second`, '');
const serve = () =>
  require('http').createServer((request, response) => response.end(first ? 'first' : 'second')).listen(`${__dirname}/public`);
if (first) serve();
else
  require('net').createServer().listen(0, '127.0.0.1', () => {
    console.log('something listens');
    const timer = setInterval(() => {
      if (!fs.existsSync(`${__dirname}/go`)) return;
      clearInterval(timer);
      serve();
    }, 5);
  });
)");
  start(admin() + Words{"--min-uptime", "0", app});
  told("listening on unix:");
  program.signal(SIGHUP);
  printed("something listens");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(body_of(ask(Place(folder + "/public"))), "first");
  (void)file("go", "");
  told("reload done");
  EXPECT_EQ(body_of(ask(Place(folder + "/public"))), "second");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Service, MayBeElsewhereAfterAReload) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = file("app.js", R"(
const fs = require('fs');
const first = !fs.existsSync(`${__dirname}/second`);
fs.writeFileSync(`${__dirname}/second`, '');
require('http').createServer((request, response) => response.end('hello')).listen(`${__dirname}/${first ? 'old' : 'new'}`);
)");
  start(admin() + Words{"--min-uptime", "0", "--listen-timeout", "1s", app});
  told("listening on unix:");
  program.signal(SIGHUP);
  told("reload done");
  EXPECT_EQ(body_of(ask(Place(folder + "/new"))), "hello");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(Service, OfANewWorkerIsWhatMostOthersServeAndNotWhatOneAloneDoes) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string app = file("app.js", R"(
const listen = (name, then) =>
  require('http').createServer((request, response) => response.end('hello')).listen(`${__dirname}/${name}`, then);
const when = (name, then) => {
  const timer = setInterval(() => {
    if (!require('fs').existsSync(`${__dirname}/${name}`)) return;
    clearInterval(timer);
    then();
  }, 5);
};
const roles = [
  () => listen('public', () => listen('more')),
  () => when('two', () => listen('public')),
  () => listen('elsewhere', () => {
    console.log('something listens');
    when('three', () => listen('public'));
  }),
];
roles[process.env.NODE_APP_INSTANCE]();
)");
  start(admin() + Words{"-i", "2", "--listen-timeout", "1h", app});
  told("worker 1 (pid");
  told(" ready after ");
  status_when([](const Value& status) { return status["listeners"].size() == 2; });
  (void)file("two", "");
  const std::string second = told(" ready after ");
  EXPECT_TRUE(second.contains("worker 2 (pid")) << second;
  (void)ask(Place(folder + "/admin"), "/scale?n=3", "POST");
  printed("something listens");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(state_of(status(), 2), "starting");
  (void)file("three", "");
  const std::string third = told(" ready after ");
  EXPECT_TRUE(third.contains("worker 3 (pid")) << third;
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

// It says that it is ready, and takes its socket for somebody else's.
TEST_F(Service, IsNotReadyWhereNobodyTakesTheConnectionsThatWait) {
  const std::string app = file("app.sh", "#!/bin/sh\nsh -c 'echo up; sleep 1000'\nexit 0\n", 0755);
  const std::string address = start_listening(
      admin() + Words{"--listen", "127.0.0.1:0", "--ready", "alive", "--listen-timeout", "1s", app});
  const Place admin_place(folder + "/admin");
  EXPECT_EQ(body_of(ask(admin_place, "/readyz")), "ready\n");
  const Fd waiting = Place(port_of(address)).connect();
  told("connections wait on " + address + " and no worker takes them");
  EXPECT_EQ(body_of(ask(admin_place, "/readyz")), "no worker takes the connections of " + address + "\n");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
