// The model kernel against the real one: the same calls, the same outcomes.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>

#include "sim/worlds.h"

namespace baton::sim {
namespace {

// ---------------------------------------------------------------------------------- what is known of merging

struct Write {
  std::string bytes;
  int descriptors = 0;
};
struct Read {
  std::size_t size;
  int slots;
  std::string bytes;  // that it brings
  int descriptors = 0;
  bool truncated = false;
};

std::string check_reads(World& world, const std::vector<Write>& writes, const std::vector<Read>& reads) {
  int ends[2];
  if (world.socket_pair(ends) != 0) return "socketpair";
  for (const Write& write : writes) {
    std::vector<int> carried;
    for (int i = 0; i < write.descriptors; ++i) carried.push_back(3 + i);
    const Outcome sent = world.send(ends[0], write.bytes, carried);
    if (sent.result != static_cast<int>(write.bytes.size())) return "send: " + describe(sent);
  }
  for (const Read& read : reads) {
    const Outcome got = world.receive(ends[1], read.size, read.slots);
    if (got.bytes != read.bytes || static_cast<int>(got.numbers.size()) != read.descriptors ||
        got.truncated != read.truncated) {
      return "instead of \"" + read.bytes + "\" came " + describe(got);
    }
  }
  const Outcome rest = world.receive(ends[1], 1, 1);
  return rest.result == -EAGAIN ? "" : "left over: " + describe(rest);
}

void expect_reads(const std::vector<Write>& writes, const std::vector<Read>& reads) {
  EXPECT_EQ(in_child([&] {
              RealWorld world;
              return check_reads(world, writes, reads);
            }),
            "")
      << "of the real kernel";
  ModelWorld model;
  EXPECT_EQ(check_reads(model, writes, reads), "") << "of the model";
  EXPECT_EQ(model.kernel.audit() + model.kernel.violation(), "");
}

TEST(BothKernels, EndAReadAfterTheBytesOfADescriptorAndPutEarlierBytesBeforeIt) {
  expect_reads({{"A"}, {"B", 1}, {"C"}}, {{100, 253, "AB", 1}, {100, 253, "C"}});
}
TEST(BothKernels, NeverMergeTwoMessagesWithDescriptors) {
  expect_reads({{"B", 1}, {"C", 1}}, {{100, 253, "B", 1}, {100, 253, "C", 1}});
}
TEST(BothKernels, GiveTheDescriptorWithTheFirstByte) {
  expect_reads({{"BBBB", 1}}, {{2, 253, "BB", 1}, {2, 253, "BB"}});
}
TEST(BothKernels, MergeTheRestOfAMessageWhoseDescriptorHasLeftWithWhatFollows) {
  expect_reads({{"BBBB", 1}, {"CC"}, {"D", 1}, {"E"}},
               {{2, 253, "BB", 1}, {100, 253, "BBCCD", 1}, {100, 253, "E"}});
}
TEST(BothKernels, GiveAllDescriptorsOfOneSendTogether) { expect_reads({{"B", 3}}, {{100, 253, "B", 3}}); }
TEST(BothKernels, DropDescriptorsSilentlyWithoutControlRoom) {
  expect_reads({{"B", 1}, {"C"}}, {{100, 0, "B", 0, true}, {100, 0, "C"}});
}
TEST(BothKernels, GiveTheFirstDescriptorsThatFitTheControlRoom) {
  expect_reads({{"B", 3}}, {{100, 2, "B", 2, true}});
}

// ---------------------------------------------------------------------------------- random scripts

/// Calls chosen by a seed, made in both worlds, their outcomes compared one by one.
class Script {
 public:
  Script(std::uint64_t seed, World& real, World& model, std::map<std::string, int>& reached)
      : random_(seed), real_(real), model_(model), reached_(reached) {
    for (int i = 0; i < World::file_count; ++i) copies_.push_back(3 + i);
  }

  /// Empty, or the first difference.
  std::string run(int steps) {
    for (int i = 0; i < steps && difference_.empty(); ++i) step();
    unlimited();
    for (auto& end : ends_) {
      while (!end.empty() && difference_.empty()) close_end(end);
    }
    while (copies_.size() > World::file_count && difference_.empty()) close_copy(copies_.size() - 1);
    return difference_;
  }

 private:
  void step() {
    if (ends_[0].empty() && ends_[1].empty()) return open_pair();
    const std::uint32_t first = random_.below(2);
    const std::size_t side = ends_[first].empty() ? 1 - first : first;
    std::vector<int>& end = ends_[side];
    const int number = end[random_.below(static_cast<std::uint32_t>(end.size()))];
    switch (random_.below(24)) {
      case 0:
        return close_end(end);
      case 1:
        if (random_.below(3) != 0) return;
        agree("shutdown", [&](World& world) { return world.shut_sending(number); });
        return;
      case 2: {
        const Outcome copy = agree("dup", [&](World& world) { return world.duplicate(number); });
        if (copy.result >= 0) end.push_back(copy.result);
        return;
      }
      case 3:
        return limit();
      case 4:
        return unlimited();
      case 5:
      case 6:
        if (copies_.size() > World::file_count)
          close_copy(random_.between(World::file_count, copies_.size() - 1));
        return;
      case 7:
      case 8:
        agree("poll", [&](World& world) { return world.poll(number); });
        return;
      default:
        return random_.below(2) == 0 ? send(side, number) : receive(side, number);
    }
  }

  template <class Call>
  Outcome agree(const std::string& name, Call call) {
    const Outcome real = call(real_);
    const Outcome model = call(model_);
    if (!(real == model) && difference_.empty()) {
      difference_ = trail_ + name + ": really " + describe(real) + "; in the model " + describe(model) + "\n";
    }
    const std::string shown = describe(real);
    for (auto& [sign, times] : reached_) times += shown.find(sign) != std::string::npos ? 1 : 0;
    trail_ += name + " -> " + shown + "\n";
    return real;
  }

  void open_pair() {
    int pairs[2][2] = {};
    const Outcome opened = agree("socketpair", [&](World& world) {
      auto& pair = pairs[&world == &real_ ? 0 : 1];
      const int result = world.socket_pair(pair);
      return result < 0 ? Outcome{.result = result} : Outcome{.result = pair[0] * 1000 + pair[1]};
    });
    if (opened.result < 0) return unlimited();
    for (std::size_t i = 0; i < 2; ++i) ends_[i] = {pairs[0][i]};
    pieces_[0] = pieces_[1] = 0;
  }

  void send(std::size_t side, int number) {
    if (pieces_[side] == 60) return;  // what certainly fits, whatever the allocator's sizes
    std::string bytes(random_.below(8) == 0 ? random_.between(1, 2000) : random_.between(1, 12), ' ');
    for (char& byte : bytes) byte = static_cast<char>('a' + counter_++ % 26);
    std::vector<int> carried(random_.below(3) == 0 ? random_.between(1, 3) : 0);
    for (int& one : carried) one = copies_[random_.below(static_cast<std::uint32_t>(copies_.size()))];
    const std::string name = "send to " + std::to_string(number) + " " + std::to_string(bytes.size()) +
                             " bytes, " + std::to_string(carried.size()) + " descriptors";
    if (agree(name, [&](World& world) { return world.send(number, bytes, carried); }).result > 0)
      ++pieces_[side];
  }

  void receive(std::size_t side, int number) {
    const std::size_t size = random_.below(3) == 0 ? 4096 : random_.between(1, 24);
    const int slots[] = {253, 253, 253, 2, 1, 0};
    const int room = slots[random_.below(6)];
    const std::string name = "receive from " + std::to_string(number) + " " + std::to_string(size) +
                             " bytes, " + std::to_string(room) + " slots";
    const Outcome got = agree(name, [&](World& world) { return world.receive(number, size, room); });
    for (const int one : got.numbers) copies_.push_back(one);
    if (got.result == -EAGAIN) pieces_[1 - side] = 0;
  }

  void close_end(std::vector<int>& end) {
    const std::size_t which = random_.below(static_cast<std::uint32_t>(end.size()));
    agree("close end " + std::to_string(end[which]), [&](World& world) { return world.close(end[which]); });
    end.erase(end.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void close_copy(std::size_t which) {
    agree("close " + std::to_string(copies_[which]),
          [&](World& world) { return world.close(copies_[which]); });
    copies_.erase(copies_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void limit() {
    const int at =
        static_cast<int>(3 + copies_.size() + ends_[0].size() + ends_[1].size() + random_.below(4));
    trail_ += "limit " + std::to_string(at) + "\n";
    real_.set_limit(at);
    model_.set_limit(at);
  }
  void unlimited() {
    real_.set_limit(1000);
    model_.set_limit(1000);
  }

  Random random_;
  World& real_;
  World& model_;
  std::map<std::string, int>& reached_;  // how often an outcome showed this
  std::vector<int> ends_[2];             // numbers of descriptors of each end
  std::vector<int> copies_;              // of the files that are carried
  int pieces_[2] = {0, 0};               // sent from each end and perhaps unread
  std::size_t counter_ = 0;
  std::string trail_;
  std::string difference_;
};

TEST(BothKernels, AgreeOnRandomScripts) {
  EXPECT_EQ(in_child([]() -> std::string {
              std::map<std::string, int> reached{{"EAGAIN", 0}, {"EPIPE", 0},     {"ECONNRESET", 0},
                                                 {"EMFILE", 0}, {"truncated", 0}, {"fd", 0}};
              for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
                RealWorld real;
                ModelWorld model;
                std::string said = Script(seed, real, model, reached).run(80);
                if (said.empty()) said = model.kernel.audit() + model.kernel.violation();
                const int expected = 3 + World::file_count;
                if (said.empty() && model.kernel.open_descriptors(model.pid) != expected)
                  said = "descriptors leaked";
                if (!said.empty()) return "seed " + std::to_string(seed) + ":\n" + said;
              }
              for (const auto& [sign, times] : reached) {
                if (times < 100) return sign + " was reached only " + std::to_string(times) + " times";
              }
              return {};
            }),
            "");
}

// ---------------------------------------------------------------------------------- full buffers

/// A megabyte with a descriptor: part of it is taken; the descriptor comes with the first piece and never
/// again; there is room for more only when most of it has been read.
std::string check_full_buffer(World& world) {
  int ends[2];
  if (world.socket_pair(ends) != 0) return "socketpair";
  const Outcome sent = world.send(ends[0], std::string(1 << 20, 'x'), {3});
  if (sent.result <= 0 || sent.result >= 1 << 20) return "a megabyte is taken: " + describe(sent);
  if (world.writable(ends[0])) return "writable when full";
  if (world.send(ends[0], "y", {3}).result != -EAGAIN) return "taken when full";
  const Outcome first = world.receive(ends[1], 1 << 20, 253);
  if (first.result <= 0 || first.result >= sent.result || first.numbers.size() != 1) return describe(first);
  if (world.writable(ends[0])) return "writable when nearly full";
  const Outcome rest = world.receive(ends[1], 1 << 20, 253);
  if (rest.result != sent.result - first.result || !rest.numbers.empty()) return describe(rest);
  return world.writable(ends[0]) ? "" : "not writable when empty";
}

TEST(BothKernels, GiveTheDescriptorOfABigSendWithItsFirstPiece) {
  EXPECT_EQ(in_child([] {
              RealWorld world;
              return check_full_buffer(world);
            }),
            "");
  ModelWorld model;
  EXPECT_EQ(check_full_buffer(model), "");
}

TEST(BothKernels, FreeAPieceOnlyWithItsLastByte) {
  const auto check = [](World& world) -> std::string {
    int ends[2];
    if (world.socket_pair(ends) != 0) return "socketpair";
    while (world.send(ends[0], std::string(30000, 'x'), {}).result > 0) {
    }
    world.receive(ends[1], 29999, 1);
    if (world.send(ends[0], "y", {}).result != -EAGAIN) return "a byte is taken when a piece is nearly read";
    world.receive(ends[1], 1, 1);
    return world.send(ends[0], "y", {}).result == 1 ? "" : "no byte is taken when a piece is read";
  };
  EXPECT_EQ(in_child([&] {
              RealWorld world;
              return check(world);
            }),
            "");
  ModelWorld model;
  EXPECT_EQ(check(model), "");
}

// ---------------------------------------------------------------------------------- processes and limits

TEST(BothKernels, CloseADescriptorInFlightWhenItsReceiverIsKilled) {
  int ends[2];
  int watch[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_EQ(pipe2(watch, O_CLOEXEC | O_NONBLOCK), 0);
  const pid_t receiver = fork();
  if (receiver == 0) {
    close(watch[0]);
    close(watch[1]);
    close(ends[0]);
    for (;;) pause();
  }
  close(ends[1]);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{.iov_base = const_cast<char*>("x"), .iov_len = 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  *reinterpret_cast<int*>(CMSG_DATA(header)) = watch[1];
  ASSERT_EQ(sendmsg(ends[0], &message, 0), 1);
  close(watch[1]);
  char byte = 0;
  EXPECT_EQ(read(watch[0], &byte, 1), -1) << "the descriptor in flight keeps the file open";
  ::kill(receiver, SIGKILL);
  ASSERT_EQ(waitpid(receiver, nullptr, 0), receiver);
  pollfd waited{.fd = watch[0], .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&waited, 1, 10000), 1);
  EXPECT_EQ(read(watch[0], &byte, 1), 0) << "the file is closed";
  EXPECT_EQ(recv(ends[0], &byte, 1, 0), -1) << "it died with unread input";
  close(watch[0]);
  close(ends[0]);

  Random random(1);
  ModelKernel kernel(random);
  const Pid parent = kernel.start(-1);
  const Pid child = kernel.start(parent);
  int pair[2];
  ASSERT_EQ(kernel.socket_pair(parent, pair, {}), 0);
  kernel.inherit(parent, pair[1], child);
  kernel.close(parent, pair[1]);
  const int file = kernel.open_other(parent);
  ASSERT_EQ(kernel.send(parent, pair[0], "x", std::span(&file, 1)), 1);
  kernel.close(parent, file);
  EXPECT_EQ(kernel.open_files(), 3);
  kernel.kill(child, SIGKILL);
  EXPECT_EQ(kernel.open_files(), 1);
  EXPECT_EQ(kernel.receive(parent, pair[0], std::span(&byte, 1)).result, -ECONNRESET);
  EXPECT_EQ(kernel.audit() + kernel.violation(), "");
}

/// How many sends of one descriptor each succeed before ETOOMANYREFS.
int sends_before_too_many(World& world, int limit) {
  int ends[2];
  if (world.socket_pair(ends) != 0) return -1;
  world.set_limit(limit);
  for (int sent = 0; sent < 1000; ++sent) {
    const Outcome outcome = world.send(ends[0], "x", {3});
    if (outcome.result == -ETOOMANYREFS) return sent;
    if (outcome.result != 1) return outcome.result;
  }
  return 1000;
}

TEST(BothKernels, RefuseMoreDescriptorsInFlightThanTheLimitWithoutPrivileges) {
  ModelWorld model;
  model.kernel.privileged = false;
  const int expected = sends_before_too_many(model, 20);
  EXPECT_EQ(expected, 21);
  const std::string said = in_child([&]() -> std::string {
    constexpr uid_t nobody_else = 61234;
    if (geteuid() == 0 && setuid(nobody_else) != 0) return "skip";
    RealWorld real;
    const int really = sends_before_too_many(real, 20);
    const bool alone = geteuid() == nobody_else;  // otherwise others of this user may have some in flight
    return really == expected || (!alone && really >= 0 && really < expected) ? "" : std::to_string(really);
  });
  if (said == "skip") GTEST_SKIP() << "no right to become a user without privileges";
  EXPECT_EQ(said, "");
}

TEST(BothKernels, LeaveAConnectionInTheQueueWhenTheTableIsFull) {
  EXPECT_EQ(in_child([]() -> std::string {
              RealWorld real;
              const int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
              sockaddr_in address{};
              address.sin_family = AF_INET;
              address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
              socklen_t length = sizeof address;
              auto* generic = reinterpret_cast<sockaddr*>(&address);
              if (bind(server, generic, length) != 0 || listen(server, 8) != 0) return "listen";
              getsockname(server, generic, &length);
              const int client = socket(AF_INET, SOCK_STREAM, 0);
              if (connect(client, generic, length) != 0) return "connect";
              real.set_limit(client + 1);
              if (accept(server, nullptr, nullptr) != -1 || errno != EMFILE)
                return "accepted above the limit";
              real.set_limit(1000);
              if (accept(server, nullptr, nullptr) < 0) return "the connection is gone";
              const int second = socket(AF_INET, SOCK_STREAM, 0);
              if (connect(second, generic, length) != 0) return "second connect";
              close(server);
              char byte = 0;
              return recv(second, &byte, 1, 0) == -1 && errno == ECONNRESET ? ""
                                                                            : "not reset with its listener";
            }),
            "");
  Random random(1);
  ModelKernel kernel(random);
  const Pid server = kernel.start(-1, 1);
  const int listener = kernel.listen(server, 8);
  EXPECT_EQ(kernel.connect(kernel.file_of(server, listener)), 0);
  EXPECT_EQ(kernel.accept(server, listener), -EMFILE);
  kernel.set_limit(server, 10);
  EXPECT_GE(kernel.accept(server, listener), 0);
  EXPECT_EQ(kernel.connect(kernel.file_of(server, listener)), 1);
  kernel.close(server, listener);
  EXPECT_TRUE(kernel.connection(0).open);
  EXPECT_FALSE(kernel.connection(1).open);
}

}  // namespace
}  // namespace baton::sim
