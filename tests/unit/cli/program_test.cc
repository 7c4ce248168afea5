#include "cli/program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace baton::cli {
namespace {

using Words = std::vector<std::string>;

// A directory with some files, which is "here"; and one that PATH names.
class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    std::string pattern = testing::TempDir() + "baton-XXXXXX";
    root = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(root + "/bin");
    std::filesystem::create_directories(root + "/here/folder");
    make("bin/tool", 0755);
    make("bin/plain", 0644);
    make("bin/node", 0755);
    make("bin/both", 0755);
    make("here/both", 0755);
    make("here/app.js", 0644);
    make("here/app.py", 0644);
    make("here/app.ts", 0644, "");
    make("here/plain", 0644);
    make("here/lost", 0755, "#!/nowhere/sh\n");
    environment.set("PATH", root + "/bin");
  }
  ~ProgramTest() override { std::filesystem::remove_all(root); }
  void make(const std::string& name, mode_t mode, const std::string& text = "#!/bin/sh\n") const {
    std::filesystem::create_directories(std::filesystem::path(root + "/" + name).parent_path());
    std::ofstream(root + "/" + name) << text;
    ::chmod((root + "/" + name).c_str(), mode);
  }

  // "MODULE ARGUMENT...", with "INTERPRETER ARGUMENT... <" before it for a script; or "CODE: why not".
  std::string find(const Words& words, const std::string& interpreter = "") const {
    const auto found = find_program(words, interpreter, root + "/here", environment);
    if (!found) return shown(std::to_string(found.error().code) + ": " + found.error().text);
    std::string text;
    if (!found->interpreter.empty()) {
      text += found->interpreter;
      for (const auto& word : found->interpreter_arguments) text += " " + word;
      text += " < ";
    }
    text += found->module;
    for (const auto& word : found->arguments) text += " " + word;
    return shown(text);
  }
  [[nodiscard]] std::string shown(std::string text) const {
    for (size_t at; (at = text.find(root)) != text.npos;) text.replace(at, root.size(), "ROOT");
    return text;
  }

  std::string root;
  Environment environment;
};

TEST_F(ProgramTest, IsLookedUpInThePathIfItIsNoFileHere) {
  EXPECT_EQ(find({"tool", "-x"}), "ROOT/bin/tool -x");
  EXPECT_EQ(find({"both"}), "./both");
  EXPECT_EQ(find({root + "/bin/tool"}), "ROOT/bin/tool");
}

TEST_F(ProgramTest, IsRunByNodeIfItIsAScript) {
  EXPECT_EQ(find({"app.js", "1"}), "ROOT/bin/node < app.js 1");
  EXPECT_EQ(find({"./app.js"}), "ROOT/bin/node < ./app.js");
}

TEST_F(ProgramTest, IsRunByTheInterpreterThatIsNamed) {
  EXPECT_EQ(find({"app.js", "1"}, "tool --flag -x"), "ROOT/bin/tool --flag -x < app.js 1");
  EXPECT_EQ(find({"app.ts", "1"}, "tool --flag"), "ROOT/bin/tool --flag < app.ts 1");
  EXPECT_EQ(find({"app.py", "1"}, "tool --flag"), "ROOT/bin/tool --flag app.py 1");
}

// Node as a program that says what it makes of TypeScript.
std::string node_that_says(const std::string& text) {
  return "#!/bin/sh\n[ $1 = -p ] && echo '" + text + "'\n";
}

TEST_F(ProgramTest, OfTypeScriptIsRunByANodeThatCan) {
  make("bin/node", 0755, node_that_says("v22.18.0 strip"));
  EXPECT_EQ(find({"app.ts", "1"}), "ROOT/bin/node < app.ts 1");
  make("here/app.mts", 0644, "");
  EXPECT_EQ(find({"./app.mts"}), "ROOT/bin/node < ./app.mts");
}

TEST_F(ProgramTest, OfTypeScriptIsRunWithWhatTheAppHas) {
  make("bin/node", 0755, node_that_says("v20.20.2 "));
  const auto install = [this](const std::string& package) {
    std::filesystem::create_directories(root + "/" + package);
    make(package + "/package.json", 0644, "{}");
  };
  install("here/node_modules/ts-node");
  EXPECT_EQ(find({"app.ts", "1"}), "ROOT/bin/node --require ts-node/register < app.ts 1");
  install("here/node_modules/tsx");
  EXPECT_EQ(find({"app.ts", "1"}), "ROOT/bin/node --import tsx < app.ts 1");
  install("there/node_modules/tsx");
  make("there/app.ts", 0644, "");
  EXPECT_EQ(find({"../there/app.ts"}),
            "ROOT/bin/node --import ROOT/there/node_modules/tsx/dist/loader.mjs < ../there/app.ts")
      << "Node would look for it from here";
}

TEST_F(ProgramTest, OfTypeScriptThatNobodyRunsSaysWhatIsMissing) {
  make("bin/node", 0755, node_that_says("v20.20.2 "));
  EXPECT_EQ(find({"app.ts"}),
            "126: app.ts: ROOT/bin/node is v20.20.2 and does not run TypeScript: Node 22.18 and newer do, or "
            "`npm install tsx`, or --interpreter names what does");
}

TEST_F(ProgramTest, OfTypeScriptMaySayItselfWhoRunsIt) {
  make("here/app.ts", 0755, "#!/bin/sh\n");
  EXPECT_EQ(find({"app.ts"}), "./app.ts");
}

TEST_F(ProgramTest, ThatIsNotThereIs127) {
  EXPECT_TRUE(find({"absent"}).starts_with("127: absent: neither a file here nor in PATH ("));
  EXPECT_EQ(find({"absent.js"}), "127: absent.js: no such file here");
  EXPECT_EQ(find({"node app.js"}),
            "127: node app.js: there is no such program; without the quotes it is one with arguments");
  EXPECT_EQ(find({"./absent"}), "127: ./absent: No such file or directory");
  EXPECT_EQ(find({"./absent.js"}), "127: ./absent.js: No such file or directory");
  EXPECT_TRUE(find({"app.js"}, "absent").starts_with("127: absent: "));
  EXPECT_TRUE(find({"app.js"}, "absent").ends_with("it is to run app.js (--interpreter names another)"));
  EXPECT_EQ(find({"./lost"}), "127: ./lost: its interpreter /nowhere/sh is not there");
}

TEST_F(ProgramTest, ThatCannotBeExecutedIs126) {
  make("here/data", 0644, "no script\n");
  EXPECT_EQ(find({"./data"}), "126: ./data: is not executable: Permission denied");
  EXPECT_EQ(find({"data"}), "126: ./data: is not executable: Permission denied");
  make("here/app.py", 0644, "print(1)\n");
  EXPECT_EQ(find({"app.py"}),
            "126: ./app.py: is not executable: Permission denied; `baton run python3 ./app.py`");
  EXPECT_EQ(find({"./folder"}), "126: ./folder: is a directory");
  std::filesystem::remove(root + "/here/plain");
  EXPECT_TRUE(find({"plain"}).starts_with("126: ")) << find({"plain"});
}

// --- what people nearly can run

TEST_F(ProgramTest, ThatIsAScriptWithoutItsBitSaysHowItIsRun) {
  EXPECT_EQ(
      find({"./plain"}),
      "126: ./plain: is not executable: Permission denied; `chmod +x ./plain`, or --interpreter /bin/sh");
  make("here/www", 0644, "#!/usr/bin/env node\n");
  EXPECT_TRUE(find({"./www"}).ends_with("; `chmod +x ./www`, or --interpreter node")) << find({"./www"});
  EXPECT_EQ(find({"./www"}, "tool"), "ROOT/bin/tool ./www");
}

TEST_F(ProgramTest, WithLineEndsOfWindowsSaysSo) {
  make("here/dos", 0755, "#!/bin/sh\r\necho x\r\n");
  EXPECT_EQ(find({"./dos"}),
            "126: ./dos: its first line ends as on Windows (CR LF), and nobody is found by such a name: "
            "`sed -i 's/\\r$//' ./dos`");
  make("here/dos", 0755, "#!/usr/bin/env sh\r\n");
  EXPECT_TRUE(find({"./dos"}).starts_with("126: ./dos: its first line ends"));
  make("here/dos", 0755, "#!/bin/sh -u\r\n");
  EXPECT_EQ(find({"./dos"}), "./dos") << "that is its interpreter's matter";
}

TEST_F(ProgramTest, ForAnotherMachineSaysForWhich) {
  std::string own(64, '\0');
  std::ifstream("/proc/self/exe").read(own.data(), static_cast<std::streamsize>(own.size()));
  own[18] = static_cast<char>(0xf3);  // RISC-V
  own[19] = 0;
  make("here/other", 0755, own);
  EXPECT_EQ(find({"./other"}), "126: ./other: is a program for another machine (riscv)");
}

TEST_F(ProgramTest, ThatIsAFolderSaysWhatToWrite) {
  EXPECT_EQ(find({"."}), "126: .: is a directory");
  make("here/index.js", 0644);
  EXPECT_EQ(find({"."}), "126: .: is a directory; what it starts is index.js: `baton run index.js`");
  make("here/package.json", 0644, R"({"main": "lib/main.js"})");
  EXPECT_TRUE(find({"."}).ends_with("`baton run index.js`")) << "npm writes what nobody may have made";
  make("here/lib/main.js", 0644);
  EXPECT_TRUE(find({"."}).ends_with("`baton run lib/main.js`")) << find({"."});
  make("here/package.json", 0644,
       R"({"main": "lib/main.js", "scripts": {"start": "node server.js --port 1"}})");
  EXPECT_TRUE(find({"."}).ends_with("`baton run server.js --port 1`")) << find({"."});
  make("here/folder/package.json", 0644, R"({"main": "x.js"})");
  make("here/folder/x.js", 0644);
  EXPECT_EQ(find({"folder"}),
            "126: folder: is a directory; what it starts is x.js: `baton run --cwd folder x.js`");
  make("here/package.json", 0644, "[]");
  EXPECT_TRUE(find({"."}).ends_with("`baton run index.js`")) << "whatever stands there";
}

}  // namespace
}  // namespace baton::cli
