// Requests to a Node and from it, with the lines that docs/channel.md shows for it.

#include <signal.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "interop/world.h"
#include "support/folder.h"

namespace baton::test {
namespace {

using namespace std::chrono_literals;

class RequestsOfNode : public World {
 protected:
  static void SetUpTestSuite() { const Loop first; }
  void SetUp() override {
    if (!has_node()) GTEST_SKIP() << "there is no Node";
  }
};

TEST_F(RequestsOfNode, GoBothWays) {
  const Folder folder;
  const std::string script = folder / "child.cjs";
  std::ofstream(script) << "const { request, onRequest } = require('"
                        << source("examples/channel/requests.js")
                        << "');\n"
                           "onRequest(process, async (value) => {\n"
                           "  if (value === 'fail') throw new TypeError('as it was asked to');\n"
                           "  if (value === 'never') return new Promise(() => {});\n"
                           "  if (value === 'ask') return { parent: await request(process, [1, 2]) };\n"
                           "  return { doubled: value * 2 };\n"
                           "});\n";
  for (const Serialization serialization : {Serialization::json, Serialization::advanced}) {
    std::string told;
    const auto parent = [&](Process& self) -> Task<int> {
      ForkedChild& child = self.fork(script, ForkOptions().serialization(serialization));
      child.on_request(
          [](const Value& request) { return request[0].as_integer() + request[1].as_integer(); });
      const Value doubled = co_await child.request(21);
      told += to_json(doubled);
      const Value asked = co_await child.request("ask");
      told += to_json(asked);
      std::vector<Op<Value>> failing;
      failing.push_back(child.request("fail"));
      failing.push_back(child.request("never").within(200ms));
      failing.push_back(child.request("never"));
      for (std::size_t i = 0; i < failing.size(); ++i) {
        if (i == 2) child.kill(SIGKILL);
        try {
          co_await std::move(failing[i]);
        } catch (const Error& error) {
          told += std::string("; ") + error.what();
        }
      }
      co_return 0;
    };
    std::string name = "parent";
    char* arguments[] = {name.data(), nullptr};
    EXPECT_EQ(baton::run(1, arguments, {{"parent", parent}}), 0);
    EXPECT_EQ(
        told,
        R"({"doubled":42}{"parent":3}; request: as it was asked to: says the peer; request: timed out; )"
        "request: disconnected");
  }
}

}  // namespace
}  // namespace baton::test
