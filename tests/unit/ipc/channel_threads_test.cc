// A loop is of one thread, and a process may have several of both.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "baton/ipc/channel.h"

namespace baton {
namespace {

constexpr int messages = 2000;

/// What one thread saw of its own.
struct Seen {
  int messages = 0;
  int handles = 0;
  int wrong = 0;
  size_t bytes = 0;
  std::string error;
};

/// The text of one message: it tells of which thread it is, and no two in turn are equal.
std::string text_of(char thread, int number) {
  std::string text(static_cast<size_t>(5000 + number % 7 * 1000), thread);
  return text + std::to_string(number);
}

std::pair<Fd, Fd> connected_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    throw Error(errno, "pair");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// One channel from end to end with everything that is this thread's, now and then a handle with it, and the
/// same texts over a socket.
void talk(char thread, Seen& seen) {
  Loop loop;
  auto [one, other] = connected_pair();
  Channel from = Channel::adopt(loop, std::move(one)).value();
  Channel to = Channel::adopt(loop, std::move(other), ChannelOptions().announce()).value();
  auto [near, far] = connected_pair();
  net::Socket writer = net::Socket::adopt(loop, std::move(near)).value();
  net::Socket reader = net::Socket::adopt(loop, std::move(far)).value();
  net::Server server = net::listen(loop, net::Endpoint("127.0.0.1", 0));

  int sent = 0;
  const auto send_some = [&] {
    for (bool more = true; more && sent < messages; ++sent) {
      const std::string text = text_of(thread, sent);
      writer.write(text);
      more = static_cast<bool>(sent % 100 == 0 ? from.send(text, server) : from.send(text));
    }
    if (sent < messages || !from.connected()) return;
    from.disconnect();
    writer.end();
  };
  from.on_drain(send_some);
  to.on_message([&](const Message& message) {
    if (message.value() != Value(text_of(thread, seen.messages))) ++seen.wrong;
    ++seen.messages;
    if (message.has_handle()) ++seen.handles;
  });
  reader.on_data([&](std::string_view bytes) {
    seen.bytes += bytes.size();
    for (const char byte : bytes) {
      if (byte != thread && (byte < '0' || byte > '9')) ++seen.wrong;
    }
  });
  reader.on_end([&] { reader.close(); });
  to.on_disconnect([&](bool) { server.close(); });
  send_some();
  loop.run();
}

TEST(ChannelThreads, GetEachOnlyWhatIsTheirOwn) {
  std::vector<Seen> all(3);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < all.size(); ++i) {
      threads.emplace_back([&seen = all[i], name = static_cast<char>('a' + i)] {
        try {
          talk(name, seen);
        } catch (const std::exception& error) {
          seen.error = error.what();
        }
      });
    }
  }
  size_t bytes = 0;
  for (int i = 0; i < messages; ++i) bytes += text_of('a', i).size();
  for (const Seen& seen : all) {
    EXPECT_EQ(seen.error, "");
    EXPECT_EQ(seen.wrong, 0);
    EXPECT_EQ(seen.messages, messages);
    EXPECT_EQ(seen.handles, messages / 100);
    EXPECT_EQ(seen.bytes, bytes);
  }
}

}  // namespace
}  // namespace baton
