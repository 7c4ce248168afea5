// The endpoint of `baton run --admin`.

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "process/faces/baton_run.h"
#include "support/signal_one.h"

namespace baton::test {
namespace {

class RunAdmin : public BatonRun {
 protected:
  [[nodiscard]] std::string get(const std::string& target) const {
    return ask(Place(folder + "/admin"), target);
  }
  [[nodiscard]] std::string metrics() const { return body_of(get("/metrics")); }
  void expect_that_somebody_listens() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder + "/admin").copy(address.sun_path, sizeof address.sun_path - 1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    while (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "nobody listens";
      std::this_thread::yield();
    }
  }
  // The value of a line of the metrics.
  [[nodiscard]] double metric(const std::string& name) const {
    const std::string text = metrics();
    const size_t place = text.find("\n" + name + " ");
    if (place == std::string::npos) {
      ADD_FAILURE() << "no " << name << " in\n" << text;
      return -1;
    }
    return std::stod(text.substr(place + name.size() + 2));
  }
};

TEST_F(RunAdmin, IsAliveBeforeItIsReady) {
  start(admin() + Words{"sleep", "1000"});
  told("admin on unix:" + folder + "/admin");
  EXPECT_TRUE(get("/livez").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(get("/readyz").starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(status()["state"].as_string(), "starting");
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(get("/metrics/").starts_with("HTTP/1.1 404 "));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, OnAPathThatACleanerRemovesIsThereAgain) {
  start(admin() + Words{"sleep", "1000"});
  told("admin on unix:" + folder + "/admin");
  for (int i = 0; i < 2; ++i) {
    std::filesystem::remove(folder + "/admin");
    expect_that_somebody_listens();
    EXPECT_TRUE(get("/livez").starts_with("HTTP/1.1 200 "));
  }
  EXPECT_EQ(end(SIGTERM), "exit 0");
  EXPECT_FALSE(std::filesystem::exists(folder + "/admin"));
}

TEST_F(RunAdmin, OnAPathWhereAnotherListensNowSaysSo) {
  const std::string path = folder + "/admin";
  start(admin() + Words{"sleep", "1000"});
  told("admin on unix:" + path);
  std::filesystem::remove(path);
  std::ofstream(path) << "precious";
  const std::string line = told("has lost its file");
  EXPECT_TRUE(line.contains("cannot be made anew: nobody can connect (listen unix:" + path)) << line;
  std::filesystem::remove(path);
  told("admin on unix:" + path);
  EXPECT_TRUE(get("/livez").starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, ListensOnAPortToo) {
  start({"--admin", "127.0.0.1:0", "sleep", "1000"});
  const std::string line = told("admin on 127.0.0.1:");
  EXPECT_TRUE(ask(port_of(line), "/livez").starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, IsReadyUntilItDrainsAndStillServesThen) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening(admin() + Words{"--drain-delay", "20s", node_server()});
  EXPECT_TRUE(get("/readyz?verbose").starts_with("HTTP/1.1 200 "));
  program.signal(SIGTERM);
  status_when([](const Value& now) { return now["state"].as_string() == "draining"; });
  EXPECT_TRUE(get("/readyz").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(ask(port_of(address)).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(end(SIGTERM), "exit 143");
}

TEST_F(RunAdmin, TellsTheStatusAsItIs) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address =
      start_listening(admin() + Words{"-i", "2", "--min-uptime", "0", "--grace", "10ms", node_server()});
  const Fd open = Place(port_of(address)).connect();
  const Value now = status_when([](const Value& value) {
    return value["workers"][0]["connections"].get_if_integer().value_or(0) +
               value["workers"][1]["connections"].get_if_integer().value_or(0) ==
           1;
  });
  EXPECT_EQ(now["state"].as_string(), "running");
  EXPECT_FALSE(now["reloads"]["running"].as_boolean());
  EXPECT_EQ(now["reloads"]["done"].as_integer(), 0);
  EXPECT_EQ(now["reloads"]["failed"].as_integer(), 0);
  ASSERT_EQ(now["workers"].size(), 2U);
  for (int64_t slot = 1; slot <= 2; ++slot) {
    const Value& worker = now["workers"][static_cast<size_t>(slot - 1)];
    EXPECT_EQ(worker["id"].as_integer(), slot);
    EXPECT_EQ(worker["state"].as_string(), "ready");
    EXPECT_EQ(worker["restarts"].as_integer(), 0);
  }
  ASSERT_EQ(now["listeners"].size(), 1U);
  EXPECT_EQ(now["listeners"][0].as_string(), address);

  ASSERT_TRUE(signal_one(static_cast<pid_t>(now["workers"][1]["pid"].as_integer()), SIGKILL));
  const Value after = status_when([](const Value& value) {
    return value["workers"][1]["restarts"].as_integer() == 1 &&
           value["workers"][1]["state"].as_string() == "ready";
  });
  EXPECT_EQ(after["workers"][1]["id"].as_integer(), 2);
  EXPECT_EQ(after["workers"][0]["pid"].as_integer(), now["workers"][0]["pid"].as_integer());
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, HasNoPidForASlotInBackOffAndNoConnectionsWhereNobodyReportsThem) {
  const std::string app = file("app", "#!/bin/sh\nexit 3\n", 0755);
  start(admin() + Words{"--backoff", "1h..1h", app});
  told("admin on");
  const Value now =
      status_when([](const Value& value) { return value["workers"][0]["state"].as_string() == "backoff"; });
  EXPECT_TRUE(now["workers"][0]["pid"].is_null());
  EXPECT_TRUE(now["workers"][0]["connections"].is_null());
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, TellsTheNameAndTheAgeAndWhatEachWorkerUses) {
  start(admin() + Words{"--name", "shop", "--ready", "alive", "--min-uptime", "20ms", "sleep", "1000"});
  told("ready after");
  const Value now = status();
  EXPECT_EQ(now["name"].as_string(), "shop");
  EXPECT_GT(now["uptime"].as_number(), 0.0);
  const Value& worker = now["workers"][0];
  EXPECT_GE(worker["uptime"].as_number(), 0.02);
  EXPECT_LE(worker["uptime"].as_number(), now["uptime"].as_number() + 0.01);
  EXPECT_GE(worker["cpu_seconds"].as_number(), 0.0);
  EXPECT_GT(worker["memory_bytes"].as_number(), 10'000.0);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, IsCalledAsItsProgramIsWithoutAName) {
  start(admin() + Words{"sleep", "1000"});
  told("admin on");
  EXPECT_EQ(status()["name"].as_string(), "sleep");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, TakesOrdersOnAUnixSocket) {
  const Words alive = {"--ready", "alive", "--min-uptime", "1ms", "sleep", "1000"};
  start(admin() + Words{"-i", "2"} + alive);
  told("ready after");
  told("ready after");
  const Place place(folder + "/admin");
  const auto before = workers();

  EXPECT_TRUE(ask(place, "/workers/2/replace", "POST").starts_with("HTTP/1.1 202 "));
  const auto replaced = status_when([&](const Value& now) {
    return now["workers"].size() == 2 && now["workers"][1]["restarts"].as_integer() == 1 &&
           now["workers"][1]["state"].as_string() == "ready";
  });
  EXPECT_EQ(replaced["workers"][0]["pid"].as_integer(), before[0]);
  EXPECT_EQ(metric("baton_worker_restarts_total{reason=\"replace\"}"), 1);

  EXPECT_TRUE(ask(place, "/reload", "POST").starts_with("HTTP/1.1 202 "));
  told("reload done");
  EXPECT_TRUE(ask(place, "/scale?n=3", "POST").starts_with("HTTP/1.1 202 "));
  told("scaled to 3 workers");

  EXPECT_TRUE(ask(place, "/workers/9/replace", "POST").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask(place, "/scale?n=0", "POST").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(place, "/scale", "POST").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(place, "/bogus", "POST").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask(place, "/reload", "GET").starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(ask(place, "/livez", "POST").starts_with("HTTP/1.1 405 "));
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, TakesNoOrdersOnAPort) {
  start({"--admin", "127.0.0.1:0", "sleep", "1000"});
  const std::string line = told("admin on 127.0.0.1:");
  const std::string answer = ask(port_of(line), "/reload", "POST");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_TRUE(answer.contains("--admin unix:/path")) << answer;
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, CountsReloads) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  start_listening(admin() + Words{node_server()});
  program.signal(SIGHUP);
  told("reload done");
  file("app.js", "process.exit(1)");
  program.signal(SIGHUP);
  told("reload failed");
  const Value now = status_when([](const Value& value) { return !value["reloads"]["running"].as_boolean(); });
  EXPECT_EQ(now["reloads"]["done"].as_integer(), 1);
  EXPECT_EQ(now["reloads"]["failed"].as_integer(), 1);
  EXPECT_EQ(metric("baton_reload_total{result=\"done\"}"), 1);
  EXPECT_EQ(metric("baton_reload_total{result=\"failed\"}"), 1);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

TEST_F(RunAdmin, HasOpenMetrics) {
  if (!has("node")) GTEST_SKIP() << "there is no Node";
  const std::string address = start_listening(admin() + Words{"-i", "2", "--min-uptime", "0", node_server()});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ask(port_of(address)).starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(
      get("/metrics")
          .contains("\r\ncontent-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
  EXPECT_TRUE(metrics().ends_with("\n# EOF\n"));
  EXPECT_EQ(metric("baton_app_workers{state=\"ready\"}"), 2);
  EXPECT_EQ(metric("baton_app_workers{state=\"backoff\"}"), 0);
  EXPECT_EQ(metric("baton_cluster_connections_total{worker=\"1\"}"), 2);
  EXPECT_EQ(metric("baton_cluster_connections_total{worker=\"2\"}"), 2);
  EXPECT_EQ(metric("baton_cluster_inflight_handles"), 0);
  EXPECT_EQ(metric("baton_cluster_handle_requeued_total"), 0);
  EXPECT_EQ(metric("baton_worker_ready_seconds_count"), 2);
  EXPECT_GT(metric("baton_worker_ready_seconds_sum"), 0);
  EXPECT_GT(metric("baton_worker_memory_bytes{worker=\"1\",type=\"rss\"}"), 1e6);
  EXPECT_GT(metric("baton_worker_open_fds{worker=\"1\"}"), 3);
  EXPECT_GE(metric("baton_worker_loop_lag_seconds{worker=\"1\"}"), 0);
  EXPECT_EQ(metric("baton_worker_restarts_total{reason=\"signal\"}"), 0);
  EXPECT_GT(metric("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(metric("process_start_time_seconds"), 1e9);

  const double cpu = metric("baton_worker_cpu_seconds_total{worker=\"1\"}");
  EXPECT_GT(cpu, 0);
  ASSERT_TRUE(signal_one(workers()[0], SIGKILL));
  told("killed by SIGKILL");
  told("ready after");
  EXPECT_GE(metric("baton_worker_cpu_seconds_total{worker=\"1\"}"), cpu);
  EXPECT_EQ(metric("baton_worker_restarts_total{reason=\"signal\"}"), 1);
  EXPECT_EQ(metric("baton_worker_exit_total{code=\"\",signal=\"9\"}"), 1);
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
