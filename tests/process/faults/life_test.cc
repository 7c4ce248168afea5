// Ends that die, half-close or never were: rows 3, 23, 24, 26, 28 and 29 of the faults of the channel.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "process/either_end.h"

namespace baton::test {
namespace {

using Texts = std::vector<std::string>;

class Life : public EitherEnd {};
INSTANTIATE_TEST_SUITE_P(, Life, testing::Values(OurEnd::child, OurEnd::parent), name_of_end);

// Row 23
TEST_P(Life, APeerThatFinishesItsDirectionCountsAsDisconnectedAfterItsLastMessage) {
  for (int i = 0; i < 1000; ++i) channel.line(std::to_string(i));
  channel.shut_writing();
  for (int i = 0; i < 1000; ++i) expect_delivered(std::to_string(i));
  expect_channel_ended();
}

// Row 23
TEST_P(Life, DescriptorsThatCameBeforeTheEndAreStillHandedOver) {
  auto [near, far] = tcp_connection();
  const int number = near.get();
  channel.line_with(R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":1})", {&number, 1});
  channel.shut_writing();
  near.reset();
  expect_handle("net.Socket", "1");
  EXPECT_EQ(read_all(far.get()), ours_is_child() ? "handled by " + std::to_string(ours.pid()) + "\n" : "");
  far.reset();
  expect_channel_ended();
}

// Row 24
TEST_P(Life, APeerThatClosesWithInputUnreadIsADisconnection) {
  std::string lines = "1";
  for (int i = 1; i < 100; ++i) lines += "\n1";
  channel.line(lines);
  channel.close();
  if (!ours_is_child()) {
    for (int i = 0; i < 100; ++i) expect_delivered("1");
    return;
  }
  // What it answers after the first failure to write is refused, and it says so.
  while (const auto line = ours.errors.next()) EXPECT_TRUE(line->contains("disconnected")) << *line;
}

class LifeOfAParent : public EitherEnd {};
INSTANTIATE_TEST_SUITE_P(, LifeOfAParent, testing::Values(OurEnd::parent), name_of_end);

// Row 26
TEST_P(LifeOfAParent, WhatAKilledChildHadSentIsDeliveredBeforeItsEnd) {
  for (int i = 0; i < 500; ++i) channel.line(std::to_string(i));
  kill_lender();
  channel.close();
  for (int i = 0; i < 500; ++i) expect_delivered(std::to_string(i));
}

class Observed : public ProcessTest {
 protected:
  static Texts events(Texts arguments) {
    arguments.insert(arguments.begin(), "observe");
    Program parent(built("peer"), arguments);
    Texts events = parent.output.rest();
    EXPECT_EQ(parent.errors.rest(), Texts());
    EXPECT_EQ(parent.end(), "exit 0");
    return events;
  }
  // Of exit and disconnect either may come first.
  static void expect_end(const Texts& events, size_t from, const std::string& exit) {
    ASSERT_EQ(events.size(), from + 3) << testing::PrintToString(events);
    EXPECT_TRUE((events[from] == exit && events[from + 1] == "disconnect") ||
                (events[from] == "disconnect" && events[from + 1] == exit))
        << testing::PrintToString(events);
    EXPECT_EQ(events[from + 2], "close");
  }
};

// Row 26
TEST_F(Observed, AChildThatDiesBeforeItsFirstMessageExitsDisconnectsAndClosesOnceEach) {
  expect_end(events({built("peer"), "script", "die"}), 0, "exit: killed by SIGKILL");
}

// Row 26
TEST_F(Observed, AChildThatIsNoParticipantAtAllEndsInTheSameWay) {
  expect_end(events({"/bin/true"}), 0, "exit: exit code 0");
}

// Row 26
TEST_F(Observed, EveryMessageOfAChildThatDiesComesBeforeItsExit) {
  Texts arguments = {built("peer"), "script"};
  for (int i = 0; i < 300; ++i) {
    arguments.insert(arguments.end(), {"line", std::to_string(i)});
  }
  arguments.emplace_back("die");
  const Texts all = events(arguments);
  ASSERT_GE(all.size(), 300U);
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(all[i], "message " + std::to_string(i));
  expect_end(all, 300, "exit: killed by SIGKILL");
}

// Row 26
TEST_F(Observed, AChildThatClosesItsChannelFirstIsWaitedFor) {
  expect_end(events({built("peer"), "script", "line", "1", "close"}), 1, "exit: exit code 0");
}

// Row 24
TEST_F(Observed, AChildHasTheDefaultDispositionOfSigpipe) {
  const Texts all = events({built("peer"), "script", "sigpipe"});
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0], "message \"default\"");
}

class Orphan : public ProcessTest {};

// Row 28
TEST_F(Orphan, AWorkerWhoseParentIsKilledExitsWithZero) {
  Program parent(built("peer"), {"parent", built("echo_worker")});
  const auto ready = parent.output.next();
  const std::string pid = parent.output.next().value_or("");
  EXPECT_EQ(ready, "{\"ready\":" + pid + "}");
  parent.signal(SIGKILL);
  EXPECT_EQ(parent.end(), "signal 9");
  // It is this process's child now.
  EXPECT_EQ(collect(std::atoi(pid.c_str())), "exit 0");
  EXPECT_EQ(parent.errors.rest(), Texts());
}

// Row 28
TEST_F(Orphan, AWorkerWhoseParentExitsWithoutAWordExitsWithZero) {
  Program parent(built("peer"), {"parent", built("echo_worker")});
  parent.output.next();
  const std::string pid = parent.output.next().value_or("");
  parent.close_input();
  EXPECT_EQ(parent.end(), "exit 0");
  EXPECT_EQ(collect(std::atoi(pid.c_str())), "exit 0");
}

class ChannelVariable : public ProcessTest {
 protected:
  static void expect_no_channel(const StartOptions& options, const std::string& cause) {
    Program worker(built("echo_worker"), {}, options);
    const Texts errors = worker.errors.rest();
    ASSERT_EQ(errors.size(), 1U) << testing::PrintToString(errors);
    EXPECT_TRUE(errors[0].starts_with("echo_worker: open the channel to the parent: ")) << errors[0];
    EXPECT_NE(errors[0].find(cause), std::string::npos) << errors[0];
    EXPECT_EQ(worker.output.rest(), Texts());
    EXPECT_EQ(worker.end(), "exit 2");
  }
  void expect_channel_on(int number) {
    auto [worker, channel] = start_with_channel(built("echo_worker"), {"its", "arguments", "are", "ignored"},
                                                Serialization::json, number);
    EXPECT_EQ(channel.next_line(), "{\"ready\":" + std::to_string(worker.pid()) + "}");
    channel.line("[1]");
    EXPECT_EQ(channel.next_line(), "{\"echo\":[1]}");
    const Fd listener = tcp_listener();
    const int handle = listener.get();
    channel.line_with(R"({"cmd":"NODE_HANDLE","type":"net.Server","msg":2})", {&handle, 1});
    EXPECT_EQ(channel.next_line(), R"({"cmd":"NODE_HANDLE_ACK"})");
    EXPECT_EQ(channel.next_line(), R"({"got":"net.Server","with":2})");
    EXPECT_EQ(ask(port_of(listener.get())), "served by " + std::to_string(worker.pid()) + "\n");
    channel.line("\"bye\"");
    EXPECT_EQ(channel.next_line(), std::nullopt);
    EXPECT_EQ(worker.end(), "exit 0");
  }
};

// Row 29
TEST_F(ChannelVariable, ThatIsNotSetMeansNoChannel) {
  ::unsetenv("NODE_CHANNEL_FD");
  expect_no_channel(StartOptions(), "NODE_CHANNEL_FD is not set");
}

// Row 29
TEST_F(ChannelVariable, ThatIsNoNumberMeansNoChannel) {
  for (const char* text : {"three", "3x", " 3", "-1", "99999999999999999999", "0x3", "3.0"}) {
    expect_no_channel(StartOptions().variable("NODE_CHANNEL_FD", text),
                      "NODE_CHANNEL_FD=" + std::string(text) + ": invalid argument");
  }
}

// Row 29
TEST_F(ChannelVariable, ThatNamesAClosedDescriptorMeansNoChannel) {
  for (const char* text : {"77", "2147483647"}) {
    expect_no_channel(StartOptions().variable("NODE_CHANNEL_FD", text),
                      "NODE_CHANNEL_FD=" + std::string(text) + ": bad file descriptor");
  }
}

// Row 29
TEST_F(ChannelVariable, ThatNamesWhatIsNoUnixSocketMeansNoChannel) {
  std::vector<Fd> wrong;
  wrong.push_back(regular_file());
  wrong.push_back(event_descriptor());
  wrong.push_back(udp_socket());
  wrong.push_back(tcp_listener());
  for (const Fd& descriptor : wrong) {
    expect_no_channel(StartOptions().descriptor(3, descriptor.get()).variable("NODE_CHANNEL_FD", "3"),
                      "NODE_CHANNEL_FD=3: socket operation on non-socket");
  }
  expect_no_channel(StartOptions().variable("NODE_CHANNEL_FD", "0"),
                    "NODE_CHANNEL_FD=0: socket operation on non-socket");
}

// Row 29
TEST_F(ChannelVariable, ThatNamesASocketOfAnotherTypeMeansNoChannel) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd one(ends[0]), other(ends[1]);
  expect_no_channel(StartOptions().descriptor(3, one.get()).variable("NODE_CHANNEL_FD", "3"),
                    "NODE_CHANNEL_FD=3: ");
}

// Row 29
TEST_F(ChannelVariable, ThatNamesAListenerMeansNoChannel) {
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr name{AF_UNIX, {}};
  ASSERT_EQ(::bind(listener.get(), &name, sizeof(sa_family_t)), 0);  // the kernel chooses a name
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  expect_no_channel(StartOptions().descriptor(3, listener.get()).variable("NODE_CHANNEL_FD", "3"),
                    "NODE_CHANNEL_FD=3: ");
}

// Row 29
TEST_F(ChannelVariable, OfAnotherSerializationMeansNoChannel) {
  for (const char* mode : {"Advanced", "yaml"}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Fd theirs(ends[0]), ours(ends[1]);
    expect_no_channel(StartOptions()
                          .descriptor(3, theirs.get())
                          .variable("NODE_CHANNEL_FD", "3")
                          .variable("NODE_CHANNEL_SERIALIZATION_MODE", mode),
                      "NODE_CHANNEL_SERIALIZATION_MODE=" + std::string(mode));
  }
}

// Row 29
TEST_F(ChannelVariable, MayNameAStandardStream) {
  for (const int number : {0, 1, 2}) expect_channel_on(number);
}

// Row 29
TEST_F(ChannelVariable, MayNameAnyDescriptor) {
  for (const int number : {3, 4, 50, 150}) expect_channel_on(number);
}

// Row 29
TEST_F(ChannelVariable, AndItsDescriptorAreNotInheritedByGrandchildren) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd theirs(ends[0]), ours(ends[1]);
  Program child(built("peer"), {"inherited"},
                StartOptions().descriptor(3, theirs.get()).variable("NODE_CHANNEL_FD", "3"));
  EXPECT_EQ(child.output.rest(), (Texts{"[]", "0"}));
  EXPECT_EQ(child.end(), "exit 0");
}

TEST_F(ChannelVariable, GivesAChildItsPidItsNumberAndAChannelBesideOtherDescriptors) {
  Program parent(built("peer"), {"activate"});
  EXPECT_EQ(parent.output.rest(), Texts{R"({"worker":7,"for_me":true,"left_to_children":false})"});
  EXPECT_EQ(parent.end(), "exit 0");
  EXPECT_EQ(parent.errors.rest(), Texts());
}

}  // namespace
}  // namespace baton::test
