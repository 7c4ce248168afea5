#include "cli/package_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace baton::cli {
namespace {

class PackageFile : public testing::Test {
 protected:
  PackageFile() {
    std::string pattern = testing::TempDir() + "baton-XXXXXX";
    root = ::mkdtemp(pattern.data());
  }
  ~PackageFile() override { std::filesystem::remove_all(root); }
  void write(const std::string& text) const { std::ofstream(root + "/package.json") << text; }
  // What is advised in place of it: between "better `baton run " and "`".
  [[nodiscard]] std::string better(const std::vector<std::string>& words) const {
    std::string text = about_package_script(words, root);
    const std::size_t at = text.find("better `baton run ");
    return at == text.npos ? text : text.substr(at + 18, text.size() - at - 19);
  }

  std::string root;
};

TEST_F(PackageFile, SaysWhatToWriteInPlaceOfAPackageManager) {
  write(R"({"scripts": {"start": "node server.js --port 1", "dev": "node -r x server.js"}})");
  EXPECT_EQ(better({"npm", "start"}), "server.js --port 1");
  EXPECT_EQ(better({"npm", "--silent", "run", "start"}), "server.js --port 1");
  EXPECT_EQ(better({"/usr/bin/yarn", "dev"}), "node -r x server.js");
  EXPECT_EQ(better({"pnpm", "run", "dev"}), "node -r x server.js");
  EXPECT_TRUE(about_package_script({"npm", "start"}, root).starts_with("the worker is npm, which starts "));
}

TEST_F(PackageFile, NamesTheProgramsOfItsDependencies) {
  write(R"({"scripts": {"start": "next start"}})");
  EXPECT_EQ(better({"npm", "start"}), "next start");
  std::filesystem::create_directories(root + "/node_modules/.bin");
  std::ofstream(root + "/node_modules/.bin/next") << "#!/usr/bin/env node\n";
  EXPECT_EQ(better({"npm", "start"}), "node_modules/.bin/next start");
}

TEST_F(PackageFile, NamesNoCommandThatTakesAShell) {
  for (const char* command : {"node a.js && node b.js", "PORT=1 node a.js", "node 'a b.js'"}) {
    write(R"({"scripts": {"start": ")" + std::string(command) + "\"}}");
    EXPECT_TRUE(better({"npm", "start"}).ends_with("better run what its script start runs")) << command;
  }
}

TEST_F(PackageFile, SaysNothingOfAnythingElse) {
  write(R"({"scripts": {"start": "node server.js", "install": "node x.js"}})");
  EXPECT_EQ(better({"npm", "install"}), "");
  EXPECT_EQ(better({"npm", "run", "absent"}), "");
  EXPECT_EQ(better({"npm"}), "");
  EXPECT_EQ(better({"node", "start"}), "");
  write("[");
  EXPECT_EQ(better({"npm", "start"}), "");
}

}  // namespace
}  // namespace baton::cli
