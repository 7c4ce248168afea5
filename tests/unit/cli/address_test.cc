#include "cli/address.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace baton::cli {
namespace {

std::string read(std::string_view text) {
  const auto result = parse_address(text);
  return result ? result->to_string() : "error: " + result.error();
}

TEST(Address, IsAHostAndAPort) {
  EXPECT_EQ(read("127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(read("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(read("[::1]:8080"), "[::1]:8080");
  EXPECT_TRUE(read("localhost:80") == "127.0.0.1:80" || read("localhost:80") == "[::1]:80")
      << read("localhost:80");
}

TEST(Address, WithoutAHostIsEveryAddress) {
  for (const char* text : {"8080", ":8080", "*:8080"}) {
    EXPECT_TRUE(read(text) == "[::]:8080" || read(text) == "0.0.0.0:8080") << read(text);
  }
}

TEST(Address, OfAUnixSocketIsAPathThatIsMadeAbsolute) {
  EXPECT_EQ(read("unix:/run/app.sock"), "unix:/run/app.sock");
  EXPECT_EQ(read("unix:app.sock"), "unix:" + (std::filesystem::current_path() / "app.sock").string());
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "::1:80",
                           "[::1]", "[::1:80", "[]:80", "[nowhere]:80", "unix:", "nowhere.invalid:80"}) {
    EXPECT_TRUE(read(text).starts_with("error: ")) << text << " is " << read(text);
  }
  EXPECT_TRUE(read("unix:/" + std::string(200, 'x')).starts_with("error: "));
}

}  // namespace
}  // namespace baton::cli
