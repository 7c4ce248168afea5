// More descriptors on the way than the kernel lets a user have there: row 19 of the faults of the channel.

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "process/either_end.h"

namespace baton::test {
namespace {

constexpr rlim_t most_in_flight = 64;
constexpr int no_ordinary_user = 99;
constexpr int no_such_limit = 98;

/// Descriptors that were sent and not received, until this is destroyed.
class InFlight {
 public:
  InFlight() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    from_ = RawChannel(Fd(ends[0]));
    to_.reset(ends[1]);
    const Fd one = event_descriptor();
    from_.write_with("x", std::vector<int>(253, one.get()));
  }
  /// Whether the kernel takes no more now.
  bool refuses_more() {
    const int number = to_.get();
    return !from_.write_with("x", {&number, 1}) && errno == ETOOMANYREFS;
  }

 private:
  RawChannel from_;
  Fd to_;
};

// Root may have any number of them.
bool become_an_ordinary_user() {
  if (::geteuid() != 0) return true;
  return ::setgroups(0, nullptr) == 0 && ::setresgid(65534, 65534, 65534) == 0 &&
         ::setresuid(65534, 65534, 65534) == 0;
}

/// Sends a listener between two texts while none may leave, and again when one may.
class Starved {
 public:
  Starved() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    from_ = Channel::adopt(loop_, Fd(ends[0])).value();
    to_ = Channel::adopt(loop_, Fd(ends[1])).value();
    from_.on_error([this](const Error& error) { story_ += std::string("error: ") + error.what() + "; "; });
    to_.on_message([this](const Message& message) { take(message); });
  }
  std::string run() {
    others_.emplace();
    if (!others_->refuses_more()) return "no such limit";
    from_.send("before");
    {
      const auto server = net::listen(loop_, net::Endpoint("127.0.0.1", 0));
      from_.send("listener", server);
    }
    from_.send("after");
    loop_.run();
    return story_;
  }

 private:
  void take(const Message& message) {
    const std::string text = message.value().as_string();
    story_ += text + (message.has_handle() ? " with a handle; " : "; ");
    if (text == "before") {
      // What could leave has left: the listener was refused by now.
      loop_.defer([this] {
        story_ += "room; ";
        others_.reset();
      });
    } else if (text == "after") {
      from_.disconnect();
    }
  }

  Loop loop_;
  Channel from_, to_;
  std::optional<InFlight> others_;
  std::string story_;
};

class InFlightTest : public ProcessTest {};

TEST_F(InFlightTest, AHandleThatIsOneTooManyWaitsAndLeavesInItsOrder) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const rlimit few{most_in_flight, most_in_flight};
    if (!become_an_ordinary_user() || ::setrlimit(RLIMIT_NOFILE, &few) != 0) ::_exit(no_ordinary_user);
    std::string story;
    {
      Starved starved;
      story = starved.run();
    }
    if (story == "no such limit") ::_exit(no_such_limit);
    EXPECT_EQ(story, "before; room; listener with a handle; after; ");
    ::_exit(HasFailure() ? 1 : 0);
  }
  const std::string end = collect(pid);
  if (end == "exit " + std::to_string(no_such_limit)) GTEST_SKIP() << "this kernel counts nothing";
  EXPECT_EQ(end, "exit 0");
}

}  // namespace
}  // namespace baton::test
