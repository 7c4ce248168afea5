// What goes over the channel of a cluster, line by line: the same lines are expected of a Node and of a
// Baton, at either end, with this test as the other one.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <regex>

#include "interop/cluster/cluster_world.h"
#include "process/raw_channel.h"

namespace baton::test {
namespace {

constexpr std::string_view ack = R"({"cmd":"NODE_HANDLE_ACK"})";
constexpr std::string_view nack = R"({"cmd":"NODE_HANDLE_NACK"})";

/// {"cmd":"NODE_CLUSTER",...}
std::string cluster(const std::string& rest) { return R"({"cmd":"NODE_CLUSTER",)" + rest + "}"; }
std::string with_handle(const std::string& type, const std::string& message) {
  return R"({"cmd":"NODE_HANDLE","type":")" + type + R"(","msg":)" + message + "}";
}
/// What differs among versions of Node: `flags` came with 22, and an index behind the key of a fixed port
/// went.
std::string of_any_version(std::string line) {
  line = std::regex_replace(line, std::regex(R"("flags":0,)"), "");
  return std::regex_replace(line, std::regex(R"(:([1-9][0-9]*):4:undefined:0")"), R"(:$1:4:undefined")");
}

class Wire : public NodeCluster, public testing::WithParamInterface<std::string> {
 protected:
  [[nodiscard]] static bool ours() { return GetParam() == "Cpp"; }
  void SetUp() override {
    if (!ours()) NodeCluster::SetUp();
  }
  /// The next line that is not the program's own.
  std::string next() {
    while (auto line = channel.next_line()) {
      if (line->starts_with(R"({"cmd":"NODE_)")) return of_any_version(*line);
    }
    return "the end";
  }
  void expect_line(const std::string& line) { EXPECT_EQ(next(), of_any_version(line)); }
  void expect_line(std::string_view line) { expect_line(std::string(line)); }
  void say_with(const std::string& line, const Fd& descriptor) {
    const int number = descriptor.get();
    channel.line_with(line, {&number, 1});
  }
  RawChannel channel;
};

// --- the worker's side

class WorkerWire : public Wire {
 protected:
  void SetUp() override {
    Wire::SetUp();
    if (IsSkipped()) return;
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Fd theirs(ends[0]);
    channel = RawChannel(Fd(ends[1]));
    const auto options = StartOptions()
                             .descriptor(3, theirs.get())
                             .variable("NODE_CHANNEL_FD", "3")
                             .variable("NODE_UNIQUE_ID", "1");
    if (ours()) {
      worker = Program(built("cluster_peer"), {}, options);
    } else {
      worker = Program(node_program(), {script("worker.js")}, options);
    }
    expect_line(cluster(R"("act":"online","seq":0)"));
  }
  void TearDown() override {
    channel.close();
    if (!IsSkipped()) {
      EXPECT_EQ(worker.end(), "exit 0");
    }
    Wire::TearDown();
  }
  void expect_end() {
    EXPECT_EQ(next(), "the end");
    EXPECT_FALSE(channel.timed_out());
  }
  /// Up to the worker's `listening`, in turn.
  void listen() {
    channel.line(R"({"do":"hold","port":0})");
    expect_line(cluster(query + R"("port":0,"addressType":4,"backlog":0,"seq":1)"));
    channel.line(cluster(R"("errno":null,"key":"K","ack":1,"data":null,)"
                         R"("sockname":{"address":"::","family":"IPv6","port":39371},"seq":0)"));
    expect_line(cluster(listening + R"("port":39371,"addressType":4,"backlog":0,"seq":2)"));
  }
  /// Hands over a connection: the client's end.
  Fd newconn(const std::string& key, int seq) {
    auto [near, far] = tcp_connection();
    say_with(with_handle("net.Native",
                         cluster(R"("act":"newconn","key":")" + key + R"(","seq":)" + std::to_string(seq))),
             near);
    return std::move(far);
  }

  const std::string query = R"("act":"queryServer","index":0,"data":null,"address":null,)";
  const std::string listening = R"("act":"listening","index":0,"data":null,"address":null,)";
  Program worker;
};
INSTANTIATE_TEST_SUITE_P(Of, WorkerWire, testing::Values("Cpp", "Node"),
                         [](const auto& test) { return test.param; });

TEST_P(WorkerWire, InTurnAndToldToLeave) {
  listen();
  {
    const Fd client = newconn("K", 1);
    expect_line(ack);
    expect_line(cluster(R"("ack":1,"accepted":true,"seq":3)"));
    char text[32] = "";
    EXPECT_GT(::recv(client.get(), text, sizeof text - 1, 0), 0);
    EXPECT_EQ(std::atoi(text), worker.pid());
  }
  const Fd nobodys = newconn("bogus", 3);
  expect_line(ack);
  expect_line(cluster(R"("ack":3,"accepted":false,"seq":4)"));
  EXPECT_EQ(read_all(nobodys.get()), "");
  channel.line(cluster(R"("act":"disconnect","seq":4)"));
  expect_line(cluster(R"("act":"close","key":"K","seq":5)"));
  expect_end();
}

TEST_P(WorkerWire, LeavesByItself) {
  listen();
  channel.line(R"({"do":"disconnect"})");
  expect_line(cluster(R"("act":"close","key":"K","seq":3)"));
  expect_line(cluster(R"("act":"exitedAfterDisconnect","seq":4)"));
  channel.line(cluster(R"("ack":4,"seq":1)"));
  expect_end();
}

TEST_P(WorkerWire, EndsItselfOnlyWhenThePrimaryKnows) {
  listen();
  channel.line(R"({"do":"kill"})");
  expect_line(cluster(R"("act":"exitedAfterDisconnect","seq":3)"));
  EXPECT_TRUE(channel.line(cluster(R"("ack":3,"seq":1)")));
  expect_end();
}

TEST_P(WorkerWire, Shared) {
  channel.line(R"({"do":"hold","port":0})");
  expect_line(cluster(query + R"("port":0,"addressType":4,"backlog":0,"seq":1)"));
  const Fd bound = tcp_listener();
  // A Node 18 would wait in accept(2) for ever.
  ASSERT_EQ(::fcntl(bound.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string there = std::to_string(port_of(bound.get()));
  say_with(with_handle("net.Native", cluster(R"("errno":0,"key":"K","ack":1,"data":null,"seq":0)")), bound);
  expect_line(ack);
  expect_line(cluster(listening + R"("port":)" + there + R"(,"addressType":4,"backlog":0,"seq":2)"));
  EXPECT_EQ(Client(port_of(bound.get())).until("\n"), std::to_string(worker.pid()) + "\n");
  channel.line(cluster(R"("act":"disconnect","seq":4)"));
  expect_line(cluster(R"("act":"close","key":"K","seq":3)"));
  expect_end();
}

TEST_P(WorkerWire, SharedUdp) {
  channel.line(R"({"do":"udp","port":0})");
  const std::string where = R"("index":0,"data":null,"address":"127.0.0.1",)";
  const std::string type = R"("addressType":"udp4","fd":-1,"flags":0,)";
  expect_line(cluster(R"("act":"queryServer",)" + where + R"("port":0,)" + type + R"("seq":1)"));
  const Fd bound = udp_socket();
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(bound.get(), reinterpret_cast<sockaddr*>(&address), &length);
  const std::string there = std::to_string(port_of(bound.get()));
  say_with(with_handle("dgram.Native", cluster(R"("errno":0,"key":"U","ack":1,"data":null,"seq":0)")), bound);
  expect_line(ack);
  expect_line(cluster(R"("act":"listening",)" + where + R"("port":)" + there + "," + type + R"("seq":2)"));
}

TEST_P(WorkerWire, OfAListenerThatCannotBeOpened) {
  channel.line(R"({"do":"hold","port":0})");
  expect_line(cluster(query + R"("port":0,"addressType":4,"backlog":0,"seq":1)"));
  channel.line(cluster(R"("errno":-98,"key":"K","ack":1,"data":null,"seq":0)"));
  const std::string said = channel.next_line().value_or("the end");
  EXPECT_TRUE(said.contains("EADDRINUSE") || said.contains("address already in use")) << said;
}

TEST_P(WorkerWire, AtItsLimitOfDescriptorsItSaysSoTwice) {
  if (!ours()) GTEST_SKIP() << "Node says only NACK";
  listen();
  channel.line(R"({"do":"limit","descriptors":3})");
  while (channel.next_line() != R"("limited")") {
  }
  const Fd client = newconn("K", 1);
  expect_line(nack);
  expect_line(cluster(R"("ack":1,"accepted":false,"seq":3)"));
  EXPECT_TRUE(worker.errors.next().value_or("").contains("descriptor"));
  channel.line(R"({"do":"limit","descriptors":64})");
}

// --- the primary's side

class PrimaryWire : public Wire {
 protected:
  void begin(const std::string& policy) {
    const std::string name = "baton-wire-" + std::to_string(::getpid()) + "-" + std::to_string(++made);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, sizeof address.sun_path - 2);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    if (ours()) {
      start({"--policy", policy, "--exec", built("peer"), "lend", name});
    } else {
      start_nodes(Ways{policy}, {built("peer"), "lend", name});
    }
    primary.say("fork 1");
    lender_ = RawChannel(Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    char byte = 0;
    ASSERT_EQ(lender_.read(&byte, 1), 1U);
    ASSERT_EQ(lender_.received.size(), 1U);
    channel = RawChannel(std::move(lender_.received.front()));
    lender_.received.clear();
  }
  void online(const std::string& mark = "") {
    channel.line(mark + cluster(R"("act":"online","seq":0)"));
    expect("1 online");
  }
  void TearDown() override {
    channel.close();
    lender_.close();
    Wire::TearDown();
  }
  static std::string query(int port, int seq, const std::string& data = "null") {
    return cluster(R"("act":"queryServer","index":0,"data":)" + data + R"(,"address":"127.0.0.1","port":)" +
                   std::to_string(port) + R"(,"addressType":4,"flags":0,"backlog":0,"seq":)" +
                   std::to_string(seq));
  }
  /// The port of a first listener, in turn.
  uint16_t listen() {
    online();
    channel.line(query(0, 1, R"({"ticketKeys":"abc"})"));
    const std::string reply = next();
    const int there = std::atoi(reply.substr(reply.find(R"("port":)") + 7).c_str());
    EXPECT_EQ(reply,
              cluster(R"("errno":null,"key":"127.0.0.1:0:4:undefined:0","ack":1,"data":{"ticketKeys":"abc"},)"
                      R"("sockname":{"address":"127.0.0.1","family":"IPv4","port":)" +
                      std::to_string(there) + R"(},"seq":0)"));
    channel.line(cluster(R"("act":"listening","index":0,"data":null,"address":"127.0.0.1","port":)" +
                         std::to_string(there) + R"(,"addressType":4,"flags":0,"backlog":0,"seq":2)"));
    expect("1 listening 127.0.0.1:" + std::to_string(there));
    return static_cast<uint16_t>(there);
  }
  /// The next line hands over a connection: its number.
  std::string newconn() {
    const std::string line = next();
    const std::string begins =
        R"({"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","act":"newconn",)"
        R"("key":"127.0.0.1:0:4:undefined:0","seq":)";
    EXPECT_TRUE(line.starts_with(begins) && line.ends_with("}}")) << line;
    EXPECT_EQ(channel.received.size(), 1U);
    if (line.size() < begins.size() + 2) return "0";
    return line.substr(begins.size(), line.size() - begins.size() - 2);
  }

 private:
  RawChannel lender_;
  static inline int made = 0;
};
INSTANTIATE_TEST_SUITE_P(Of, PrimaryWire, testing::Values("Cpp", "Node"),
                         [](const auto& test) { return test.param; });

TEST_P(PrimaryWire, InTurn) {
  begin(ours() ? "round-robin" : "rr");
  const uint16_t there = listen();
  Client client(there);
  EXPECT_EQ(newconn(), "1");
  channel.line(ack);
  channel.line(cluster(R"("ack":1,"accepted":true,"seq":3)"));
  ASSERT_EQ(::write(channel.received.front().get(), "served", 6), 6);
  channel.received.clear();
  // Ours alone kept no copy: this is the end of the connection.
  EXPECT_EQ(client.rest(), "served");

  const Client refused(there);
  EXPECT_EQ(newconn(), "2");
  channel.received.clear();
  channel.line(ack);
  channel.line(cluster(R"("ack":2,"accepted":false,"seq":4)"));
  // There is nobody else.
  EXPECT_EQ(newconn(), "3");
  channel.line(ack);
  channel.line(cluster(R"("ack":3,"accepted":true,"seq":5)"));
  channel.received.clear();

  primary.say("leave 1");
  expect_line(cluster(R"("act":"disconnect","seq":4)"));
}

TEST_P(PrimaryWire, OfAListenerThatCannotBeOpened) {
  begin(ours() ? "round-robin" : "rr");
  online();
  const Fd taken = tcp_listener();
  const std::string there = std::to_string(port_of(taken.get()));
  channel.line(query(port_of(taken.get()), 1));
  expect_line(
      cluster(R"("errno":-98,"key":"127.0.0.1:)" + there + R"(:4:undefined","ack":1,"data":null,"seq":0)"));
}

TEST_P(PrimaryWire, OfAWorkerThatLeavesByItself) {
  begin(ours() ? "round-robin" : "rr");
  (void)listen();
  channel.line(cluster(R"("act":"close","key":"127.0.0.1:0:4:undefined:0","seq":3)"));
  channel.line(cluster(R"("act":"exitedAfterDisconnect","seq":4)"));
  expect_line(cluster(R"("ack":4,"seq":1)"));
  channel.close();
  expect("1 disconnect");
}

TEST_P(PrimaryWire, Shared) {
  begin(ours() ? "shared" : "none");
  online();
  channel.line(query(0, 1));
  expect_line(with_handle(
      "net.Native", cluster(R"("errno":0,"key":"127.0.0.1:0:4:undefined:0","ack":1,"data":null,"seq":0)")));
  EXPECT_EQ(channel.received.size(), 1U);
  channel.received.clear();
  channel.line(ack);
}

TEST_P(PrimaryWire, SharedUdp) {
  begin(ours() ? "round-robin" : "rr");
  online();
  channel.line(cluster(R"("act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":0,)"
                       R"("addressType":"udp4","fd":-1,"flags":0,"seq":1)"));
  const std::string line = next();
  EXPECT_TRUE(line.starts_with(
      R"({"cmd":"NODE_HANDLE","type":"dgram.Native","msg":{"cmd":"NODE_CLUSTER","errno":0,)"))
      << line;
  EXPECT_TRUE(line.ends_with(R"("ack":1,"data":null,"seq":0}})")) << line;
  EXPECT_EQ(channel.received.size(), 1U);
  channel.received.clear();
  channel.line(ack);
}

TEST_P(PrimaryWire, OfBunIsTakenForWhatItMeans) {
  if (!ours()) GTEST_SKIP() << "a primary of Node dies of it";
  begin("round-robin");
  online("\x02");
  // It listens by itself, and says so without a number.
  channel.line("\x02" + cluster(R"("act":"listening","index":0,"address":null,"port":4567,"addressType":4)"));
  expect("1 listening *:4567");
  channel.line(R"("and messages")");
  expect(R"(1 says "and messages")");
}

TEST_P(PrimaryWire, AHandleThatNobodyAskedForIsClosedAndReported) {
  if (!ours()) GTEST_SKIP() << "Node closes it at some garbage collection";
  begin("round-robin");
  online();
  const auto hand_over = [this](const std::string& message) {
    auto [near, far] = tcp_connection();
    say_with(with_handle("net.Native", message), near);
    near.reset();
    expect_line(ack);
    EXPECT_EQ(read_all(far.get()), "");
    EXPECT_NE(expect_rest("1 error: "), "");
  };
  hand_over(cluster(R"("act":"nonsense","seq":1)"));
  hand_over(cluster(R"("ack":77,"accepted":true,"seq":2)"));
  channel.line(R"("goes on")");
  expect(R"(1 says "goes on")");
}

}  // namespace
}  // namespace baton::test
