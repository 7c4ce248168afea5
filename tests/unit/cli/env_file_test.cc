#include "cli/env_file.h"

#include <gtest/gtest.h>

namespace baton::cli {
namespace {

// "A=1|B=2", or what is wrong.
std::string read_lines(std::string_view text) {
  const auto variables = parse_env_file(text);
  if (!variables) return variables.error();
  std::string result;
  for (const auto& [key, value] : *variables) {
    result += (result.empty() ? "" : "|") + key + "=" + value;
  }
  return result;
}

TEST(EnvFile, HasAVariableALine) {
  EXPECT_EQ(read_lines(""), "");
  EXPECT_EQ(read_lines("A=1\nB=2\n"), "A=1|B=2");
  EXPECT_EQ(read_lines("A=1\r\nB=2"), "A=1|B=2");
  EXPECT_EQ(read_lines("\xef\xbb\xbf"
                       "A=1\n\n  B = 2 \nexport C=3\nEMPTY=\nexport=4\n"),
            "A=1|B=2|C=3|EMPTY=|export=4");
  EXPECT_EQ(read_lines("URL=postgres://me:secret@db/x?y=z&a=b\n"), "URL=postgres://me:secret@db/x?y=z&a=b");
  EXPECT_EQ(read_lines("A=two words\n"), "A=two words");
  EXPECT_EQ(read_lines("A=1\nA=2\n"), "A=1|A=2");
}

TEST(EnvFile, PassesOverComments) {
  EXPECT_EQ(read_lines("# one\n  # two\nA=1 # three\nB=a#b\nC=# four\n#D=5"), "A=1|B=a#b|C=");
}

TEST(EnvFile, TakesQuotedValuesAsTheyStand) {
  EXPECT_EQ(read_lines("A='x # $y \\n'\nB=\"x # y\"  # comment\nC=''\nD=\"\"\n"),
            "A=x # $y \\n|B=x # y|C=|D=");
  EXPECT_EQ(read_lines(R"(A="a\nb\t\"c\"\\ \$d \e")"), "A=a\nb\t\"c\"\\ $d \\e");
  EXPECT_EQ(read_lines("A='two\nlines'\nB=\"two\nlines\"\n"), "A=two\nlines|B=two\nlines");
  EXPECT_EQ(read_lines("A=it's\n"), "A=it's");
  EXPECT_EQ(read_lines("A=`it's \"so\" \\n # $x`\nB=`two\nlines` # comment\nC=a`b\n"),
            "A=it's \"so\" \\n # $x|B=two\nlines|C=a`b")
      << "as Node reads them";
  EXPECT_EQ(read_lines("A=`x\n"), "line 1: the quotes are not closed");
}

TEST(EnvFile, NamesTheLineThatIsWrong) {
  EXPECT_EQ(read_lines("A=1\nB\n"), "line 2: KEY=VALUE expected");
  EXPECT_EQ(read_lines("A=1\n\n=2\n"), "line 3: KEY=VALUE expected");
  EXPECT_EQ(read_lines("A B=2\n"), "line 1: KEY=VALUE expected");
  EXPECT_EQ(read_lines("A='x\ny'\nB=\"x\n"), "line 3: the quotes are not closed");
  EXPECT_EQ(read_lines("A='x' y\n"), "line 1: something follows the closing quotes");
  EXPECT_EQ(read_lines(std::string_view("A=x\0y\n", 6)), "line 1: a NUL byte");
}

TEST(EnvFile, ThatCannotBeReadIsNamed) {
  EXPECT_EQ(read_env_file("/nowhere/app.env").error(), "/nowhere/app.env: No such file or directory");
  EXPECT_EQ(read_env_file("/").error(), "/: Is a directory");
}

TEST(EnvFile, ThatIsTooLargeIsCalledThat) {
  EXPECT_EQ(read_env_file("/dev/zero").error(), "/dev/zero: is larger than 4 MiB");
}

TEST(Variable, IsAKeyAndAValue) {
  EXPECT_EQ(parse_variable("A=b=c"), std::pair(std::string("A"), std::string("b=c")));
  EXPECT_EQ(parse_variable("A="), std::pair(std::string("A"), std::string()));
  EXPECT_FALSE(parse_variable("A"));
  EXPECT_FALSE(parse_variable("=b"));
}

}  // namespace
}  // namespace baton::cli
