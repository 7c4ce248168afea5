// Baton as the parent: of a Node, and of echo_worker, which is to be no different; with either serialization.

#include <signal.h>
#include <sys/resource.h>

#include <deque>
#include <list>
#include <string>

#include "baton/baton.h"
#include "interop/advanced_table.h"
#include "interop/cpp_parent.h"
#include "interop/json_table.h"
#include "interop/raw_channel.h"
#include "interop/world.h"
#include "support/folder.h"

namespace baton::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Of, CppParent, testing::ValuesIn(all_pairs()),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(CppParent, GetsBackEveryKindOfJson) {
  const auto status = play([](Process&, ForkedChild& child) -> Task<> {
    for (const std::string& text : json_table()) {
      const Value value = wire::read_json(text).value();
      child.send(value);
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(to_json(message.value()), "{\"echo\":" + text + "}");
    }
    child.send(-0.0);
    const Message zero = (co_await child.next_message()).value();
    EXPECT_EQ(to_json(zero.value()), "{\"echo\":0}");
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, GetsBackWhatIsBigOrDeep) {
  Value deep = Value::array();
  for (int i = 1; i < 500; ++i) deep = Value::array(std::vector<Value>{std::move(deep)});
  Value wide = Value::array();
  for (int i = 0; i < 100000; ++i) wide.push_back(i / 3.0);
  const std::list<Value> all = {deep, wide, std::string(8 << 20, 'x')};
  const auto status = play([&](Process&, ForkedChild& child) -> Task<> {
    for (const Value& value : all) {
      child.send(value);
      const Message message = (co_await child.next_message()).value();
      EXPECT_TRUE(message.value()["echo"] == value);
    }
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, SeesTheOrderKeptAcrossHandles) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    {
      const auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
      for (int i = 0; i < 60; ++i) i % 3 == 0 ? child.send(i, server) : child.send(i);
    }
    for (int i = 0; i < 60; ++i) {
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.value(), i % 3 == 0 ? got("net.Server", i) : echo_of(i));
    }
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, SendsServersAndBareSockets) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    int port = 0;
    {
      const auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
      port = server.local().port();
      child.send("serve", server);
    }
    const Message first = (co_await child.next_message()).value();
    EXPECT_EQ(first.value(), got("net.Server", "serve"));
    EXPECT_EQ(ask(port), "served by " + std::to_string(child.pid()) + "\n");

    auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
    port = server.local().port();
    child.send("raw", net::Native(server.release()));
    const Message second = (co_await child.next_message()).value();
    EXPECT_EQ(second.value(), got("net.Native", "raw"));
    EXPECT_EQ(ask(port), "served by " + std::to_string(child.pid()) + "\n");
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, SendsUdpSockets) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    for (const bool bare : {false, true}) {
      auto socket = net::bind_udp(self.loop(), net::Endpoint("127.0.0.1", 0));
      const int port = socket.local().port();
      if (bare) {
        child.send("echo", net::Native(socket.release().value()));
      } else {
        child.send("echo", socket);
        socket.close();
      }
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.value(), got(bare ? "dgram.Native" : "dgram.Socket", "echo"));
      EXPECT_EQ(ask_udp(port, "hello"), "hello");
    }
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, SendsUdpSocketsOfIpv6) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    auto socket = net::bind_udp(self.loop(), net::Endpoint("::1", 0));
    const net::Endpoint there = socket.local();
    child.send("echo", socket);
    socket.close();
    const Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), got("dgram.Socket", "echo"));
    auto client = net::bind_udp(self.loop(), net::Endpoint("::1", 0));
    Promise<std::string> answered(self.loop());
    const auto note = [&](std::string_view bytes, const net::Endpoint& from) {
      EXPECT_EQ(from.to_string(), there.to_string());
      answered.resolve(std::string(bytes));
    };
    client.on_message(note);
    client.send("hello", there);
    const std::string heard = co_await answered.op();
    EXPECT_EQ(heard, "hello");
    client.close();
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, SendsServersAndConnectionsOfAPath) {
  const Folder folder;
  const std::string path = folder / "socket";
  const auto status = play([&](Process& self, ForkedChild& child) -> Task<> {
    auto server = net::listen(self.loop(), net::Endpoint::unix_path(path));
    child.send("serve", server);
    const Message first = (co_await child.next_message()).value();
    EXPECT_EQ(first.value(), got("net.Server", "serve"));
    EXPECT_EQ(Client(path).read_all(), "served by " + std::to_string(child.pid()) + "\n");

    // The child stands still, so it is this process that accepts.
    stop(child.pid());
    Promise<> accepted(self.loop());
    const auto take = [&](net::Socket socket) {
      child.send("take", std::move(socket));
      accepted.resolve({});
    };
    const Client client(path);
    server.on_connection(take);
    co_await accepted.op();
    server.close();
    go_on(child.pid());
    const Message second = (co_await child.next_message()).value();
    EXPECT_EQ(second.value(), got("net.Socket", "take"));
    EXPECT_EQ(client.read_all(), "handled by " + std::to_string(child.pid()) + "\n");
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, GetsUdpSockets) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    for (const std::string type : {"dgram.Socket", "dgram.Native"}) {
      child.send(Value::object().set("give", type));
      Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.handle_type(), type);
      net::UdpSocket socket;
      if (type == "dgram.Socket") {
        socket = message.take<net::UdpSocket>();
      } else {
        socket = net::UdpSocket::adopt(self.loop(), message.take<net::Native>().release()).value();
      }
      EXPECT_EQ(message.value()["port"], Value(socket.local().port()));
      Promise<std::string> received(self.loop());
      const auto note = [&](std::string_view bytes, const net::Endpoint&) {
        received.resolve(std::string(bytes));
      };
      // The child stands still, so it is this process that receives.
      stop(child.pid());
      tell_udp(socket.local().port(), "hello");
      socket.on_message(note);
      const std::string heard = co_await received.op();
      EXPECT_EQ(heard, "hello");
      go_on(child.pid());
    }
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, GetsBareSockets) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    child.send(Value::object().set("give", "net.Native"));
    Message message = (co_await child.next_message()).value();
    auto server = net::Server::adopt(self.loop(), message.take<net::Native>().release()).value();
    EXPECT_EQ(message.value()["port"], Value(server.local().port()));
    stop(child.pid());
    const Client client(server.local().port());
    Promise<> answered(self.loop());
    const auto answer = [&](net::Socket socket) {
      socket.end("served by the parent\n");
      answered.resolve({});
    };
    server.on_connection(answer);
    co_await answered.op();
    EXPECT_EQ(client.read_all(), "served by the parent\n");
    go_on(child.pid());
    server.close();
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, SendsAndGetsBoundSockets) {
  if (!GetParam().cpp_child && !node_has_bound_sockets())
    GTEST_SKIP() << "a Node before 26 cannot send a net.BoundSocket";
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    auto bound = net::bind(net::Endpoint("127.0.0.1", 0));
    const int port = bound.local().port();
    child.send("listen on it", std::move(bound));
    const Message first = (co_await child.next_message()).value();
    EXPECT_EQ(first.value(), got("net.BoundSocket", "listen on it"));
    EXPECT_EQ(ask(port), "served by " + std::to_string(child.pid()) + "\n");

    child.send(Value::object().set("give", "net.BoundSocket"));
    Message message = (co_await child.next_message()).value();
    auto server = net::listen(self.loop(), message.take<net::BoundSocket>());
    EXPECT_EQ(message.value()["port"], Value(server.local().port()));
    const Client client(server.local().port());
    Promise<> answered(self.loop());
    const auto answer = [&](net::Socket socket) {
      socket.end("served by the parent\n");
      answered.resolve({});
    };
    server.on_connection(answer);
    co_await answered.op();
    EXPECT_EQ(client.read_all(), "served by the parent\n");
    server.close();
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

/// A server, its one client, and the connection that it accepts.
struct OneClient {
  explicit OneClient(Loop& loop)
      : server(net::listen(loop, net::Endpoint("127.0.0.1", 0))),
        client(server.local().port()),
        accepted(loop) {
    server.on_connection([this](net::Socket socket) { accepted.resolve(std::move(socket)); });
  }
  OneClient(const OneClient&) = delete;
  OneClient& operator=(const OneClient&) = delete;

  net::Server server;
  const Client client;
  Promise<net::Socket> accepted;
};

TEST_P(CppParent, SendsAConnectionThatItKeeps) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    OneClient one(self.loop());
    auto socket = co_await one.accepted.op();
    socket.write("said by the parent\n");
    co_await socket.flushed();
    child.send("yours too", socket, SendOptions().keep_open());
    const Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), got("net.Socket", "yours too"));
    EXPECT_TRUE(socket);
    EXPECT_EQ(one.client.read_all(), "said by the parent\nhandled by " + std::to_string(child.pid()) + "\n");
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

// Node would lose them without a word; to a Baton they go along.
TEST_P(CppParent, KeepsBytesThatWereReadAheadFromANode) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    OneClient one(self.loop());
    auto socket = co_await one.accepted.op();
    socket.unread("read ahead");
    net::Native back;
    const auto keep = [&](net::Native handle, const Error& error) {
      EXPECT_EQ(error.code(), std::errc::not_supported);
      back = std::move(handle);
    };
    child.on_unsent(keep);
    const auto sent = child.send("take it", std::move(socket));
    EXPECT_EQ(sent.error() == nullptr, GetParam().cpp_child);
    child.on_error([](const Error&) {});
    child.send("next");
    if (GetParam().cpp_child) {
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.value(), got("net.Socket", "take it"));
    }
    const Message next = (co_await child.next_message()).value();
    EXPECT_EQ(next.value(), echo_of("next"));
    EXPECT_EQ(back.unread(), GetParam().cpp_child ? "" : "read ahead");
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, GetsServers) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    child.send(Value::object().set("give", "net.Server"));
    Message message = (co_await child.next_message()).value();
    auto server = message.take<net::Server>();
    EXPECT_EQ(message.value()["port"], Value(server.local().port()));
    Promise<> answered(self.loop());
    const auto answer = [&](net::Socket socket) {
      socket.end("served by the parent\n");
      answered.resolve({});
    };
    // The child stands still, so it is this process that accepts.
    stop(child.pid());
    const Client client(server.local().port());
    server.on_connection(answer);
    co_await answered.op();
    EXPECT_EQ(client.read_all(), "served by the parent\n");
    go_on(child.pid());
    server.close();
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, GetsConnections) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    child.send(Value::object().set("give", "net.Socket"));
    Message message = (co_await child.next_message()).value();
    auto socket = message.take<net::Socket>();
    EXPECT_EQ(message.value()["port"], Value(socket.local().port()));
    std::string answer;
    Promise<> closed(self.loop());
    const auto add = [&](std::string_view bytes) { answer += bytes; };
    const auto settle = [&] { closed.resolve({}); };
    socket.on_data(add);
    socket.on_close(settle);
    co_await closed.op();
    EXPECT_EQ(answer, "handled by " + std::to_string(child.pid()) + "\n");
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

/// A server whose connections all move to the child.
net::Server hand_over(Process& self, ForkedChild& child) {
  auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
  server.on_connection([&child](net::Socket socket) { child.send("take", std::move(socket)); });
  return server;
}

TEST_P(CppParent, CountsTheConnectionsThatTheChildHolds) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    auto server = hand_over(self, child);
    std::list<Client> clients;
    for (int i = 0; i < 3; ++i) clients.emplace_back(server.local().port());
    for (int i = 0; i < 3; ++i) {
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.value(), got("net.Socket", "take"));
    }
    for (const Client& client : clients) {
      EXPECT_EQ(client.read_all(), "handled by " + std::to_string(child.pid()) + "\n");
    }
    // Node's child ends a connection with its client; ours reads what may still come.
    EXPECT_EQ(co_await child.count_sockets(server), 3U);
    clients.pop_back();
    while (co_await child.count_sockets(server) != 2) {
    }
    bool closed = false;
    auto all_closed = child.sockets_closed(server);
    const auto note = [&](const Result<void>& result) { closed = result.has_value(); };
    std::move(all_closed).then(note);
    child.send("still there?");
    const Message echo = (co_await child.next_message()).value();
    EXPECT_EQ(echo.value(), echo_of("still there?"));
    EXPECT_FALSE(closed);
    clients.clear();
    co_await child.sockets_closed(server);
    EXPECT_TRUE(closed);
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, LosesNoneOfTwoHundredConnections) {
  const auto status = play([](Process& self, ForkedChild& child) -> Task<> {
    auto server = hand_over(self, child);
    std::list<Client> clients;
    for (int i = 0; i < 200; ++i) clients.emplace_back(server.local().port());
    for (int i = 0; i < 200; ++i) {
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.value(), got("net.Socket", "take"));
    }
    for (const Client& client : clients) {
      EXPECT_EQ(client.read_all(), "handled by " + std::to_string(child.pid()) + "\n");
    }
    clients.clear();
    co_await child.sockets_closed(server);
    server.close();
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, GetsTenThousandAnswersBeforeTheExit) {
  const auto status = play([](Process&, ForkedChild& child) -> Task<> {
    for (int i = 0; i < 10000; ++i) child.send(i);
    child.send("bye");
    for (int i = 0; i < 10000; ++i) {
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.value(), echo_of(i));
    }
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, TellsTheChildWhichDescriptorItsChannelIs) {
  const auto body = [](Process& self, ForkedChild& child) -> Task<> {
    const auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
    child.send("serve", server);
    const Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), got("net.Server", "serve"));
    child.send("bye");
  };
  auto spawn = SpawnOptions().stdio(Stdio::inherit()).stdio(3, Stdio::ignore()).stdio(4, Stdio::pipe());
  const auto how = ForkOptions().spawn(std::move(spawn)).channel_number(5);
  EXPECT_EQ(play(body, child_module(), how).code(), 0);
}

TEST_P(CppParent, Disconnects) {
  const auto status = play([](Process&, ForkedChild& child) -> Task<> {
    child.send("last");
    const Message message = (co_await child.next_message()).value();
    EXPECT_EQ(message.value(), echo_of("last"));
    child.disconnect();
    EXPECT_FALSE(child.connected());
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(CppParent, SeesAChildDieOfAnException) {
  const auto status = play([](Process&, ForkedChild& child) -> Task<> {
    child.send("throw");
    co_await child.disconnected();
    const ExitStatus ended = co_await child.exited();
    EXPECT_EQ(ended.code(), 1);
    // Node only prints it.
    EXPECT_EQ(child.uncaught(), GetParam().cpp_child ? "asked to" : "");
  });
  EXPECT_EQ(status.code(), 1);
}

/// The bytes of a message: NaN equals itself there, and 0 is not -0.
std::string bytes_of(const Value& value) {
  std::string bytes;
  EXPECT_TRUE(wire::write_advanced(value, bytes));
  return bytes;
}

class AdvancedCppParent : public CppParent {
 protected:
  static std::vector<std::pair<std::string, Value>> table() {
    return GetParam().cpp_child ? advanced_table() : advanced_table(node_version());
  }
};
INSTANTIATE_TEST_SUITE_P(Of, AdvancedCppParent,
                         testing::Values(Pair{true, Serialization::advanced},
                                         Pair{false, Serialization::advanced}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(AdvancedCppParent, GetsBackEveryKindOfValue) {
  const auto values = table();
  const auto status = play([&](Process&, ForkedChild& child) -> Task<> {
    for (const auto& [name, value] : values) {
      child.send(value);
      const Message message = (co_await child.next_message()).value();
      const Value expected = Value::object().set("echo", inside(value));
      EXPECT_EQ(bytes_of(message.value()), bytes_of(expected)) << name;
    }
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

TEST_P(AdvancedCppParent, SendsValuesWithHandles) {
  const auto values = table();
  const auto status = play([&](Process& self, ForkedChild& child) -> Task<> {
    const auto server = net::listen(self.loop(), net::Endpoint("127.0.0.1", 0));
    for (const auto& [name, value] : values) {
      child.send(value, server);
      const Message message = (co_await child.next_message()).value();
      const Value expected = Value::object().set("got", "net.Server").set("with", inside(value));
      EXPECT_EQ(bytes_of(message.value()), bytes_of(expected)) << name;
    }
    child.send("bye");
  });
  EXPECT_EQ(status.code(), 0);
}

// It takes a Node to judge.
class AdvancedNodeChild : public CppParent {};
INSTANTIATE_TEST_SUITE_P(Of, AdvancedNodeChild, testing::Values(Pair{false, Serialization::advanced}),
                         [](const auto& test) { return name_of(test.param); });

TEST_P(AdvancedNodeChild, UnderstandsWhatIsSaidAndIsUnderstood) {
  const auto values = advanced_table(node_version());
  const auto judged = [&](Process&, ForkedChild& child) -> Task<> {
    for (const auto& [name, value] : values) {
      child.send(Value::object().set("name", name).set("value", inside(value)));
      const Message message = (co_await child.next_message()).value();
      EXPECT_EQ(message.value()["same"], Value("yes")) << name;
      Value theirs = message.value()["value"];
      theirs.move_references(-1);
      EXPECT_EQ(bytes_of(theirs), bytes_of(value)) << name;
    }
    child.disconnect();
  };
  EXPECT_EQ(play(judged, source("tests/interop/advanced_judge.js")).code(), 0);
}

// Here the child has ended before anybody reads.
TEST(SilentChild, IsNotClosedBeforeWhatItWroteWasRead) {
  const Loop first;
  const LeakCheck check;
  std::string output;
  const auto parent = [&](Process& self) {
    ForkedChild& child = self.fork("/bin/echo", ForkOptions().args({"a word"}).silent());
    wait_until_ended(child.pid());
    child.process().stdout_stream().on_data([&](std::string_view bytes) { output += bytes; });
    child.on_close([&](const ExitStatus& status) {
      EXPECT_EQ(status.code(), 0);
      EXPECT_EQ(output, "a word\n");
      output = "closed";
    });
  };
  std::string name = "parent";
  char* arguments[] = {name.data(), nullptr};
  EXPECT_EQ(baton::run(1, arguments, {{"parent", parent}}), 0);
  EXPECT_EQ(output, "closed");
}

// What a Node sends when it was refused, by hand: the message wrapped twice. (A Node parent itself does so in
// node_parent_test.cc, where no sanitizer needs the descriptors.)
TEST(Retransmission, WrappedTwiceIsAnsweredOnce) {
  RawChannel channel;
  Program child({built("echo_worker")}, {"NODE_CHANNEL_FD=3"}, channel.theirs());
  channel.child_started();
  EXPECT_EQ(channel.line(), "{\"ready\":" + std::to_string(child.pid()) + "}\n");
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const Fd near(ends[0]);
  const Fd far(ends[1]);
  channel.write(
      R"({"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_HANDLE","type":"net.Socket","msg":"again"}})"
      "\n",
      far.get());
  channel.write("\"next\"\n");
  EXPECT_EQ(channel.line(), "{\"cmd\":\"NODE_HANDLE_ACK\"}\n");
  EXPECT_EQ(channel.line(), R"({"got":"net.Socket","with":"again"})"
                            "\n");
  EXPECT_EQ(channel.line(), R"({"echo":"next"})"
                            "\n");
  channel.write("\"bye\"\n");
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace baton::test
