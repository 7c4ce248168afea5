#include "load/load.h"

#include <gtest/gtest.h>

#include "load/misbehaving_server.h"
#include "process/program.h"
#include "support/leak_check.h"
#include "support/programs.h"

namespace baton::load {
namespace {

using namespace std::chrono_literals;
using Manner = MisbehavingServer::Manner;

class LoadClient : public test::LeakFree {
 protected:
  // One request to a server that does what `path` says.
  Tally ask(const std::string& path, Options options = Options().requests(1), Manner manner = Manner::obey) {
    const MisbehavingServer server(manner);
    return run(options.at("127.0.0.1", server.port()).path("/" + path));
  }
  static Tally run(const Options& options) {
    Load load(options);
    load.on_failure([](const Failure& failure) { EXPECT_GT(failure.local_port(), 0); });
    while (!load.finished()) load.step(1s);
    return load.tally();
  }
  // That one request had this fate and no other.
  static void expect_only(const Tally& tally, Fate fate) {
    EXPECT_EQ(tally.requests(), 1U);
    EXPECT_EQ(tally.count(fate), 1U) << tally.to_json();
  }
};

TEST_F(LoadClient, KnowsARightAnswerAndWhoGaveIt) {
  const MisbehavingServer server;
  for (const char* path : {"/right", "/chunked", "/leave"}) {
    const Tally tally = run(Options().requests(5).at("127.0.0.1", server.port()).path(path));
    EXPECT_EQ(tally.answered(), 5U);
    EXPECT_EQ(tally.failed(), 0U);
    EXPECT_EQ(tally.by_worker(), (std::map<pid_t, std::uint64_t>{{server.pid(), 5}}));
  }
}

TEST_F(LoadClient, CountsWhatIsRefused) {
  std::uint16_t port = 0;
  {
    const MisbehavingServer server;
    port = server.port();
  }
  expect_only(run(Options().requests(1).at("127.0.0.1", port)), Fate::refused);
}

TEST_F(LoadClient, CountsWhatIsResetBeforeItWasSent) {
  const auto late = Options().requests(1).silent(1h, 59min);
  expect_only(ask("right", late, Manner::reset_on_accept), Fate::reset_before);
  expect_only(ask("right", late, Manner::end_on_accept), Fate::reset_before);
}

TEST_F(LoadClient, CountsWhatIsResetAfterItWasSent) { expect_only(ask("reset"), Fate::reset_after); }

TEST_F(LoadClient, CountsWhatEndsWithoutAWholeAnswer) {
  expect_only(ask("end"), Fate::eof);
  expect_only(ask("half"), Fate::eof);
}

TEST_F(LoadClient, CountsWhatHangs) {
  expect_only(ask("silence", Options().requests(1).patience(50ms)), Fate::hung);
}

TEST_F(LoadClient, CountsWrongAnswers) {
  for (const char* path : {"status", "body", "token", "length"}) expect_only(ask(path), Fate::wrong);
}

TEST_F(LoadClient, CountsASecondAnswerThatComesWithTheFirst) {
  for (const bool keep_alive : {false, true}) {
    const Tally tally = ask("twice", Options().requests(3).keep_alive(keep_alive));
    EXPECT_EQ(tally.answered(), 3U);
    EXPECT_EQ(tally.second_answers(), 3U);
    EXPECT_EQ(tally.failed(), 3U);
  }
}

TEST_F(LoadClient, CountsASecondAnswerThatComesLater) {
  const Tally tally = ask("twice_later", Options().clients(1).requests(3).patience(500ms));
  EXPECT_EQ(tally.answered(), 3U);
  EXPECT_EQ(tally.second_answers(), 2U);  // the last has no request after it
}

TEST_F(LoadClient, KeepsAConnectionWhenAsked) {
  const auto one_client = Options().clients(1).requests(2).keep_alive();
  const Tally kept = ask("once", one_client);
  EXPECT_EQ(kept.answered(), 1U);
  EXPECT_EQ(kept.count(Fate::reset_after), 1U);
  EXPECT_EQ(ask("once", Options(one_client).keep_alive(false)).answered(), 2U);
}

TEST_F(LoadClient, TakesTheEndOfAnIdleConnectionForNoFailure) {
  const Tally tally = ask("leave", Options().clients(1).requests(20).keep_alive().think(1ms));
  EXPECT_EQ(tally.answered() + tally.lost(), 20U);
  EXPECT_GT(tally.idle_ends(), 0U);
}

TEST_F(LoadClient, AsksAtARateHoweverTheAnswersCome) {
  const Tally tally = ask("silence", Options().rate(10'000).requests(200).patience(50ms));
  EXPECT_EQ(tally.count(Fate::hung), 200U);
}

TEST_F(LoadClient, SendsNoMoreRequestsOnceItWasStopped) {
  const MisbehavingServer server;
  Load load(Options().at("127.0.0.1", server.port()).path("/right"));
  std::uint64_t answers = 0;
  load.on_answer([&](pid_t worker) {
    EXPECT_EQ(worker, server.pid());
    if (++answers == 100) load.stop();
  });
  while (!load.finished()) load.step(1s);
  EXPECT_GE(load.tally().answered(), 100U);
  EXPECT_LT(load.tally().answered(), 200U);
  EXPECT_EQ(load.under_way(), 0U);
}

TEST_F(LoadClient, AsAProgramPrintsATableOrALineOfJson) {
  const MisbehavingServer server;
  const std::string port = std::to_string(server.port());
  test::Program table(test::built("baton_load"), {port, "--requests", "7", "--path", "/right"});
  EXPECT_EQ(table.output.next(), "answered                    7");
  EXPECT_EQ(table.output.next(), "refused                     0");
  table.output.rest();
  EXPECT_EQ(table.end(), "exit 0");
  test::Program json(test::built("baton_load"),
                     {"127.0.0.1:" + port, "--requests", "7", "--path", "/end", "--json"});
  const auto line = json.output.next();
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->starts_with("{\"requests\":7,\"answered\":0,\"refused\":0,")) << *line;
  EXPECT_TRUE(line->contains("\"eof\":7,"));
  EXPECT_EQ(json.end(), "exit 1");
  test::Program usage(test::built("baton_load"), {"nowhere"});
  EXPECT_EQ(usage.errors.next(), "baton_load: nowhere is no [ADDRESS:]PORT (see baton_load --help)");
  EXPECT_EQ(usage.end(), "exit 2");
}

}  // namespace
}  // namespace baton::load
