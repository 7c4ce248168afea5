#include "cli/run_options.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "cli/help.h"

namespace baton::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = std::vector<std::string>;

RunOptions parse(const Words& words) { return *parse_run(words); }

std::string wrong(const Words& words) {
  try {
    return parse_run(words) ? "(nothing)" : "(help)";
  } catch (const UsageError& error) {
    return error.what();
  }
}

TEST(RunOptions, HaveTheDefaultsOfTheTable) {
  const RunOptions options = parse({"app.js"});
  EXPECT_EQ(options.program, (Words{"app.js"}));
  EXPECT_EQ(options.workers, 1U);
  EXPECT_EQ(options.policy.name(), "round-robin");
  EXPECT_EQ(options.ready.what, supervisor::Ready::any);
  EXPECT_EQ(options.restart, supervisor::Restart::always);
  EXPECT_EQ(options.reload, supervisor::Reload::automatic);
  EXPECT_EQ(options.grace, seconds(5));
  EXPECT_EQ(options.listen_timeout, seconds(10));
  EXPECT_EQ(options.kill_timeout, seconds(8));
  EXPECT_EQ(options.drain_delay, seconds(0));
  EXPECT_EQ(options.min_uptime, seconds(1));
  EXPECT_EQ(options.backoff.first, milliseconds(100));
  EXPECT_EQ(options.backoff.second, seconds(30));
  EXPECT_EQ(options.max_restarts, 10U);
  EXPECT_FALSE(options.hang_timeout || options.max_memory || options.stop_signal || options.admin);
  EXPECT_TRUE(options.preload);
  EXPECT_FALSE(options.channel || options.stdin_pipe);
  EXPECT_FALSE(options.keep_orphans);
  EXPECT_FALSE(options.json_logs);
}

TEST(RunOptions, TakeEveryOption) {
  const RunOptions options = parse({"-i",
                                    "3",
                                    "--policy=least-loaded",
                                    "--name=shop",
                                    "--cwd",
                                    "/",
                                    "--env",
                                    "A=1",
                                    "--env",
                                    "B=x y",
                                    "--ready",
                                    "notify",
                                    "--restart",
                                    "on-failure",
                                    "--reload",
                                    "stop-first",
                                    "--grace",
                                    "1s",
                                    "--listen-timeout",
                                    "2s",
                                    "--kill-timeout",
                                    "3000",
                                    "--drain-delay",
                                    "4s",
                                    "--min-uptime",
                                    "0",
                                    "--backoff",
                                    "1s..2m",
                                    "--max-restarts",
                                    "0",
                                    "--hang-timeout",
                                    "5s",
                                    "--max-memory",
                                    "512M",
                                    "--stop-signal",
                                    "INT",
                                    "--admin",
                                    "127.0.0.1:9000",
                                    "--listen",
                                    "web=[::1]:80",
                                    "--listen=unix:/run/x",
                                    "--no-preload",
                                    "--channel",
                                    "no",
                                    "--stdin",
                                    "pipe",
                                    "--orphans",
                                    "keep",
                                    "--json-logs",
                                    "--interpreter",
                                    "node --trace-warnings",
                                    "app.js"});
  EXPECT_EQ(options.workers, 3U);
  EXPECT_EQ(options.policy.name(), "least-loaded");
  EXPECT_EQ(options.name, "shop");
  EXPECT_EQ(options.cwd, "/");
  EXPECT_EQ(options.variables, (Variables{{"A", "1"}, {"B", "x y"}}));
  EXPECT_EQ(options.ready.what, supervisor::Ready::notify);
  EXPECT_EQ(options.restart, supervisor::Restart::on_failure);
  EXPECT_EQ(options.reload, supervisor::Reload::stop_first);
  EXPECT_EQ(options.grace, seconds(1));
  EXPECT_EQ(options.listen_timeout, seconds(2));
  EXPECT_EQ(options.kill_timeout, seconds(3));
  EXPECT_EQ(options.drain_delay, seconds(4));
  EXPECT_EQ(options.min_uptime, seconds(0));
  EXPECT_EQ(options.backoff.second, std::chrono::minutes(2));
  EXPECT_EQ(options.max_restarts, 0U);
  EXPECT_EQ(options.hang_timeout, seconds(5));
  EXPECT_EQ(options.max_memory, std::uint64_t{512} << 20);
  EXPECT_EQ(options.stop_signal, SIGINT);
  EXPECT_EQ(options.admin->to_string(), "127.0.0.1:9000");
  ASSERT_EQ(options.listen.size(), 2U);
  EXPECT_EQ(options.listen[0].name(), "web");
  EXPECT_EQ(options.listen[0].endpoint().to_string(), "[::1]:80");
  EXPECT_EQ(options.listen[1].endpoint().to_string(), "unix:/run/x");
  EXPECT_FALSE(options.preload);
  EXPECT_EQ(options.channel, false);
  EXPECT_TRUE(options.stdin_pipe);
  EXPECT_TRUE(options.keep_orphans);
  EXPECT_TRUE(options.json_logs);
  EXPECT_EQ(options.interpreter, "node --trace-warnings");
  EXPECT_EQ(options.program, (Words{"app.js"}));
}

TEST(RunOptions, LeaveToTheProgramWhatFollowsIt) {
  EXPECT_EQ(parse({"-i", "2", "app.js", "-i", "3", "--help", "--bogus", "--", "x"}).program,
            (Words{"app.js", "-i", "3", "--help", "--bogus", "--", "x"}));
  EXPECT_EQ(parse({"-i2", "app.js", "--json-logs"}).workers, 2U);
  EXPECT_FALSE(parse({"app.js", "--json-logs"}).json_logs);
  EXPECT_EQ(parse({"--", "app.js", "-x"}).program, (Words{"app.js", "-x"}));
  EXPECT_EQ(parse({"--", "--strange", "-x"}).program, (Words{"--strange", "-x"}));
}

TEST(RunOptions, TheLastOfTwoWins) {
  EXPECT_EQ(parse({"-i", "2", "--grace=1s", "-i", "3", "a"}).workers, 3U);
}

TEST(RunOptions, LetDrainDelayAndKillTimeoutTakeEightSecondsTogether) {
  EXPECT_EQ(parse({"--drain-delay", "3s", "a"}).kill_timeout, seconds(5));
  EXPECT_EQ(parse({"--drain-delay", "20s", "a"}).kill_timeout, seconds(2)) << "which is not too little";
  EXPECT_EQ(parse({"--kill-timeout", "30s", "--drain-delay", "3s", "a"}).kill_timeout, seconds(30));
}

TEST(RunOptions, TakeZeroForNeverInEveryTime) {
  for (const char* name :
       {"--listen-timeout", "--kill-timeout", "--drain-delay", "--grace", "--min-uptime"}) {
    EXPECT_EQ(wrong({name, "0", "a"}), "(nothing)") << name;
  }
  EXPECT_EQ(parse({"--kill-timeout", "0", "a"}).kill_timeout, seconds(0));
  EXPECT_FALSE(parse({"--hang-timeout", "1s", "--hang-timeout", "0", "a"}).hang_timeout);
}

TEST(RunOptions, SayWhatCountsAsReady) {
  using supervisor::Ready;
  const auto ready = [](const char* text) { return parse({"--ready", text, "a"}).ready; };
  EXPECT_EQ(ready("auto").what, Ready::any);
  EXPECT_EQ(ready("any").what, Ready::any);
  EXPECT_EQ(ready("listening").what, Ready::listening);
  EXPECT_EQ(ready("message").what, Ready::message);
  EXPECT_EQ(ready("alive").what, Ready::alive);
  const auto asked = [&](const char* text) {
    const ReadyOption option = ready(text);
    EXPECT_EQ(option.what, Ready::probe) << text;
    return option.probe->where().to_string() + " " + option.probe->host() + " " + option.probe->path();
  };
  EXPECT_EQ(asked("tcp:8080"), "127.0.0.1:8080  ");
  EXPECT_EQ(asked("tcp:[::1]:80"), "[::1]:80  ");
  EXPECT_EQ(asked("tcp:unix:/run/x"), "unix:/run/x  ");
  EXPECT_EQ(asked("http://localhost:3000/healthz?x=1"), "127.0.0.1:3000 localhost:3000 /healthz?x=1");
  EXPECT_EQ(asked("http://127.0.0.1/"), "127.0.0.1:80 127.0.0.1:80 /");
  EXPECT_EQ(asked("http:8080/ready"), "127.0.0.1:8080 127.0.0.1:8080 /ready");
  EXPECT_EQ(asked("http:http://[::1]:8080"), "[::1]:8080 [::1]:8080 /");
  for (const char* bad :
       {"tcp:", "tcp:0", "tcp:x", "http:", "http://", "http:///x", "http://a b/", "https://x"}) {
    EXPECT_TRUE(wrong({"--ready", bad, "a"}).starts_with("--ready: ")) << bad;
  }
}

TEST(RunOptions, GiveAChannelToWhoIsToSpeakOnIt) {
  EXPECT_EQ(parse({"--ready", "message", "app"}).channel, true);
  EXPECT_EQ(parse({"--ready", "listening", "app"}).channel, true);
  EXPECT_EQ(parse({"--channel", "auto", "app"}).channel, std::nullopt);
  EXPECT_EQ(parse({"--ready", "notify", "--channel", "no", "app"}).channel, false);
  EXPECT_EQ(wrong({"--channel", "no", "--ready", "message", "app"}),
            "--channel: what --ready names is said on the channel");
  EXPECT_EQ(wrong({"--channel", "on", "app"}), "--channel: 'on' is none of auto, yes, no");
}

TEST(RunOptions, VariablesOfTheCommandLineWinOverThoseOfAFile) {
  const std::string path = testing::TempDir() + "baton_env";
  std::ofstream(path) << "A=file\nB=file\n";
  const RunOptions options = parse({"--env", "A=own", "--env-file", path, "a"});
  EXPECT_EQ(options.variables, (Variables{{"A", "file"}, {"B", "file"}, {"A", "own"}}));
}

TEST(RunOptions, SayInOneLineWhatIsWrong) {
  EXPECT_EQ(wrong({}), "a PROGRAM to run is missing");
  EXPECT_EQ(wrong({"-i", "2"}), "a PROGRAM to run is missing");
  EXPECT_EQ(wrong({"--bogus", "app.js"}), "there is no option --bogus");
  EXPECT_EQ(wrong({"--bogus=1", "-i", "2", "app.js"}), "there is no option --bogus");
  EXPECT_EQ(wrong({"-x", "app.js"}), "there is no option -x");
  EXPECT_EQ(wrong({"--instnaces=2", "app.js"}), "there is no option --instnaces: did you mean --instances?");
  EXPECT_EQ(wrong({"-i"}), "--instances: its value is missing");
  EXPECT_EQ(wrong({"--max-memory", "100", "app.js"}), "--max-memory: '100' is under 1M");
  EXPECT_EQ(wrong({"-i", "0", "app.js"}), "--instances: '0' is not a number from 1 to 10000 or 'max'");
  EXPECT_EQ(wrong({"--grace", "soon", "app.js"}),
            "--grace: 'soon' is not a time such as 500ms, 5s, 2m or 1h");
  EXPECT_TRUE(wrong({"--policy", "best", "app.js"}).starts_with("--policy: "));
  for (const Words& words : std::vector<Words>{{"--backoff", "1s", "a"},
                                               {"--ready", "maybe", "a"},
                                               {"--restart", "maybe", "a"},
                                               {"--reload", "maybe", "a"},
                                               {"--env", "A", "a"},
                                               {"--env-file", "/nowhere", "a"},
                                               {"--listen", "x", "a"},
                                               {"--admin", "x", "a"},
                                               {"--stop-signal", "x", "a"},
                                               {"--max-memory", "0", "a"},
                                               {"--max-restarts", "-1", "a"},
                                               {"--hang-timeout", "1ms", "a"},
                                               {"--json-logs=maybe", "a"},
                                               {"--grace"},
                                               {"--"}}) {
    EXPECT_FALSE(wrong(words).starts_with('(')) << words[0];
    EXPECT_FALSE(wrong(words).contains('\n')) << words[0];
  }
}

TEST(RunOptions, BehindTheProgramAreItsOwnWhichIsHintedAt) {
  EXPECT_EQ(parse({"app.js", "-i", "2"}).hint,
            "-i 2 behind app.js is that program's own: `baton run -i 2 app.js` makes as many workers");
  EXPECT_EQ(parse({"app.js", "-i", "file"}).hint, "");
  EXPECT_EQ(parse({"--", "app.js", "-i", "2"}).hint, "") << "whoever marks it knows";
}

TEST(RunOptions, AskingForHelpIsNoMistake) {
  EXPECT_EQ(wrong({"--help"}), "(help)");
  EXPECT_EQ(wrong({"-h"}), "(help)");
  EXPECT_EQ(wrong({"-i", "2", "--help"}), "(help)");
}

TEST(Help, TellsOfEveryOption) {
  for (const std::string& name : run_option_names()) {
    EXPECT_TRUE(run_help().contains(" " + name + " ") || run_help().contains(" " + name + "\n")) << name;
  }
  EXPECT_GE(run_option_names().size(), 22U);
}

TEST(Help, FitsIntoATerminal) {
  for (std::string_view text : {run_help(), main_help()}) {
    for (size_t end = 0; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
      EXPECT_LE(end, 110U) << text.substr(0, end);
    }
  }
}

}  // namespace
}  // namespace baton::cli
