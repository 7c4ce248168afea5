// What a forked child is given, told by the child itself over its channel: a shell, whose lines on descriptor
// 3 are messages.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "baton/baton.h"
#include "support/leak_check.h"

namespace baton {
namespace {

using Texts = std::vector<std::string>;
using namespace std::chrono_literals;

/// What came of a child.
struct Story {
  Texts messages;
  std::string exit;
  std::string out, err;
};

class Fork : public test::LeakFree {
 protected:
  static void SetUpTestSuite() { const Loop first; }

  /// A parent that forks `module` and does nothing else; `with_child` sees the child.
  static Story story_of(const std::string& module, const ForkOptions& options,
                        const std::function<void(ForkedChild&)>& with_child = {}) {
    Story story;
    const auto parent = [&](Process& self) {
      ForkedChild& child = self.fork(module, options);
      child.on_message([&](const Message& message) { story.messages.push_back(to_json(message.value())); });
      child.on_close([&](const ExitStatus& status) { story.exit = status.describe(); });
      for (const auto& [number, text] : {std::pair(1, &story.out), std::pair(2, &story.err)}) {
        if (!child.process().piped(number)) continue;
        auto& stream = number == 1 ? child.process().stdout_stream() : child.process().stderr_stream();
        stream.on_data([text](std::string_view bytes) { *text += bytes; });
      }
      if (with_child) with_child(child);
    };
    std::string name = "parent";
    char* arguments[] = {name.data(), nullptr};
    EXPECT_EQ(run(1, arguments, {{"parent", parent}}), 0);
    return story;
  }
  /// `script` writes its messages to descriptor 3.
  static Story story_of_shell(const std::string& script, ForkOptions options = ForkOptions(),
                              const std::function<void(ForkedChild&)>& with_child = {}) {
    options.args({"-c", script, "sh", "its first", "its second"});
    return story_of("/bin/sh", options, with_child);
  }
  /// What the shell says of `words`.
  static std::string told(const std::string& words, const SpawnOptions& how) {
    const Story story = story_of_shell("echo \"\\\"" + words + "\\\"\" >&3", ForkOptions().spawn(how));
    EXPECT_EQ(story.exit, "exit code 0");
    return story.messages.size() == 1 ? story.messages.front() : testing::PrintToString(story.messages);
  }
  static SpawnOptions inherited() { return SpawnOptions().stdio(Stdio::inherit()); }
};

TEST_F(Fork, GivesTheChildItsArguments) {
  EXPECT_EQ(story_of_shell("echo \"[$#,\\\"$1\\\",\\\"$2\\\"]\" >&3").messages,
            Texts{R"([2,"its first","its second"])"});
}

TEST_F(Fork, InheritsTheStandardStreamsUnlessItIsSilent) {
  const auto streams = [](ForkOptions options) {
    std::string piped;
    story_of_shell("exit", std::move(options), [&](ForkedChild& child) {
      for (const int number : {0, 1, 2}) piped += child.process().piped(number) ? "piped " : "inherited ";
    });
    return piped;
  };
  EXPECT_EQ(streams(ForkOptions()), "inherited inherited inherited ");
  EXPECT_EQ(streams(ForkOptions().silent()), "piped piped piped ");
}

TEST_F(Fork, IsSilentSoThatTheParentReadsAndWritesTheStreams) {
  const Story story =
      story_of_shell("read line; echo \"out $line\"; echo err >&2; echo 1 >&3", ForkOptions().silent(),
                     [](ForkedChild& child) { child.process().stdin_stream().end("typed\n"); });
  EXPECT_EQ(story.out, "out typed\n");
  EXPECT_EQ(story.err, "err\n");
  EXPECT_EQ(story.messages, Texts{"1"});
}

TEST_F(Fork, StartsTheChildInItsDirectory) { EXPECT_EQ(told("$(pwd)", inherited().cwd("/usr")), "\"/usr\""); }

TEST_F(Fork, GivesTheChildItsEnvironmentAndTellsOfTheChannelWhateverThatIs) {
  const std::string words = "[$COLOUR] [$HOME] $NODE_CHANNEL_FD $NODE_CHANNEL_SERIALIZATION_MODE";
  EXPECT_EQ(told(words, inherited().env(Environment()).add_env("COLOUR", "green")), "\"[green] [] 3 json\"");
  EXPECT_EQ(told(words, inherited().remove_env("HOME").add_env("NODE_CHANNEL_FD", "77")), "\"[] [] 3 json\"");
}

TEST_F(Fork, RunsTheChildAsAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(told("$(id -u) $(id -g) $(id -G)", inherited().uid(65534).gid(65533)), "\"65534 65533 65533\"");
}

TEST_F(Fork, GivesADetachedChildASessionOfItsOwn) {
  const std::string session = "read pid name state parent group session rest </proc/$$/stat; ";
  const std::string is_its_own = "test $session = $$ && echo true >&3 || echo false >&3";
  EXPECT_EQ(story_of_shell(session + is_its_own).messages, Texts{"false"});
  EXPECT_EQ(story_of_shell(session + is_its_own, ForkOptions().spawn(inherited().detached())).messages,
            Texts{"true"});
}

TEST_F(Fork, EndsTheChildWhenItsTimeIsUp) {
  const Story story = story_of_shell("echo 1 >&3; exec sleep 1000",
                                     ForkOptions().spawn(inherited().timeout(20ms).kill_signal(SIGINT)));
  EXPECT_EQ(story.exit, "killed by SIGINT");
}

TEST_F(Fork, EndsTheChildWhenItIsAskedToStop) {
  std::stop_source source;
  const Story story =
      story_of_shell("echo 1 >&3; exec sleep 1000",
                     ForkOptions().spawn(inherited().kill_on(source.get_token())), [&](ForkedChild& child) {
                       child.on_message([&](const Message&) {
                         source.request_stop();
                         EXPECT_TRUE(child.process().cancelled());
                       });
                     });
  EXPECT_EQ(story.exit, "killed by SIGTERM");
}

TEST_F(Fork, NeverTakesAModuleForAShellsCommandLine) { EXPECT_EQ(told("$0", inherited().shell()), "\"sh\""); }

TEST_F(Fork, MayPutTheChannelOnAnyDescriptor) {
  const Story story = story_of_shell("echo \"$NODE_CHANNEL_FD\" >&7", ForkOptions().channel_number(7));
  EXPECT_EQ(story.messages, Texts{"7"});
}

TEST_F(Fork, TellsOfNoChannelIfItIsToldNotTo) {
  const SpawnOptions how = SpawnOptions()
                               .stdio(Stdio::pipe())
                               .add_env("NODE_CHANNEL_FD", "77")
                               .add_env("NODE_CHANNEL_SERIALIZATION_MODE", "json")
                               .add_env("BATON_CHANNEL", "1");
  bool disconnected = false;
  // It ends by what it hears after that.
  const Story story =
      story_of_shell("test -e /proc/self/fd/3 && echo open; env | grep -c CHANNEL; read line; echo $line",
                     ForkOptions().spawn(how).channel(false), [&](ForkedChild& child) {
                       child.on_disconnect([&](bool unread) {
                         disconnected = true;
                         EXPECT_FALSE(unread);
                         EXPECT_FALSE(child.send("anything"));
                         child.process().stdin_stream().end("told\n");
                       });
                     });
  EXPECT_TRUE(disconnected);
  EXPECT_EQ(story.out, "0\ntold\n");
  EXPECT_EQ(story.exit, "exit code 0");
  EXPECT_TRUE(story.messages.empty());
}

TEST_F(Fork, TellsTheChildHowMessagesAreWritten) {
  const std::string script = "echo $NODE_CHANNEL_SERIALIZATION_MODE";
  for (const auto& [how, name] :
       {std::pair(Serialization::json, "json\n"), std::pair(Serialization::advanced, "advanced\n")}) {
    EXPECT_EQ(story_of_shell(script, ForkOptions().silent().serialization(how)).out, name);
  }
}

/// A script for an interpreter that is a shell; the name says Node.
class ForkOfAScript : public Fork {
 protected:
  ForkOfAScript() {
    std::string name = (std::filesystem::temp_directory_path() / "baton-fork-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::ofstream(script()) << "echo \"[\\\"$0\\\",\\\"$*\\\",\\\"$-\\\"]\" >&3\n";
  }
  ~ForkOfAScript() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string script() const { return folder_ + "/script.cjs"; }

  std::string folder_;
};

TEST_F(ForkOfAScript, IsGivenToTheInterpreterBehindTheInterpretersArguments) {
  const auto options = ForkOptions().interpreter("/bin/sh").exec_args({"-e", "-u"}).args({"a", "b c"});
  const Story story = story_of(script(), options);
  ASSERT_EQ(story.messages.size(), 1U);
  const Value message = wire::read_json(story.messages.front()).value();
  EXPECT_EQ(message[size_t{0}].as_string(), script());
  EXPECT_EQ(message[size_t{1}].as_string(), "a b c");
  EXPECT_NE(message[size_t{2}].as_string().find('e'), std::string::npos);
  EXPECT_NE(message[size_t{2}].as_string().find('u'), std::string::npos);
}

TEST_F(ForkOfAScript, IsGivenToTheInterpreterThatTheEnvironmentNames) {
  const char* before = std::getenv("BATON_NODE");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("BATON_NODE", "/bin/sh", 1);
  const Story story = story_of(script(), ForkOptions());
  before == nullptr ? ::unsetenv("BATON_NODE") : ::setenv("BATON_NODE", kept.c_str(), 1);
  EXPECT_EQ(story.messages.size(), 1U);
}

TEST_F(ForkOfAScript, IsLookedForInTheChildsDirectory) {
  const Story story =
      story_of("./script.cjs", ForkOptions().interpreter("/bin/sh").spawn(inherited().cwd(folder_)));
  EXPECT_EQ(story.messages.size(), 1U);
}

TEST_F(ForkOfAScript, SaysWhichInterpreterIsMissing) {
  std::string said;
  const auto parent = [&](Process& self) {
    try {
      self.fork(script(), ForkOptions().interpreter("/nowhere/node"));
    } catch (const Error& error) {
      said = error.what();
    }
    EXPECT_EQ(self.children(), 0U);
  };
  std::string name = "parent";
  char* arguments[] = {name.data(), nullptr};
  EXPECT_EQ(run(1, arguments, {{"parent", parent}}), 0);
  EXPECT_EQ(said, "spawn /nowhere/node: execve /nowhere/node: no such file or directory");
}

TEST_F(ForkOfAScript, IsRefusedWhereverANulByteIs) {
  using namespace std::string_literals;
  const auto shell = [] { return ForkOptions().interpreter("/bin/sh"); };
  const auto parent = [&](Process& self) {
    EXPECT_THROW(self.fork("./program\0x"s), Error);
    EXPECT_THROW(self.fork(script() + "\0.js"s, shell()), Error);
    EXPECT_THROW(self.fork(script(), shell().args({"a\0b"s})), Error);
    EXPECT_THROW(self.fork(script(), shell().exec_args({"-e\0"s})), Error);
    EXPECT_THROW(self.fork(script(), ForkOptions().interpreter("/bin/sh\0x"s)), Error);
    EXPECT_EQ(self.children(), 0U);
  };
  std::string name = "parent";
  char* arguments[] = {name.data(), nullptr};
  EXPECT_EQ(run(1, arguments, {{"parent", parent}}), 0);
}

TEST_F(Fork, OfAnEntryThatDoesNotExistNamesThoseThatDo) {
  const auto parent = [](Process& self) {
    try {
      self.fork("wroker");
      ADD_FAILURE() << "it was forked";
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(), "fork wroker: this program has no such entry, only: parent, worker");
    }
    EXPECT_THROW(self.fork("./nowhere"), Error);
    EXPECT_THROW(self.fork("nowhere.js"), Error);
  };
  std::string name = "parent";
  char* arguments[] = {name.data(), nullptr};
  EXPECT_EQ(run(1, arguments, {{"parent", parent}, {"worker", [](Process&) {}}}), 0);
}

}  // namespace
}  // namespace baton
