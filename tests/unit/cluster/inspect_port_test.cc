#include "cluster/inspect_port.h"

#include <gtest/gtest.h>

namespace baton::cluster {
namespace {

std::string ports_of(const std::vector<std::string>& exec_args, std::string_view node_options = "") {
  std::string all;
  for (unsigned worker = 1; worker <= 2; ++worker) {
    all += inspect_port_argument(exec_args, node_options, worker).value_or("-") + " ";
  }
  return all;
}

TEST(InspectPort, CountsUpFromTheUsualOneWithEachWorkerAsInNode) {
  EXPECT_EQ(ports_of({"--inspect"}), "--inspect-port=9230 --inspect-port=9231 ");
  EXPECT_EQ(ports_of({"--inspect-brk", "--x"}), "--inspect-port=9230 --inspect-port=9231 ");
  EXPECT_EQ(ports_of({}, "--max-old-space-size=100 --inspect"), "--inspect-port=9230 --inspect-port=9231 ");
}

TEST(InspectPort, CountsUpFromTheOneThatIsAskedFor) {
  EXPECT_EQ(ports_of({"--inspect=5000"}), "--inspect-port=5001 --inspect-port=5002 ");
  EXPECT_EQ(ports_of({"--inspect=0.0.0.0:5000"}), "--inspect-port=5001 --inspect-port=5002 ");
  EXPECT_EQ(ports_of({"--inspect", "--inspect-port=6000"}), "--inspect-port=6001 --inspect-port=6002 ");
  EXPECT_EQ(ports_of({"--inspect=65535"}), "--inspect-port=1024 --inspect-port=1025 ");
}

TEST(InspectPort, IsNobodysMatterWhereNoneOrAnyIsAskedFor) {
  EXPECT_EQ(ports_of({"--trace-warnings"}, "--require=x"), "- - ");
  EXPECT_EQ(ports_of({"--inspect=0"}), "- - ");
  EXPECT_EQ(ports_of({"--inspector-is-something-else"}), "- - ");
}

}  // namespace
}  // namespace baton::cluster
