// Bytes that are put back into a stream.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "baton/net/native.h"
#include "baton/net/socket.h"
#include "support/leak_check.h"

namespace baton::net {
namespace {

using Texts = std::vector<std::string>;

class Unread : public testing::Test {
 protected:
  Unread() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    socket = Socket::adopt(loop, Fd(ends[0])).value();
    far = Fd(ends[1]);
  }
  void say(std::string_view text) const {
    EXPECT_EQ(::write(far.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void collect() {
    socket.on_data([this](std::string_view bytes) { got.emplace_back(bytes); });
  }

  test::LeakCheck leaks;
  Loop loop;
  Socket socket;
  Fd far;
  Texts got;
};

TEST_F(Unread, ComesFirstWhenReadingBegins) {
  socket.unread("second ");
  socket.unread("first ");
  say("third");
  far.reset();
  collect();
  EXPECT_TRUE(got.empty());
  loop.run();
  EXPECT_EQ(got, (Texts{"first second ", "third"}));
}

TEST_F(Unread, ComesWithTheNextPieceSoThatAParserMayWaitForMore) {
  socket.on_data([this](std::string_view bytes) {
    got.emplace_back(bytes);
    if (bytes.ends_with('\n')) {
      far.reset();
    } else {
      socket.unread(bytes);
      loop.defer([this] { say(" more\n"); });
    }
  });
  say("half a line");
  loop.run();
  EXPECT_EQ(got, (Texts{"half a line", "half a line more\n"}));
}

TEST_F(Unread, ComesAfterAPause) {
  socket.unread("kept");
  socket.pause();
  collect();
  loop.run();
  EXPECT_TRUE(got.empty());
  socket.resume();
  far.reset();
  loop.run();
  EXPECT_EQ(got, Texts{"kept"});
}

TEST_F(Unread, ComesBeforeTheEnd) {
  bool first = true;
  socket.on_data([&](std::string_view bytes) {
    got.emplace_back(bytes);
    if (std::exchange(first, false)) socket.unread(bytes);
  });
  socket.on_end([&] {
    got.emplace_back("end");
    socket.end();
  });
  say("x");
  far.reset();
  loop.run();
  EXPECT_EQ(got, (Texts{"x", "x", "end"}));
}

TEST_F(Unread, IsNotLostWithADescriptorThatIsGivenAway) {
  socket.unread("read ahead");
  EXPECT_EQ(socket.release().error().code(), std::errc::device_or_resource_busy);
  std::string bytes = socket.take_unread();
  EXPECT_EQ(bytes, "read ahead");
  Native native(socket.release().value());
  native.set_unread(std::move(bytes));
  socket = Socket::adopt(loop, std::move(native)).value();
  collect();
  far.reset();
  loop.run();
  EXPECT_EQ(got, Texts{"read ahead"});
}

TEST_F(Unread, HasALimit) {
  socket.unread(std::string(1 << 20, 'x'));
  EXPECT_THROW(socket.unread("y"), std::length_error);
  EXPECT_EQ(socket.take_unread().size(), size_t{1} << 20);
  socket.unread("y");
  EXPECT_EQ(socket.take_unread(), "y");
}

TEST_F(Unread, MayDestroyTheSocket) {
  socket.unread("x");
  socket.on_data([this](std::string_view bytes) {
    got.emplace_back(bytes);
    socket = Socket();
  });
  loop.run();
  EXPECT_EQ(got, Texts{"x"});
}

}  // namespace
}  // namespace baton::net
