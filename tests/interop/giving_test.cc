// What a child gives to a Baton parent: connections that it accepted, and keeps account of; either child,
// with either serialization. (node_parent_test.cc has the same with a Node parent.)

#include <list>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "interop/cpp_parent.h"
#include "support/folder.h"

namespace baton::test {
namespace {

class CppTaker : public CppParent {
 protected:
  static ExitStatus play(const std::function<Task<>(Process&, ForkedChild&)>& body) {
    return CppParent::play(body, child_module("giver"));
  }
};
INSTANTIATE_TEST_SUITE_P(Of, CppTaker, testing::ValuesIn(all_pairs()),
                         [](const auto& test) { return name_of(test.param); });

Value order(const char* what) { return Value::object().set("do", what); }
Value said(const char* name, const Value& value) { return Value::object().set(name, value); }
std::string by_the_parent() { return "handled by " + std::to_string(::getpid()) + "\n"; }

/// Takes a connection and answers on it; it is open until the client closes it.
void answer(std::list<net::Socket>& taken, Message message) {
  EXPECT_EQ(message.value(), Value("yours"));
  net::Socket& socket = taken.emplace_back(message.take<net::Socket>());
  socket.on_data([](std::string_view) {});
  socket.end(by_the_parent());
}

TEST_P(CppTaker, IsCountedByTheChildWhoseConnectionsItHolds) {
  const auto status = play([](Process&, ForkedChild& child) -> Task<> {
    child.send(order("listen"));
    const Message listening = (co_await child.next_message()).value();
    const int port = static_cast<int>(listening.value()["listening"].as_number());
    const std::vector<int> three(3, port);
    const std::list<Client> clients(three.begin(), three.end());
    std::list<net::Socket> taken;
    for (int i = 0; i < 3; ++i) answer(taken, (co_await child.next_message()).value());
    child.send(order("count"));
    const Message open = (co_await child.next_message()).value();
    EXPECT_EQ(open.value(), said("open", 3));
    for (const Client& client : clients) EXPECT_EQ(client.read_all(), by_the_parent());

    taken.pop_back();
    for (Value now; now != said("open", 2);) {
      child.send(order("count"));
      const Message message = (co_await child.next_message()).value();
      now = message.value();
    }
    child.send(order("close"));
    child.send(order("ping"));
    const Message pong = (co_await child.next_message()).value();
    EXPECT_EQ(pong.value(), said("pong", true));
    taken.clear();
    const Message closed = (co_await child.next_message()).value();
    EXPECT_EQ(closed.value(), said("closed", true));
    child.send(order("bye"));
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppTaker, LosesNoneOfTwoHundredConnections) {
  const auto status = play([](Process&, ForkedChild& child) -> Task<> {
    child.send(order("listen"));
    const Message listening = (co_await child.next_message()).value();
    const int port = static_cast<int>(listening.value()["listening"].as_number());
    const std::vector<int> many(200, port);
    const std::list<Client> clients(many.begin(), many.end());
    std::list<net::Socket> taken;
    for (int i = 0; i < 200; ++i) answer(taken, (co_await child.next_message()).value());
    for (const auto& socket : taken) EXPECT_TRUE(socket);
    child.send(order("count"));
    const Message open = (co_await child.next_message()).value();
    EXPECT_EQ(open.value(), said("open", 200));
    for (const Client& client : clients) EXPECT_EQ(client.read_all(), by_the_parent());
    child.send(order("close"));
    taken.clear();
    const Message closed = (co_await child.next_message()).value();
    EXPECT_EQ(closed.value(), said("closed", true));
    child.send(order("bye"));
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppTaker, SharesAConnectionThatTheChildKeeps) {
  const auto status = play([](Process&, ForkedChild& child) -> Task<> {
    child.send(order("listen").set("keep", true));
    const Message listening = (co_await child.next_message()).value();
    const Client client(static_cast<int>(listening.value()["listening"].as_number()));
    Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), Value("ours"));
    auto socket = message.take<net::Socket>();
    socket.on_data([](std::string_view) {});
    socket.end(by_the_parent());
    child.send(order("drop"));
    const Message kept = (co_await child.next_message()).value();
    EXPECT_EQ(kept.value(), said("open", 1));
    EXPECT_EQ(client.read_all(), "said by the child\n" + by_the_parent());
    child.send(order("bye"));
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppTaker, TakesConnectionsOfAPath) {
  const Folder folder;
  const std::string path = folder / "socket";
  const auto status = play([&](Process&, ForkedChild& child) -> Task<> {
    child.send(order("listen").set("path", path));
    const Message listening = (co_await child.next_message()).value();
    EXPECT_EQ(listening.value(), said("listening", path));
    const Client client(path);
    std::list<net::Socket> taken;
    answer(taken, (co_await child.next_message()).value());
    child.send(order("count"));
    const Message open = (co_await child.next_message()).value();
    EXPECT_EQ(open.value(), said("open", 1));
    EXPECT_EQ(client.read_all(), by_the_parent());
    child.send(order("close"));
    taken.clear();
    const Message closed = (co_await child.next_message()).value();
    EXPECT_EQ(closed.value(), said("closed", true));
    child.send(order("bye"));
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppTaker, TakesAServerOfAPath) {
  const Folder folder;
  const std::string path = folder / "socket";
  const auto status = play([&](Process& self, ForkedChild& child) -> Task<> {
    child.send(order("server").set("path", path));
    Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), said("given", path));
    auto server = message.take<net::Server>();
    // The child stands still, so it is this process that accepts.
    stop(child.pid());
    const Client client(path);
    Promise<> answered(self.loop());
    const auto greet = [&](net::Socket socket) {
      socket.end(by_the_parent());
      answered.resolve({});
    };
    server.on_connection(greet);
    co_await answered.op();
    EXPECT_EQ(client.read_all(), by_the_parent());
    go_on(child.pid());
    server.close();
    child.send(order("bye"));
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppTaker, TakesAUdpSocketOfIpv6) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    child.send(order("udp6"));
    Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.handle_type(), "dgram.Socket");
    auto socket = message.take<net::UdpSocket>();
    EXPECT_EQ(socket.local().address(), "::1");
    EXPECT_EQ(message.value(), said("given", socket.local().port()));
    // The child stands still, so it is this process that receives.
    stop(child.pid());
    auto client = net::bind_udp(self.loop(), net::Endpoint("::1", 0));
    client.send("hello", socket.local());
    Promise<std::string> received(self.loop());
    const auto note = [&](std::string_view bytes, const net::Endpoint&) {
      received.resolve(std::string(bytes));
    };
    socket.on_message(note);
    const std::string heard = co_await received.op();
    EXPECT_EQ(heard, "hello");
    go_on(child.pid());
    child.send(order("bye"));
  });
  EXPECT_EQ(status.code(), 0);
}

// Node has no words for what a child has read already.
class BatonsAtBothEnds : public CppTaker {};
INSTANTIATE_TEST_SUITE_P(Of, BatonsAtBothEnds,
                         testing::Values(Pair{true, Serialization::json},
                                         Pair{true, Serialization::advanced}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(BatonsAtBothEnds, TakeWithAConnectionWhatTheChildHasReadOfIt) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    child.send(order("listen").set("read", true));
    const Message listening = (co_await child.next_message()).value();
    const Client client(static_cast<int>(listening.value()["listening"].as_number()));
    client.send("read by the child, ");
    Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), Value("yours"));
    auto socket = message.take<net::Socket>();
    client.send("and by the parent");
    client.finish();
    std::string read;
    Promise<> ended(self.loop());
    const auto add = [&](std::string_view bytes) { read += bytes; };
    const auto settle = [&] { ended.resolve({}); };
    socket.on_data(add);
    socket.on_end(settle);
    co_await ended.op();
    EXPECT_EQ(read, "read by the child, and by the parent");
    socket.close();
    child.send(order("bye"));
  });
  EXPECT_EQ(status.code(), 0);
}

}  // namespace
}  // namespace baton::test
