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
    make("here/app.ts", 0644);
    make("here/plain", 0644);
    make("here/lost", 0755, "#!/nowhere/sh\n");
    environment.set("PATH", root + "/bin");
  }
  ~ProgramTest() override { std::filesystem::remove_all(root); }
  void make(const std::string& name, mode_t mode, const std::string& text = "#!/bin/sh\n") const {
    std::ofstream(root + "/" + name) << text;
    ::chmod((root + "/" + name).c_str(), mode);
  }

  // "MODULE ARGUMENT...", with "INTERPRETER ARGUMENT... <" before it for a script; or "CODE: why not".
  std::string find(const Words& words, const std::string& interpreter = "") const {
    const auto found = find_program(words, interpreter, root + "/here", environment);
    if (!found) return std::to_string(found.error().code) + ": " + found.error().text;
    std::string text;
    if (!found->interpreter.empty()) {
      text += found->interpreter;
      for (const auto& word : found->interpreter_arguments) text += " " + word;
      text += " < ";
    }
    text += found->module;
    for (const auto& word : found->arguments) text += " " + word;
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
  EXPECT_EQ(find({"app.ts", "1"}, "tool --flag"), "ROOT/bin/tool --flag app.ts 1");
}

TEST_F(ProgramTest, ThatIsNotThereIs127) {
  EXPECT_TRUE(find({"absent"}).starts_with("127: absent: neither a file here nor in PATH ("));
  EXPECT_EQ(find({"./absent"}), "127: ./absent: No such file or directory");
  EXPECT_EQ(find({"./absent.js"}), "127: ./absent.js: No such file or directory");
  EXPECT_TRUE(find({"app.js"}, "absent").starts_with("127: absent: "));
  EXPECT_TRUE(find({"app.js"}, "absent").ends_with("it is to run app.js (--interpreter names another)"));
  EXPECT_EQ(find({"./lost"}), "127: ./lost: its interpreter /nowhere/sh is not there");
}

TEST_F(ProgramTest, ThatCannotBeExecutedIs126) {
  EXPECT_EQ(find({"./plain"}), "126: ./plain: is not executable: Permission denied");
  EXPECT_EQ(find({"plain"}), "126: ./plain: is not executable: Permission denied");
  EXPECT_EQ(find({"./folder"}), "126: ./folder: is a directory");
  std::filesystem::remove(root + "/here/plain");
  EXPECT_TRUE(find({"plain"}).starts_with("126: ")) << find({"plain"});
}

}  // namespace
}  // namespace baton::cli
