#include "interop/world.h"
#include "support/file_text.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "baton/base/fd.h"

namespace baton::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(30);

int milliseconds_until(Clock::time_point end) {
  return static_cast<int>(std::max<int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count()));
}

// True when the process, a child of ours, has ended.
bool wait_for_end(pid_t process) {
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (descriptor < 0) return false;
  pollfd wanted{descriptor, POLLIN, 0};
  const int ready = ::poll(&wanted, 1, milliseconds_until(Clock::now() + patience));
  ::close(descriptor);
  return ready == 1;
}

std::vector<pid_t> children_of_this_process() {
  std::istringstream list(text_of("/proc/self/task/" + std::to_string(::getpid()) + "/children"));
  return {std::istream_iterator<pid_t>(list), {}};
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::string source(const std::string& path) { return std::string(BATON_SOURCES) + "/" + path; }

bool eventually(const std::function<bool()>& condition) {
  for (const auto end = Clock::now() + patience; Clock::now() < end; ::sched_yield()) {
    if (condition()) return true;
  }
  return false;
}

// --- programs

Program::Program(std::vector<std::string> command, std::vector<std::string> variables, int pass) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  // Of two of one name some programs take the first and some the last.
  const auto is_set = [given = variables](std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    return std::ranges::any_of(given, [&](const std::string& other) { return other.starts_with(name); });
  };
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!is_set(*variable)) variables.emplace_back(*variable);
  }
  std::vector<char*> arguments, environment;
  for (auto& text : command) arguments.push_back(text.data());
  for (auto& text : variables) environment.push_back(text.data());
  arguments.push_back(nullptr);
  environment.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  if (pass >= 0) ::posix_spawn_file_actions_adddup2(&actions, pass, 3);
  const int error =
      ::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  output_ = ends[0];
  if (error != 0) {
    pid_ = -1;
    ADD_FAILURE() << command[0] << ": " << std::strerror(error);
  }
}

Program::~Program() {
  if (pid_ > 0 && status_ == -1) end(SIGKILL);
  ::close(output_);
}

bool Program::read_more() {
  pollfd wanted{output_, POLLIN, 0};
  char bytes[4096];
  if (::poll(&wanted, 1, milliseconds_until(Clock::now() + patience)) != 1) return false;
  const ssize_t got = ::read(output_, bytes, sizeof bytes);
  if (got <= 0) return false;
  partial_.append(bytes, static_cast<size_t>(got));
  for (size_t end = 0; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1)) {
    lines_.push_back(partial_.substr(0, end));
  }
  return true;
}

std::string Program::line(std::string_view beginning) {
  do {
    const auto found =
        std::ranges::find_if(lines_, [&](const std::string& line) { return line.starts_with(beginning); });
    if (found != lines_.end()) {
      std::string rest = found->substr(beginning.size());
      lines_.erase(found);
      return rest;
    }
  } while (read_more());
  std::string others;
  for (const auto& line : lines_) others += "\n  " + line;
  ADD_FAILURE() << "no line begins with '" << beginning << "', only:" << others;
  return {};
}

int Program::number(std::string_view beginning) { return number_at_end(line(beginning)); }

std::vector<std::string> Program::rest() {
  while (read_more()) {
  }
  return {lines_.begin(), lines_.end()};
}

int Program::end(int signal) {
  // Without a process there is nobody to signal: kill(2) would take -1 for everybody.
  if (status_ == -1 && pid_ > 0) ::kill(pid_, signal);
  return wait();
}

int Program::wait() {
  if (status_ != -1 || pid_ < 0) return status_;
  if (!wait_for_end(pid_)) {
    ADD_FAILURE() << "process " << pid_ << " does not end";
    ::kill(pid_, SIGKILL);
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  return status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// --- clients

Client::Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = loopback(port);
  connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}
Client::Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}
void Client::connect(const sockaddr* address, socklen_t size) {
  const timeval limit{std::chrono::seconds(patience).count(), 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(socket_, address, size) != 0) error_ = errno;
}
Client::~Client() { ::close(socket_); }

void Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void Client::finish() const { ::shutdown(socket_, SHUT_WR); }

std::string Client::read_all() const {
  std::string all;
  char bytes[4096];
  ssize_t got = 0;
  while ((got = ::recv(socket_, bytes, sizeof bytes, 0)) > 0) all.append(bytes, static_cast<size_t>(got));
  if (got < 0) all += errno == EAGAIN ? "(nothing came)" : "(reset)";
  return all;
}

std::string Client::read_until(std::string_view end) const {
  std::string all;
  char byte = 0;
  while (!all.ends_with(end) && ::recv(socket_, &byte, 1, 0) == 1) all += byte;
  return all;
}

std::string Client::read(std::size_t bytes) const {
  std::string all(bytes, '\0');
  const ssize_t got = bytes == 0 ? 0 : ::recv(socket_, all.data(), bytes, MSG_WAITALL);
  all.resize(static_cast<std::size_t>(got < 0 ? 0 : got));
  return all;
}

bool Client::has_answer() const {
  pollfd wanted{socket_, POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

std::string ask(int port) { return Client(port).read_all(); }

namespace {

Fd udp_client(int port, std::string_view text) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::send(socket.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    ADD_FAILURE() << "no datagram could be sent to port " << port;
  }
  return socket;
}

}  // namespace

void tell_udp(int port, std::string_view text) { const Fd socket = udp_client(port, text); }

std::string ask_udp(int port, std::string_view text) {
  const Fd socket = udp_client(port, text);
  pollfd wanted{socket.get(), POLLIN, 0};
  char answer[65536];
  const int ready = ::poll(&wanted, 1, milliseconds_until(Clock::now() + patience));
  const ssize_t got = ready == 1 ? ::recv(socket.get(), answer, sizeof answer, 0) : -1;
  return got < 0 ? "(nothing)" : std::string(answer, static_cast<size_t>(got));
}

// HTTP/1.0, so that the body comes as it is and then the end.
std::string http_get(int port, const std::string& path) {
  const Client client(port);
  client.send("GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n");
  return client.read_all();
}

int number_at_end(std::string_view text) {
  const size_t last = text.find_last_of("0123456789");
  if (last == std::string_view::npos) return -1;
  const size_t before = text.substr(0, last).find_last_not_of("0123456789");
  return std::stoi(std::string(text.substr(before == std::string_view::npos ? 0 : before + 1)));
}

// --- /proc

std::string listening_socket(int port) {
  char wanted[16];
  std::snprintf(wanted, sizeof wanted, ":%04X", static_cast<unsigned>(port));
  std::istringstream table(text_of("/proc/net/tcp"));
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    const std::vector<std::string> column{std::istream_iterator<std::string>(words), {}};
    if (column.size() > 9 && column[1].ends_with(wanted) && column[3] == "0A") {
      return "socket:[" + column[9] + "]";
    }
  }
  return {};
}

std::vector<int> numbers_of(pid_t process, const std::string& socket) {
  std::vector<int> numbers;
  std::error_code gone;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", gone)) {
    if (std::filesystem::read_symlink(entry.path(), gone) == socket) {
      numbers.push_back(std::stoi(entry.path().filename()));
    }
  }
  return numbers;
}

bool holds(pid_t process, const std::string& socket) { return !numbers_of(process, socket).empty(); }

double cpu_ms(pid_t process) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    ADD_FAILURE() << "process " << process << " has no clock";
  }
  return double(used.tv_sec) * 1e3 + double(used.tv_nsec) / 1e6;
}

void stop(pid_t process) {
  signal_one(process, SIGSTOP);
  EXPECT_TRUE(eventually([process] {
    const std::string state = text_of("/proc/" + std::to_string(process) + "/stat");
    const size_t name_end = state.rfind(')');
    return name_end != std::string::npos && state.substr(name_end, 4) == ") T ";
  })) << "process "
      << process << " does not stop";
}
void go_on(pid_t process) { signal_one(process, SIGCONT); }

// --- the fixture

std::string name_of(const Ends& ends) {
  return std::string(ends.cpp_parent ? "Cpp" : "Node") + "Parent" + (ends.cpp_child ? "Cpp" : "Node") +
         "Child";
}

const std::vector<Ends>& all_four() {
  static const std::vector<Ends> ends = {{true, true}, {true, false}, {false, true}, {false, false}};
  return ends;
}

const std::vector<std::string>& kinds_of_handles() {
  static const std::vector<std::string> kinds = {"net.Server",   "net.Socket",   "net.Native",
                                                 "dgram.Socket", "dgram.Native", "net.BoundSocket"};
  return kinds;
}

bool has_kind(const Ends& ends, const std::string& kind) {
  return kind != "net.BoundSocket" || (ends.cpp_parent && ends.cpp_child) || node_has_bound_sockets();
}

std::string ask_handle(const std::string& kind, int port) {
  if (kind.starts_with("dgram.")) return ask_udp(port, "who is there?");
  // Nobody listens on a bound socket until it has arrived.
  EXPECT_TRUE(eventually([port] { return !listening_socket(port).empty(); }));
  return ask(port);
}

World::World() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
World::~World() = default;

bool World::has_node() { return !node_program().empty(); }

Program& World::start(const Ends& ends, const std::string& example, std::vector<std::string> more,
                      const std::string& worker_of) {
  const std::string worker = worker_of.empty() ? example : worker_of;
  std::vector<std::string> command;
  if (ends.cpp_parent) {
    command = {built("notes_" + example + "_primary")};
  } else {
    command = {node_program(), source("examples/notes/" + example + "/primary.js")};
  }
  command.push_back(ends.cpp_child ? built("notes_" + worker + "_worker")
                                   : source("examples/notes/" + worker + "/worker.js"));
  command.insert(command.end(), more.begin(), more.end());
  return run(std::move(command));
}

namespace {

// A C++ end is the program itself, and a Node end a script of the folder of its name.
std::vector<std::string> with_ends(const Ends& ends, const std::string& example, const std::string& parent,
                                   const std::string& child, const std::vector<std::string>& arguments) {
  const std::string folder = source("examples/" + example + "/");
  std::vector<std::string> command =
      ends.cpp_parent ? std::vector{built(example)} : std::vector{node_program(), folder + parent + ".js"};
  command.push_back("--" + child);
  command.push_back(ends.cpp_child ? built(example) : folder + child + ".js");
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace

Program& World::start_proxy(const Ends& ends, const std::vector<std::string>& arguments) {
  return run(with_ends(ends, "proxy", "primary", "worker", arguments));
}

Program& World::start_heavy(const Ends& ends, const std::vector<std::string>& arguments) {
  return run(with_ends(ends, "heavy", "server", "child", arguments));
}

Program& World::run(std::vector<std::string> command, std::vector<std::string> variables, int pass) {
  return programs_.emplace_back(std::move(command), std::move(variables), pass);
}

void World::TearDown() {
  for (Program& each : programs_) {
    if (each.ended()) continue;
    const int status = each.end(SIGTERM);
    EXPECT_TRUE(status == 0 || HasFailure()) << "a program ended with " << status;
  }
  programs_.clear();
  // What outlived its parent has come to this process, and ends by itself because its channel has.
  for (auto left = children_of_this_process(); !left.empty(); left = children_of_this_process()) {
    for (const pid_t child : left) {
      if (!wait_for_end(child)) {
        ADD_FAILURE() << "process " << child
                      << " is left: " << text_of("/proc/" + std::to_string(child) + "/cmdline");
        ::kill(child, SIGKILL);
      }
      ::waitpid(child, nullptr, 0);
    }
  }
}

}  // namespace baton::test
