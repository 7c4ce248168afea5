// What the notes ask, each question a test of its name. docs/questions.md has the answers in words.

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>

#include "baton/baton.h"
#include "interop/raw_channel.h"
#include "interop/world.h"
#include "support/file_text.h"

namespace baton::test {
namespace {

class Questions : public World, public testing::WithParamInterface<Ends> {
 protected:
  void SetUp() override {
    if (!(GetParam().cpp_parent && GetParam().cpp_child) && !has_node()) GTEST_SKIP() << "there is no Node";
  }
  Program& start(const std::string& example, std::vector<std::string> more = {"0", "2"},
                 const std::string& worker_of = {}) {
    return World::start(GetParam(), example, std::move(more), worker_of);
  }
};
INSTANTIATE_TEST_SUITE_P(AllFour, Questions, testing::ValuesIn(all_four()),
                         [](const auto& test) { return name_of(test.param); });

/// Those where the other end is the test itself.
class QuestionsToOneEnd : public World, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    if (!GetParam() && !has_node()) GTEST_SKIP() << "there is no Node";
  }
  /// A child of this test, which is its parent without any library.
  Program& start_child(RawChannel& channel, const std::string& cpp, const std::string& javascript) {
    Program& child =
        run(GetParam() ? std::vector{built(cpp)} : std::vector{node_program(), source(javascript)},
            {"NODE_CHANNEL_FD=3", "NODE_CHANNEL_SERIALIZATION_MODE=json"}, channel.theirs());
    channel.child_started();
    return child;
  }
};
INSTANTIATE_TEST_SUITE_P(Both, QuestionsToOneEnd, testing::Bool(),
                         [](const auto& test) { return test.param ? "Cpp" : "Node"; });

// How are exceptions of the one thread caught?
TEST_P(Questions, single_thread_exceptions) {
  Program& primary = start("exceptions");
  const int port = primary.number("listening on port ");
  const std::set<int> workers = {primary.number("worker "), primary.number("worker ")};
  (void)http_get(port, "/throw");
  const std::string report = primary.line("worker ");
  EXPECT_TRUE(report.ends_with(" died of: asked to")) << report;
  const int replacement = primary.number("worker ");
  EXPECT_FALSE(workers.contains(replacement));
  std::set<int> answered;
  for (int i = 0; i < 4; ++i) answered.insert(number_at_end(http_get(port, "/")));
  EXPECT_TRUE(answered.contains(replacement));
  EXPECT_EQ(answered.size(), 2U);
}

// How does such a process use every core?
TEST_P(Questions, all_cores) {
  Program& primary = start("random_port", {"0"});
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  const auto cores = static_cast<size_t>(CPU_COUNT(&allowed));
  std::set<int> workers;
  // A quota may allow fewer than there are cores; which version of Node looks at it differs.
  const size_t expected = GetParam().cpp_parent ? available_parallelism() : 1;
  while (workers.size() < expected) {
    const std::string line = primary.line("worker ");
    ASSERT_FALSE(line.empty());
    workers.insert(std::stoi(line));
    EXPECT_EQ(number_at_end(http_get(number_at_end(line), "/")), std::stoi(line));
  }
  EXPECT_EQ(primary.end(SIGTERM), 0);
  for (const std::string& line : primary.rest()) {
    if (line.starts_with("worker ")) workers.insert(std::stoi(line.substr(7)));
  }
  EXPECT_GE(workers.size(), expected);
  EXPECT_LE(workers.size(), cores);
}

// What is the channel made of?
TEST_P(Questions, what_is_the_channel_made_of) {
  Program& primary = start("messages");
  const std::string process = "/proc/" + std::to_string(primary.number("worker "));
  EXPECT_EQ(primary.line("got message: "), R"({"name":"worker"})");
  // Its number was told through the environment that the child was executed with: it was there before the
  // child.
  const std::string environment = text_of(process + "/environ");
  const size_t variable = environment.find("NODE_CHANNEL_FD=");
  ASSERT_NE(variable, std::string::npos);
  const std::string number(environment.c_str() + variable + std::strlen("NODE_CHANNEL_FD="));
  const std::string channel = std::filesystem::read_symlink(process + "/fd/" + number);
  // And it is a Unix-domain socket, a stream, with no name that anybody could connect to.
  ASSERT_TRUE(channel.starts_with("socket:["));
  const std::string inode = channel.substr(8, channel.size() - 9);
  std::istringstream table(text_of("/proc/net/unix"));
  bool found = false;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    const std::vector<std::string> column{std::istream_iterator<std::string>(words), {}};
    if (column.size() < 7 || column[6] != inode) continue;
    found = true;
    EXPECT_EQ(column[4], "0001");
    EXPECT_EQ(column.size(), 7U);
  }
  EXPECT_TRUE(found);
}

// How do many processes listen on one port?
TEST_P(Questions, many_processes_one_port) {
  Program& primary = start("tcp");
  const int port = primary.number("listening on port ");
  const std::string socket = listening_socket(port);
  ASSERT_FALSE(socket.empty());
  // There is one socket in the kernel, and every worker has a descriptor of it, whatever the number.
  for (int i = 0; i < 2; ++i) {
    const pid_t worker = primary.number("worker ");
    EXPECT_TRUE(eventually([&] { return holds(worker, socket); }));
  }
  // Who opens a socket of his own for that port is refused, whatever its number.
  const Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(other.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), -1);
  EXPECT_EQ(errno, EADDRINUSE);
}

// When the parent closes its server, does that harm those it has sent?
TEST_P(Questions, closing_the_parents_server) {
  Program& primary = start("tcp");
  const int port = primary.number("listening on port ");
  const std::string socket = listening_socket(port);
  const std::set<int> workers = {primary.number("worker "), primary.number("worker ")};
  EXPECT_TRUE(eventually([&] { return !holds(primary.pid(), socket); }));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(workers.contains(number_at_end(ask(port))));
}

// What has the parent's server to do with the child's, and those of the children with each other?
TEST_P(Questions, parents_and_childs_server_related) {
  Program& primary = start("tcp");
  const int port = primary.number("listening on port ");
  const std::string socket = listening_socket(port);
  const pid_t one = primary.number("worker ");
  const pid_t other = primary.number("worker ");
  EXPECT_TRUE(eventually([&] { return holds(one, socket) && holds(other, socket); }));
  // One object less, and the socket is still there for the other.
  signal_one(one, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !holds(one, socket); }));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(number_at_end(ask(port)), other);
  // With the last one the kernel lets go of the port.
  signal_one(other, SIGKILL);
  EXPECT_TRUE(eventually([&] { return Client(port).error() == ECONNREFUSED; }));
  // Nothing is left for the primary either.
  EXPECT_EQ(primary.wait(), 0);
}

// Is the parent's server still there when it has been sent?
TEST_P(Questions, does_the_parents_server_still_exist) {
  Program& primary = start("both_answer", {"0"}, "tcp");
  const int port = primary.number("listening on port ");
  const pid_t worker = primary.number("worker ");
  const std::string socket = listening_socket(port);
  EXPECT_TRUE(eventually([&] { return holds(worker, socket); }));
  EXPECT_TRUE(holds(primary.pid(), socket));
  signal_one(worker, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !holds(worker, socket); }));
  EXPECT_EQ(ask(port), "parent, pid " + std::to_string(primary.pid()) + "\n");
}

// Is the handle serialized with the message?
TEST_P(QuestionsToOneEnd, is_the_handle_serialized) {
  RawChannel channel;
  Program& child = start_child(channel, "echo_worker", "tests/interop/echo_worker.js");
  EXPECT_EQ(channel.line(), "{\"ready\":" + std::to_string(child.pid()) + "}\n");
  channel.write("{\"give\":\"net.Server\"}\n");
  // The text is all of the message, and nothing in it is the handle: the descriptor came beside it.
  const std::string line = channel.line();
  const int port = number_at_end(line);
  EXPECT_EQ(line, R"({"cmd":"NODE_HANDLE","type":"net.Server","msg":{"given":"net.Server","port":)" +
                      std::to_string(port) + "}}\n");
  ASSERT_TRUE(channel.descriptor());
  EXPECT_EQ(descriptor_kind(channel.descriptor().get()), DescriptorKind::tcp_listener);
  channel.write("{\"cmd\":\"NODE_HANDLE_ACK\"}\n");
  EXPECT_EQ(ask(port), "served by " + std::to_string(child.pid()) + "\n");
  channel.write("\"bye\"\n");
  EXPECT_EQ(child.wait(), 0);
}

// Is `msg` the descriptor?
TEST_P(QuestionsToOneEnd, is_msg_the_descriptor) {
  RawChannel channel;
  Program& child = start_child(channel, "echo_worker", "tests/interop/echo_worker.js");
  EXPECT_EQ(channel.line(), "{\"ready\":" + std::to_string(child.pid()) + "}\n");
  channel.write("{\"give\":\"net.Server\"}\n");
  const std::string line = channel.line();
  const auto message = wire::read_json(line);
  ASSERT_TRUE(message);
  EXPECT_EQ((*message)["cmd"], Value("NODE_HANDLE"));
  EXPECT_EQ((*message)["type"], Value("net.Server"));
  // It is what the program sent, as it sent it. And the number of the descriptor is each process's own.
  const Value& msg = (*message)["msg"];
  EXPECT_EQ(msg["given"], Value("net.Server"));
  const std::string socket = listening_socket(static_cast<int>(msg["port"].as_integer()));
  EXPECT_EQ(numbers_of(::getpid(), socket), std::vector{channel.descriptor().get()});
  EXPECT_TRUE(holds(child.pid(), socket));
  channel.write("{\"cmd\":\"NODE_HANDLE_ACK\"}\n\"bye\"\n");
  EXPECT_EQ(child.wait(), 0);
}

/// What comes on a socket up to its end.
std::string all_of(const Fd& socket) {
  std::string all;
  char bytes[256];
  pollfd wanted{socket.get(), POLLIN, 0};
  while (::poll(&wanted, 1, 30000) == 1) {
    const ssize_t got = ::recv(socket.get(), bytes, sizeof bytes, 0);
    if (got <= 0) break;
    all.append(bytes, static_cast<size_t>(got));
  }
  return all;
}

// Does what was read of a connection go along with it? The parent of this test is no Baton.
TEST_P(QuestionsToOneEnd, buffered_data_does_not_travel) {
  RawChannel channel;
  Program& child = start_child(channel, "giver", "tests/interop/giver.js");
  EXPECT_EQ(channel.line(), "{\"ready\":" + std::to_string(child.pid()) + "}\n");
  channel.write("{\"do\":\"listen\",\"read\":true}\n");
  const Client client(number_at_end(channel.line()));
  client.send("read by the child, ");
  const std::string line = channel.line();
  if (GetParam()) {
    // These bytes have no place on a channel of Node: Baton refuses, and nothing is lost.
    EXPECT_EQ(line, "{\"back\":\"read by the child, \"}\n");
    EXPECT_FALSE(channel.descriptor());
  } else {
    // Node sends the connection without them, and nobody is told.
    ASSERT_TRUE(channel.descriptor()) << line;
    const auto name = "/proc/self/fd/" + std::to_string(channel.descriptor().get());
    const std::string connection = std::filesystem::read_symlink(name);
    channel.write("{\"cmd\":\"NODE_HANDLE_ACK\"}\n");
    EXPECT_TRUE(eventually([&] { return !holds(child.pid(), connection); }));
    client.send("and by the parent");
    client.finish();
    EXPECT_EQ(all_of(channel.descriptor()), "and by the parent");
  }
  channel.write("{\"do\":\"bye\"}\n");
  EXPECT_EQ(child.wait(), 0);
}

using Kind = std::tuple<Ends, std::string>;

std::string name_of_kind(const testing::TestParamInfo<Kind>& test) {
  // "net.Server" is NetServer.
  std::string kind = std::get<std::string>(test.param);
  kind[0] = static_cast<char>(std::toupper(kind[0]));
  std::erase(kind, '.');
  return name_of(std::get<Ends>(test.param)) + kind;
}

class QuestionsAboutKinds : public World, public testing::WithParamInterface<Kind> {};
INSTANTIATE_TEST_SUITE_P(AllFour, QuestionsAboutKinds,
                         testing::Combine(testing::ValuesIn(all_four()),
                                          testing::ValuesIn(kinds_of_handles())),
                         name_of_kind);

// Which objects can be sent?
TEST_P(QuestionsAboutKinds, which_objects_can_be_sent) {
  const auto& [ends, kind] = GetParam();
  if (!(ends.cpp_parent && ends.cpp_child) && !has_node()) GTEST_SKIP() << "there is no Node";
  if (!has_kind(ends, kind)) GTEST_SKIP() << "a Node before 26 cannot send a net.BoundSocket";
  Program& primary = start(ends, "handles");
  const std::string answer = ask_handle(kind, primary.number(kind + " on port "));
  EXPECT_TRUE(answer.starts_with(kind + " in ")) << answer;
  EXPECT_NE(number_at_end(answer), primary.pid());
}

// May parent and child both answer?
TEST_P(Questions, may_parent_and_child_both_answer) {
  Program& primary = start("both_answer", {"0"}, "tcp");
  const int port = primary.number("listening on port ");
  const pid_t worker = primary.number("worker ");
  EXPECT_TRUE(eventually([&] { return holds(worker, listening_socket(port)); }));
  // Which of them is first is the kernel's matter; so one is stopped and then the other.
  stop(worker);
  EXPECT_EQ(ask(port), "parent, pid " + std::to_string(primary.pid()) + "\n");
  go_on(worker);
  stop(primary.pid());
  EXPECT_EQ(ask(port), "child, pid " + std::to_string(worker) + "\n");
  go_on(primary.pid());
}

// Why does only one process get the connection?
TEST_P(Questions, why_only_one_callback) {
  Program& primary = start("tcp");
  const int port = primary.number("listening on port ");
  const pid_t one = primary.number("worker ");
  const pid_t other = primary.number("worker ");
  const std::string socket = listening_socket(port);
  EXPECT_TRUE(eventually([&] { return holds(one, socket) && holds(other, socket); }));
  // accept() takes a connection out of the one queue of the one socket: never two answers, never none.
  std::list<Client> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(port);
  for (const Client& client : clients) {
    const std::string answer = client.read_all();
    EXPECT_EQ(answer, "child, pid " + std::to_string(number_at_end(answer)) + "\n");
  }
  // Who does not come to fetch it leaves it to the other.
  stop(one);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(number_at_end(ask(port)), other);
  go_on(one);
}

// Can only children that are Node join the channel? The parameter is the parent; the child is a shell script.
TEST_P(QuestionsToOneEnd, only_node_children_can_join) {
  const std::string worker = source("examples/notes/messages/worker.sh");
  Program& primary =
      run(GetParam() ? std::vector{built("notes_messages_primary"), worker}
                     : std::vector{node_program(), source("examples/notes/messages/primary.js"), worker});
  EXPECT_EQ(primary.line("got message: "), R"({"name":"worker"})");
  for (const std::string message : {R"("some msg")", "42", "true", "null", R"([1,"two",[3.5]])"}) {
    EXPECT_EQ(primary.line("child process got msg: "), message);
    EXPECT_EQ(primary.line("got message: "), "{\"you_said\":" + message + "}");
  }
}

/// The example `proxy`.
class QuestionsAboutProxies : public Questions {
 protected:
  Program& start(std::vector<std::string> more) {
    more.insert(more.begin(), {"--workers", "2", "--port", "0"});
    return start_proxy(GetParam(), more);
  }
  static std::string posted(const std::string& body) {
    return "POST / HTTP/1.0\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  /// Opens connections that were answered once and stay open; how many more descriptors the primary has then.
  static int64_t descriptors_of(const Program& primary, int port, std::list<Client>& clients) {
    const int64_t before = descriptors_of(primary);
    for (int i = 0; i < 10; ++i) {
      const Client& client = clients.emplace_back(port);
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
    }
    return descriptors_of(primary) - before;
  }
  static int64_t descriptors_of(const Program& primary) {
    const std::filesystem::directory_iterator open("/proc/" + std::to_string(primary.pid()) + "/fd");
    return std::distance(begin(open), end(open));
  }
  /// What the primary uses of the CPU until a body has been there and back.
  static double cpu_of_echo(const Program& primary, int port, const std::string& body) {
    const double before = cpu_ms(primary.pid());
    const Client client(port);
    std::thread writer([&] { client.send(posted(body)); });
    EXPECT_TRUE(client.read_all().ends_with("\r\n\r\n" + body));
    writer.join();
    return cpu_ms(primary.pid()) - before;
  }
};
INSTANTIATE_TEST_SUITE_P(AllFour, QuestionsAboutProxies, testing::ValuesIn(all_four()),
                         [](const auto& test) { return name_of(test.param); });

// How does one proxy serve several ports?
TEST_P(QuestionsAboutProxies, one_proxy_many_ports) {
  Program& primary = start({"--port", "0", "--port", "0"});
  const std::set<int> workers = {std::stoi(primary.line("worker ")), std::stoi(primary.line("worker "))};
  std::set<int> ports;
  for (int i = 0; i < 3; ++i) ports.insert(primary.number("listening on port "));
  EXPECT_EQ(ports.size(), 3U);
  // One process listens on all of them, and behind each are the same workers, in turn.
  for (const int port : ports) {
    EXPECT_TRUE(holds(primary.pid(), listening_socket(port)));
    EXPECT_EQ((std::set{number_at_end(http_get(port, "/")), number_at_end(http_get(port, "/"))}), workers);
  }
}

// Why does a proxy waste descriptors?
TEST_P(QuestionsAboutProxies, why_a_proxy_wastes_descriptors) {
  std::list<Client> clients;
  std::string body(size_t{16} << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761U >> 13);
  // Of a connection that is carried the primary has two ends, the client's and the one to the worker.
  Program& carrying = start({});
  const int carried_port = carrying.number("listening on port ");
  EXPECT_EQ(descriptors_of(carrying, carried_port, clients), 20);
  // Of one that is handed over it keeps none, once the worker has said that it came.
  Program& handing = start({"--hand-over"});
  const int handed_port = handing.number("listening on port ");
  const int64_t before = descriptors_of(handing);
  descriptors_of(handing, handed_port, clients);
  EXPECT_TRUE(eventually([&] { return descriptors_of(handing) == before; }));
  // And every byte passes through it, twice.
  const double carried_cpu = cpu_of_echo(carrying, carried_port, body);
  const double handed_cpu = cpu_of_echo(handing, handed_port, body);
  std::printf("CPU of the primary: %.1f ms, handing over %.1f ms\n", carried_cpu, handed_cpu);
  EXPECT_GT(carried_cpu, handed_cpu);
  clients.clear();
}

/// What a child costs that has got and answered six messages of its parent, which is the parameter.
class QuestionsAboutCost : public World, public testing::WithParamInterface<bool> {
 protected:
  struct Cost {
    double cpu_ms;
    double memory_mib;
  };
  Cost of(bool cpp_child) {
    Program& primary = start(Ends{GetParam(), cpp_child}, "messages");
    const pid_t child = primary.number("worker ");
    for (int i = 0; i < 7; ++i) primary.line("got message: ");
    const Cost cost{cpu_ms(child), written_by(child)};
    std::printf("%s, its child %s: %.1f ms of CPU, %.1f MiB written\n", GetParam() ? "C++" : "Node",
                cpp_child ? "C++" : "Node", cost.cpu_ms, cost.memory_mib);
    return cost;
  }

 private:
  static double written_by(pid_t process) {
    std::istringstream map(text_of("/proc/" + std::to_string(process) + "/smaps_rollup"));
    for (std::string line; std::getline(map, line);) {
      // Neither Private_Clean nor Private_Dirty: pages of the program's file are among those, depending on
      // who else runs it and whether it is on the disk yet.
      if (line.starts_with("Anonymous:")) return std::stod(line.substr(line.find(':') + 1)) / 1024;
    }
    ADD_FAILURE() << "process " << process << " has no memory";
    return 0;
  }
};
INSTANTIATE_TEST_SUITE_P(Both, QuestionsAboutCost, testing::Bool(),
                         [](const auto& test) { return test.param ? "CppParent" : "NodeParent"; });

// Does a fork cost at least 30 ms and 10 MB?
TEST_P(QuestionsAboutCost, thirty_ms_and_ten_mb) {
  if (sanitized()) GTEST_SKIP() << "the figures would be the sanitizer's";
  if (!has_node()) GTEST_SKIP() << "there is no Node";
  const Cost node = of(false);
  const Cost cpp = of(true);
  EXPECT_LT(cpp.memory_mib, node.memory_mib / 10);
  EXPECT_LT(cpp.cpu_ms, node.cpu_ms / 3);
}

}  // namespace
}  // namespace baton::test
