#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/wire/serialization.h"
#include "process/program.h"
#include "process/raw_channel.h"
#include "support/leak_check.h"

namespace baton {
inline void PrintTo(Serialization how, std::ostream* out) {
  *out << (how == Serialization::advanced ? "advanced" : "json");
}
}  // namespace baton

namespace baton::test {

/// What our end of the channel is: echo_worker, with this test as its parent, or echo_primary, with a child
/// that lends its end to this test; with either serialization.
enum class OurEnd { child, parent, advanced_child, advanced_parent };
inline void PrintTo(OurEnd end, std::ostream* out) {
  static const char* const names[] = {"child", "parent", "advanced_child", "advanced_parent"};
  *out << names[static_cast<size_t>(end)];
}

/// A message, which is given as JSON, as it is written in a channel; and the next one that comes, as JSON,
/// nothing at the end.
std::string framed(std::string_view json, Serialization serialization);
std::optional<std::string> next_message(RawChannel& channel, Serialization serialization);

/// Children of children become ours when their parent dies, so that none escapes the LeakCheck.
class ProcessTest : public LeakFree {
 protected:
  ProcessTest();
  ~ProcessTest() override;
};

/// A program that is started as Node starts its children, with a channel as its descriptor `number`, and this
/// test's end of it.
std::pair<Program, RawChannel> start_with_channel(const std::string& path,
                                                  const std::vector<std::string>& arguments = {},
                                                  Serialization serialization = Serialization::json,
                                                  int number = 3);

/// One end of a channel is a Baton program; `channel` is the other one, for the test to misuse. Afterwards
/// our end must have ended well, without a word on standard error that the test did not expect.
class EitherEnd : public ProcessTest, public testing::WithParamInterface<OurEnd> {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] static bool ours_is_child() {
    return GetParam() == OurEnd::child || GetParam() == OurEnd::advanced_child;
  }
  [[nodiscard]] static bool advanced() {
    return GetParam() == OurEnd::advanced_child || GetParam() == OurEnd::advanced_parent;
  }
  [[nodiscard]] static Serialization serialization() {
    return advanced() ? Serialization::advanced : Serialization::json;
  }
  /// A message, which is given as JSON, as it is written on this channel.
  [[nodiscard]] static std::string framed(std::string_view json) {
    return test::framed(json, serialization());
  }
  bool say(std::string_view json) { return channel.write(framed(json)); }
  /// Descriptors ride on the first byte.
  bool say_with(std::string_view json, std::span<const int> descriptors) {
    return channel.write_with(framed(json), descriptors);
  }
  bool say_with(std::string_view json, const Fd& descriptor) {
    const int number = descriptor.get();
    return say_with(json, std::span(&number, 1));
  }
  /// The next message that comes to the test, as JSON; nothing at the end.
  std::optional<std::string> heard() { return next_message(channel, serialization()); }

  /// The program gets this JSON as the next message: the worker echoes it, the primary prints it.
  void expect_delivered(std::string_view json);
  /// The same for a message that came with a handle of this type.
  void expect_handle(std::string_view type, std::string_view json);
  /// The next line on standard error says this.
  void expect_report(std::string_view text);
  /// The program takes messages, and has as many descriptors as it had at first, and `more`.
  void expect_goes_on(size_t more = 0);
  /// The program finishes the channel.
  void expect_channel_ended();

  /// The program never held more than this.
  void expect_memory_below(size_t bytes) { most_memory_ = bytes; }

  /// The child of echo_primary dies of SIGKILL.
  void kill_lender();

  Program ours;
  RawChannel channel;

 private:
  void start_child();
  void start_parent();

  size_t most_memory_ = SIZE_MAX;
  RawChannel lender_;
  std::vector<std::string> descriptors_;
  std::string expected_exit_ = R"({"exit":{"code":0,"signal":null}})";
};

/// For INSTANTIATE_TEST_SUITE_P.
inline std::string name_of_end(const testing::TestParamInfo<OurEnd>& end) {
  return testing::PrintToString(end.param);
}

/// Descriptors of every kind, made for being sent.
Fd regular_file();
Fd event_descriptor();
Fd udp_socket();
Fd tcp_listener();
/// A connection over 127.0.0.1: the end to send, and the one to keep.
std::pair<Fd, Fd> tcp_connection();
/// Reads to the end.
std::string read_all(int descriptor);
/// What a client gets from 127.0.0.1:`port` until the server is done.
std::string ask(uint16_t port);
uint16_t port_of(int socket);
/// A client of 127.0.0.1:`port`.
Fd connect_to(uint16_t port);
/// A TCP socket that is bound to 127.0.0.1 and does not listen.
Fd bound_socket();
/// What a UDP socket of 127.0.0.1 answers.
std::string ask_udp(uint16_t port, std::string_view text);

}  // namespace baton::test
