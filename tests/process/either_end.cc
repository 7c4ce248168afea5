#include "process/either_end.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <tuple>

#include "baton/wire/advanced.h"
#include "baton/wire/json.h"

namespace baton::test {
namespace {

constexpr int most_probes = 200;

void require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// A name that no other test uses.
std::string unique_name() {
  static int count = 0;
  return "baton-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

Fd listen_on(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 2);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  require(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0, "bind");
  require(::listen(listener.get(), 1) == 0, "listen");
  const timeval patience{patience_seconds, 0};
  ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return listener;
}

}  // namespace

std::string framed(std::string_view json, Serialization serialization) {
  if (serialization == Serialization::json) return std::string(json) + "\n";
  const auto message = wire::read_json(json);
  std::string body;
  require(message && wire::write_advanced(*message, body), "a message of a test");
  return RawChannel::with_length(body);
}

std::optional<std::string> next_message(RawChannel& channel, Serialization serialization) {
  if (serialization == Serialization::json) return channel.next_line();
  const auto body = channel.next_frame();
  if (!body) return std::nullopt;
  const auto message = wire::read_advanced(*body);
  return message ? to_json(*message) : message.error().what();
}

ProcessTest::ProcessTest() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGPIPE, SIG_IGN);
}

ProcessTest::~ProcessTest() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

std::pair<Program, RawChannel> start_with_channel(const std::string& path,
                                                  const std::vector<std::string>& arguments,
                                                  Serialization serialization, int number) {
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  const Fd theirs(ends[0]);
  RawChannel ours{Fd(ends[1])};
  const auto options = StartOptions()
                           .descriptor(number, theirs.get())
                           .variable("NODE_CHANNEL_FD", std::to_string(number))
                           .variable("NODE_CHANNEL_SERIALIZATION_MODE",
                                     serialization == Serialization::advanced ? "advanced" : "json");
  return {Program(path, arguments, options), std::move(ours)};
}

void EitherEnd::SetUp() {
  if (ours_is_child()) {
    start_child();
  } else {
    start_parent();
  }
  say("\"hello\"");
  expect_delivered("\"hello\"");
  descriptors_ = ours.descriptors();
}

void EitherEnd::start_child() {
  std::tie(ours, channel) = start_with_channel(built("echo_worker"), {}, serialization());
  EXPECT_EQ(heard(), "{\"ready\":" + std::to_string(ours.pid()) + "}");
}

void EitherEnd::start_parent() {
  const std::string name = unique_name();
  const Fd listener = listen_on(name);
  ours = Program(built("echo_primary"),
                 {"--serialization", advanced() ? "advanced" : "json", built("peer"), "lend", name});
  lender_ = RawChannel(Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  char byte = 0;
  ASSERT_EQ(lender_.read(&byte, 1), 1U);
  ASSERT_EQ(lender_.received.size(), 1U);
  channel = RawChannel(std::move(lender_.received.front()));
  lender_.received.clear();
}

void EitherEnd::TearDown() {
  channel.close();
  lender_.close();
  EXPECT_EQ(ours.errors.rest(), std::vector<std::string>());
  if (!ours_is_child()) {
    EXPECT_EQ(ours.output.rest(), std::vector<std::string>{expected_exit_});
  }
  EXPECT_EQ(ours.end(), "exit 0");
  if (!sanitized()) {
    EXPECT_LT(ours.peak_memory(), most_memory_);
  }
}

void EitherEnd::expect_delivered(std::string_view json) {
  if (ours_is_child()) {
    EXPECT_EQ(heard(), "{\"echo\":" + std::string(json) + "}");
  } else {
    EXPECT_EQ(ours.output.next(), json);
  }
}

void EitherEnd::expect_handle(std::string_view type, std::string_view json) {
  EXPECT_EQ(heard(), "{\"cmd\":\"NODE_HANDLE_ACK\"}");
  if (ours_is_child()) {
    EXPECT_EQ(heard(), "{\"got\":\"" + std::string(type) + "\",\"with\":" + std::string(json) + "}");
  } else {
    EXPECT_EQ(ours.output.next(), json);
  }
}

void EitherEnd::expect_report(std::string_view text) {
  const auto line = ours.errors.next();
  ASSERT_TRUE(line) << "nothing was reported";
  EXPECT_TRUE(line->starts_with("baton: channel: ")) << *line;
  EXPECT_NE(line->find(text), std::string::npos) << *line;
}

void EitherEnd::expect_goes_on(size_t more) {
  std::vector<std::string> now;
  // What closes when a connection ends does so some turn of the loop later; each probe is a turn at least.
  for (int i = 0; i < most_probes; ++i) {
    ASSERT_TRUE(say("\"still there?\""));
    expect_delivered("\"still there?\"");
    if (HasFailure()) return;
    now = ours.descriptors();
    if (now.size() == descriptors_.size() + more) break;
  }
  EXPECT_EQ(now.size(), descriptors_.size() + more) << testing::PrintToString(now);
  EXPECT_TRUE(std::ranges::includes(now, descriptors_)) << testing::PrintToString(now);
}

void EitherEnd::expect_channel_ended() {
  EXPECT_EQ(heard(), std::nullopt);
  EXPECT_FALSE(channel.timed_out());
}

void EitherEnd::kill_lender() {
  lender_.write("k");
  expected_exit_ = R"({"exit":{"code":null,"signal":"SIGKILL"}})";
}

Fd regular_file() { return Fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)); }
Fd event_descriptor() { return Fd(::eventfd(0, EFD_CLOEXEC)); }
Fd udp_socket() {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(0);
  require(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  return socket;
}
Fd connect_to(uint16_t port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  require(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
          "connect");
  const timeval patience{patience_seconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return socket;
}
Fd bound_socket() {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(0);
  require(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  return socket;
}
Fd tcp_listener() {
  Fd listener = bound_socket();
  require(::listen(listener.get(), 16) == 0, "listen");
  return listener;
}
std::pair<Fd, Fd> tcp_connection() {
  const Fd listener = tcp_listener();
  Fd far = connect_to(port_of(listener.get()));
  Fd near(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  return {std::move(near), std::move(far)};
}
std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> bytes;
  ssize_t got = 0;
  while ((got = ::read(descriptor, bytes.data(), bytes.size())) > 0) {
    text.append(bytes.data(), static_cast<size_t>(got));
  }
  return got == 0 ? text : text + " (and then an error)";
}
std::string ask(uint16_t port) {
  const Fd socket = connect_to(port);
  return read_all(socket.get());
}
std::string ask_udp(uint16_t port, std::string_view text) {
  const Fd socket = udp_socket();
  const sockaddr_in address = loopback(port);
  require(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
          "connect");
  require(::send(socket.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()), "send");
  pollfd wanted{socket.get(), POLLIN, 0};
  std::array<char, 65536> bytes;
  if (::poll(&wanted, 1, 30000) != 1) return "(nothing)";
  const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
  return got < 0 ? "(an error)" : std::string(bytes.data(), static_cast<size_t>(got));
}
uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  require(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname");
  return ntohs(address.sin_port);
}

}  // namespace baton::test
