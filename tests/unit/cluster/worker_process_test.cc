// A worker as its primary sees it.

#include "baton/cluster/worker_process.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "baton/cluster/primary.h"
#include "baton/process/process.h"
#include "baton/wire/json.h"
#include "support/leak_check.h"

namespace baton::cluster {
namespace {

using namespace std::chrono_literals;

// Asks first, and then answers what it is asked with what it was told.
constexpr const char* worker = R"sh(
printf '{"cmd":"BATON_REQUEST","id":1,"value":"who am I?"}\n' >&3
while IFS= read -r m <&3; do
  case $m in
    *BATON_REPLY*) told=${m#*'"value":'}; told=${told%\}} ;;
    *BATON_REQUEST*) id=${m#*'"id":'}; id=${id%%,*}
      printf '{"cmd":"BATON_REPLY","id":%d,"value":%s}\n' "$id" "$told" >&3 ;;
  esac
done)sh";

class WorkerProcessTest : public test::LeakFree {
 protected:
  static void SetUpTestSuite() { const Loop first; }
};

TEST_F(WorkerProcessTest, AsksAndIsAsked) {
  std::string answer;
  const auto parent = [&](Process& self) -> Task<> {
    Primary primary(self, PrimaryOptions().exec("/bin/sh").args({"-c", worker}));
    WorkerProcess& one = primary.fork();
    bool was_asked = false;
    Promise<> asked(self.loop());
    one.on_request([&](const Value& question) {
      if (!std::exchange(was_asked, true)) asked.resolve({});
      return Value(question.as_string() + " Number " + std::to_string(one.id()));
    });
    co_await asked.op();
    answer = to_json(co_await one.request(1).within(30s));
    one.kill(SIGKILL);
    co_await one.process().exited();
    Result<Value> late = Value();
    try {
      late = co_await one.request(2);
    } catch (const Error& error) {
      late = std::unexpected(error);
    }
    EXPECT_TRUE(!late && late.error().code() == Errc::disconnected);
  };
  std::string name = "parent";
  char* arguments[] = {name.data(), nullptr};
  EXPECT_EQ(run(1, arguments, {{"parent", parent}}), 0);
  EXPECT_EQ(answer, "\"who am I? Number 1\"");
}

}  // namespace
}  // namespace baton::cluster
