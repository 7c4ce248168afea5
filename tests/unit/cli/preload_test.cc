#include "cli/preload.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace baton::cli {
namespace {

class PreloadTest : public testing::Test {
 protected:
  PreloadTest() {
    std::string pattern = testing::TempDir() + "baton \"x\"-XXXXXX";
    place = ::mkdtemp(pattern.data());
    ::setenv("XDG_RUNTIME_DIR", place.c_str(), 1);
  }
  ~PreloadTest() override {
    ::unsetenv("XDG_RUNTIME_DIR");
    std::filesystem::remove_all(place);
  }
  std::string place;
};

TEST_F(PreloadTest, LiesInADirectoryThatNobodyElseMayEnterAndThatGoesWithIt) {
  {
    const auto preload = Preload::write(std::chrono::seconds(5));
    ASSERT_TRUE(preload) << preload.error();
    const auto directory = *std::filesystem::directory_iterator(place);
    struct stat status{};
    ASSERT_EQ(::stat(directory.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0700U);
    std::ifstream file(directory.path() / "preload.cjs");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(text.starts_with(preload_text()));
    EXPECT_TRUE(text.ends_with("\"grace\":5000});\n"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(place));
}

TEST_F(PreloadTest, IsGivenByNodeOptionsBehindThoseOfTheUser) {
  const auto preload = Preload::write(std::chrono::seconds(5));
  ASSERT_TRUE(preload);
  const std::string option = preload->options("");
  EXPECT_TRUE(option.starts_with("--require=\"")) << option;
  EXPECT_TRUE(option.contains("/baton \\\"x\\\"-")) << option;
  EXPECT_EQ(preload->options("--no-warnings"), "--no-warnings " + option);
}

TEST_F(PreloadTest, IsWrittenElsewhereIfItsFirstPlaceIsNotWritable) {
  ::setenv("XDG_RUNTIME_DIR", (place + "/nowhere").c_str(), 1);
  const auto preload = Preload::write(std::chrono::seconds(5));
  ASSERT_TRUE(preload) << preload.error();
  EXPECT_FALSE(preload->options("").contains("nowhere"));
}

}  // namespace
}  // namespace baton::cli
