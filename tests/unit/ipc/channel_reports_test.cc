// What is told of a peer that speaks badly, where the program takes no errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "unit/ipc/two_ends.h"

namespace baton::test {
namespace {

std::string deeper_than_any_message() { return std::string(600, '[') + std::string(600, ']') + "\n"; }

TEST(ChannelReports, AreAThousandASecondHoweverMuchIsWrong) {
  constexpr int bad = 3000;
  Loop loop;
  std::vector<std::string> lines;
  loop.on_report([&](std::string_view line) { lines.emplace_back(line); });
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Fd peer(ends[0]);
  Channel channel = Channel::adopt(loop, Fd(ends[1])).value();
  channel.on_message([](const Message&) {});
  std::string words;
  for (int i = 0; i < bad; ++i) words += deeper_than_any_message();
  std::thread talker([&] {
    for (std::string_view left = words; !left.empty();) {
      const ssize_t wrote = ::send(peer.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (wrote <= 0) break;
      left.remove_prefix(static_cast<std::size_t>(wrote));
    }
    peer.reset();
  });
  const auto begin = std::chrono::steady_clock::now();
  loop.run();
  const auto took =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin).count();
  talker.join();
  const auto told = std::ranges::count_if(
      lines, [](const std::string& line) { return line.starts_with("channel: receive: "); });
  EXPECT_GE(told, 1000);
  EXPECT_LE(told, 1000 * (took + 1));
  loop.on_report(nullptr);
}

}  // namespace
}  // namespace baton::test
