#include "baton/spawn/child.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <stdexcept>

#include "support/leak_check.h"
#include "unit/spawn/support.h"

namespace baton {
namespace {

using namespace std::chrono_literals;

class ChildTest : public test::LeakFree {
 protected:
  Child shell(const std::string& script, const SpawnOptions& options = SpawnOptions()) {
    return spawn(loop, "/bin/sh", {"-c", script}, options);
  }
  /// Collects what the child writes to its standard output.
  static void collect(Child& child, std::string& text) {
    child.stdout_stream().on_data([&text](std::string_view bytes) { text += bytes; });
  }
  /// Calls back when the child has written a line of its own choice, so that it is known to be so far.
  static void when_it_speaks(Child& child, Callback callback) {
    child.stdout_stream().on_data([callback = std::move(callback)](std::string_view) mutable { callback(); });
  }

  Loop loop;
};

TEST_F(ChildTest, GivesItsOutputAndItsExitCode) {
  std::string text;
  std::vector<std::string> order;
  auto child = shell("echo hello; exit 3");
  EXPECT_GT(child.pid(), 0);
  EXPECT_FALSE(child.status());
  collect(child, text);
  child.on_exit([&](const ExitStatus& status) {
    order.emplace_back("exit");
    EXPECT_EQ(status.code(), 3);
  });
  child.on_close([&](const ExitStatus& status) {
    order.emplace_back("close");
    EXPECT_EQ(status.code(), 3);
    EXPECT_EQ(text, "hello\n");
  });
  loop.run();
  EXPECT_EQ(order, (std::vector<std::string>{"exit", "close"}));
  EXPECT_EQ(child.status()->code(), 3);
}

}  // namespace
}  // namespace baton
