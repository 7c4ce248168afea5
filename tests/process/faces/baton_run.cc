#include "process/faces/baton_run.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "baton/wire/json.h"

namespace baton::test {
namespace {

constexpr int patience = 30'000;  // ms

// The processes of this machine whose parent is this one.
std::vector<pid_t> children() {
  std::vector<pid_t> result;
  const std::string me = std::to_string(::getpid());
  std::ifstream list("/proc/self/task/" + me + "/children");
  for (pid_t pid = 0; list >> pid;) result.push_back(pid);
  return result;
}

std::string wait_for(Lines& lines, std::string_view words) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience);
  std::string all;
  while (std::chrono::steady_clock::now() < end) {
    auto line = lines.next();
    if (!line) break;
    if (line->contains(words)) return *line;
    all += *line + "\n";
  }
  ADD_FAILURE() << "it never said '" << words << "', but\n" << all;
  return {};
}

}  // namespace

Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Fd Place::try_to_connect() const {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (!path_.empty()) {
    auto& local = reinterpret_cast<sockaddr_un&>(address);
    local.sun_family = AF_UNIX;
    path_.copy(local.sun_path, sizeof local.sun_path - 1);
    size = sizeof local;
  } else if (six_) {
    auto& inet = reinterpret_cast<sockaddr_in6&>(address);
    inet.sin6_family = AF_INET6;
    inet.sin6_port = htons(port_);
    inet.sin6_addr = in6addr_loopback;
    size = sizeof inet;
  } else {
    auto& inet = reinterpret_cast<sockaddr_in&>(address);
    inet.sin_family = AF_INET;
    inet.sin_port = htons(port_);
    inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof inet;
  }
  Fd connection(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) connection.reset();
  return connection;
}

bool Place::is_open() const { return bool(try_to_connect()); }

Fd Place::connect() const {
  Fd connection = try_to_connect();
  if (!connection) ADD_FAILURE() << "connect " << path_ << port_ << ": " << std::strerror(errno);
  return connection;
}

void write_all(const Fd& connection, std::string_view bytes) {
  ASSERT_EQ(::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

std::string read_until(const Fd& connection, std::string_view last) {
  std::string text;
  while (last.empty() || !text.ends_with(last)) {
    pollfd waiting{connection.get(), POLLIN, 0};
    if (::poll(&waiting, 1, patience) <= 0) {
      ADD_FAILURE() << "nothing comes any more after: " << text;
      break;
    }
    char bytes[4096];
    const ssize_t count = ::read(connection.get(), bytes, sizeof bytes);
    if (count < 0) text += "(reset)";
    if (count <= 0) break;
    text.append(bytes, static_cast<size_t>(count));
  }
  return text;
}

std::string ask(const Place& place, const std::string& target, const std::string& method) {
  const Fd connection = place.connect();
  if (!connection) return {};
  write_all(connection,
            method + " " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  return read_until(connection);
}

std::string body_of(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

BatonRun::BatonRun() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::string pattern = "/tmp/baton_run-XXXXXX";
  folder = ::mkdtemp(pattern.data());
  ::mkdir((folder + "/run").c_str(), 0700);
}

BatonRun::~BatonRun() { std::filesystem::remove_all(folder); }

void BatonRun::TearDown() {
  program = Program();
  expect_nobody_left();
  EXPECT_TRUE(std::filesystem::is_empty(folder + "/run")) << "the preload is left";
}

void BatonRun::expect_nobody_left() {
  for (const pid_t pid : children()) {
    if (pid == program.pid()) continue;
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
    std::string command;
    std::getline(file, command);
    // Who has no command line has given its memory back and is about to be a zombie, which is what every
    // process is before this one, its new parent, has looked. The warden outlives `baton run` for the moment
    // it is there for.
    const bool ends = command.empty() || command.starts_with("/* baton:");
    if (::waitpid(pid, nullptr, ends ? 0 : WNOHANG) == pid) continue;
    std::ranges::replace(command, '\0', ' ');
    ADD_FAILURE() << "left behind: " << pid << " " << command;
    if (pid > 1) ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

std::string BatonRun::file(const std::string& name, std::string_view text, unsigned mode) const {
  std::string path = folder + "/" + name;
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
  return path;
}

std::string BatonRun::node_server(std::string_view before) const {
  return file("app.js", std::string(before) + R"(
const server = require('http').createServer((request, response) => {
  if (request.url === '/exit') process.exit(Number(process.env.CODE ?? 0));
  response.end(`${process.pid}\n`);
});
server.listen(0, '127.0.0.1');
)");
}

bool BatonRun::has(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null").c_str()) == 0;
}

void BatonRun::start(const Words& arguments, const StartOptions& options) {
  StartOptions all = options;
  all.variable("XDG_RUNTIME_DIR", folder + "/run");
  program = Program(built("baton"), Words{"run"} + always + arguments, all);
}

std::string BatonRun::start_listening(const Words& arguments, const StartOptions& options) {
  start(arguments, options);
  const std::string line = told("listening on ");
  const size_t begin = line.find(" on ") + 4;
  return line.substr(begin, line.find(" (") - begin);
}

std::string BatonRun::told(std::string_view words) { return wait_for(program.errors, words); }
std::string BatonRun::printed(std::string_view words) { return wait_for(program.output, words); }

std::string BatonRun::end() {
  std::string how = program.end();
  expect_nobody_left();
  return how;
}

std::string BatonRun::end(int signal) {
  program.signal(signal);
  return end();
}

std::string BatonRun::play(const Words& arguments, const StartOptions& options) {
  start(arguments, options);
  lines = program.errors.rest();
  return end();
}

uint16_t BatonRun::port_of(const std::string& address) {
  return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

Value BatonRun::status() const {
  auto value = wire::read_json(body_of(ask(Place(folder + "/admin"), "/status")));
  if (!value) {
    ADD_FAILURE() << value.error().what();
    return {};
  }
  return *std::move(value);
}

std::vector<pid_t> BatonRun::workers() const {
  std::vector<pid_t> pids;
  const Value now = status();
  for (const Value& worker : now["workers"].elements()) {
    if (worker["pid"].get_if_integer()) pids.push_back(static_cast<pid_t>(worker["pid"].as_integer()));
  }
  return pids;
}

}  // namespace baton::test
