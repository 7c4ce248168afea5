#include "supervisor/port_table_linux.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/excerpt.h"
#include "net/unix_listeners.h"
#include "spawn/look_linux.h"
#include "spawn/patient_read_linux.h"
#include "spawn/proc_file_linux.h"
#include "spawn/process_table_linux.h"
#include "supervisor/worker_mark.h"

namespace baton::supervisor {
namespace {

using spawner::ProcessEntry;
using spawner::read_proc_file;

constexpr std::string_view listening_state = "0A";        // of /proc/net/tcp
constexpr std::string_view accepting_flags = "00010000";  // of /proc/net/unix
constexpr std::size_t longest_table = std::size_t{1} << 20;
constexpr std::size_t longest_command = 80;
constexpr std::chrono::milliseconds command_patience(200);
constexpr std::chrono::milliseconds holder_patience(2000);
constexpr std::size_t most_of_a_worker = 1024;  // of a worker and of its descendants, looked at at once
constexpr std::size_t most_of_all = 65536;      // of all processes, once in the life of a worker

std::string proc_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

std::optional<uint64_t> number_in(std::string_view text, int base) {
  uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

// The ports from which the kernel takes one for who asks for any.
std::pair<uint64_t, uint64_t> passing_ports() {
  std::pair<uint64_t, uint64_t> range{32768, 60999};
  const auto text = read_proc_file("/proc/sys/net/ipv4/ip_local_port_range");
  if (text) std::istringstream(*text) >> range.first >> range.second;
  return range;
}

// "0100007F:1F90": the address in words of the machine's order, the port as one reads it.
std::optional<net::Endpoint> endpoint_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const auto port = number_in(text.substr(colon + 1), 16);
  std::array<uint32_t, 4> words{};
  const std::size_t count = colon / 8;
  if (!port || *port > 65535 || (count != 1 && count != 4)) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const auto word = number_in(text.substr(8 * i, 8), 16);
    if (!word) return std::nullopt;
    words[i] = static_cast<uint32_t>(*word);
  }
  char digits[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(count == 1 ? AF_INET : AF_INET6, words.data(), digits, sizeof digits);
  return net::Endpoint(digits, static_cast<uint16_t>(*port));
}

void add_tcp(std::vector<ListeningPort>& all, const std::string& table) {
  const auto passing = passing_ports();
  std::istringstream lines(table);
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string number, local, remote, state, skipped, socket;
    fields >> number >> local >> remote >> state;
    if (state != listening_state) continue;
    for (int i = 0; i < 5; ++i) fields >> skipped;
    fields >> socket;
    const auto endpoint = endpoint_of(local);
    const auto inode = number_in(socket, 10);
    if (!endpoint || !inode) continue;
    const uint16_t port = endpoint->port();
    const bool loopback = endpoint->address() == "::1" || endpoint->address().starts_with("127.");
    all.push_back(
        {endpoint->to_string(), port, *inode, loopback, port < passing.first || port > passing.second});
  }
}

// A name that is no file is for the program's own use.
void add_path(std::vector<ListeningPort>& all, std::string_view path, uint64_t socket,
              const WantedPort& wanted) {
  if (!path.starts_with('/')) return;
  ListeningPort one{"unix:" + std::string(path), 0, socket, true, true};
  if (!wanted || wanted(one)) all.push_back(std::move(one));
}

// Whether it sees another network than this process does.
bool is_elsewhere(pid_t pid) {
  struct stat theirs{};
  struct stat ours{};
  return ::stat((proc_of(pid) + "/ns/net").c_str(), &theirs) == 0 &&
         ::stat("/proc/self/ns/net", &ours) == 0 &&
         (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev);
}

void add_unix(std::vector<ListeningPort>& all, pid_t pid, const WantedPort& wanted) {
  const std::size_t before = all.size();
  if (!is_elsewhere(pid) && net::each_unix_listener([&](uint64_t socket, std::string_view path) {
        add_path(all, path, socket, wanted);
      })) {
    return;
  }
  all.resize(before);
  // The line that shows another one to be forged may be in the rest.
  const auto text = read_proc_file(proc_of(pid) + "/net/unix", longest_table);
  if (!text || text->size() >= longest_table) return;
  for (ListeningPort& one : unix_ports_in(*text)) {
    if (!wanted || wanted(one)) all.push_back(std::move(one));
  }
}

// The numbers of the sockets that a process has open; each descriptor that is looked at is taken from `left`.
std::set<uint64_t> sockets_of(pid_t pid, std::size_t& left) {
  std::set<uint64_t> sockets;
  if (left == 0) return sockets;
  const std::string name = proc_of(pid) + "/fd";
  const std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })> folder(
      ::opendir(name.c_str()));
  if (!folder) return sockets;
  constexpr std::string_view mark = "socket:[";
  for (const dirent* entry = nullptr; left > 0 && (entry = ::readdir(folder.get())) != nullptr; --left) {
    std::array<char, 64> target{};
    const ssize_t size = ::readlinkat(::dirfd(folder.get()), entry->d_name, target.data(), target.size());
    if (size <= 0) continue;
    std::string_view text(target.data(), static_cast<std::size_t>(size));
    if (!text.starts_with(mark) || !text.ends_with(']')) continue;
    text.remove_prefix(mark.size());
    text.remove_suffix(1);
    if (const auto number = number_in(text, 10)) sockets.insert(*number);
  }
  return sockets;
}

// Nothing, if it does not let itself be looked at.
std::optional<std::string> command_of(pid_t pid) {
  auto command = spawner::read_patiently(proc_of(pid) + "/cmdline", longest_command, command_patience,
                                         {spawner::ReadFor::Purpose::holder, pid});
  if (!command) return std::nullopt;
  if (command->empty()) return "?";
  while (command->ends_with('\0')) command->pop_back();
  std::ranges::replace(*command, '\0', ' ');
  if (command->size() > longest_command) command->replace(longest_command, command->npos, "...");
  return *command;
}

// "812.3" is what the third worker of process 812 has in its environment.
std::string whose(const ProcessEntry& holder) {
  const auto mark =
      spawner::environment_value(holder, worker_mark, {spawner::ReadFor::Purpose::holder, holder.pid});
  if (!mark) return {};
  const auto number = number_in(mark->substr(0, mark->find('.')), 10);
  if (!number) return {};
  const auto baton = static_cast<pid_t>(*number);
  if (baton == ::getpid()) return ", a worker of this one";
  if (spawner::find_process(baton)) return ", a worker of the baton of pid " + std::to_string(baton);
  return ", left by a baton that has ended (pid " + std::to_string(baton) + "): `kill " +
         std::to_string(holder.pid) + "` frees it";
}

bool is_at(const ListeningPort& one, const net::Endpoint& taken) {
  if (taken.family() == -1) return one.address == taken.to_string();
  return one.port != 0 && one.port == taken.port();
}

// Empty if nobody is found.
std::string holder_of(const net::Endpoint& taken) {
  std::set<uint64_t> sockets;
  const auto wanted = [&taken](const ListeningPort& one) { return is_at(one, taken); };
  for (const ListeningPort& one : listening_ports(::getpid(), wanted)) sockets.insert(one.socket);
  auto table = spawner::all_processes();
  if (sockets.empty() || !table) return {};
  // Of several that share it, the one that was there last is told: a supervisor's worker, not the supervisor.
  std::ranges::reverse(*table);
  std::ranges::stable_sort(*table, std::greater(), &ProcessEntry::started);
  std::size_t left = most_of_all;
  const auto holds = [&](const ProcessEntry& process) {
    // Whoever has many is not to hide the others, and a listener is among the first ones.
    std::size_t of_it = std::min(left, most_of_a_worker);
    left -= of_it;
    const std::set<uint64_t> held = sockets_of(process.pid, of_it);
    left += of_it;
    return std::ranges::any_of(sockets, [&](uint64_t one) { return held.contains(one); });
  };
  const auto holder = std::ranges::find_if(*table, holds);
  if (holder == table->end()) return {};
  const std::string who = "held by process " + std::to_string(holder->pid);
  const auto command = command_of(holder->pid);
  return command ? who + " (" + excerpt(*command) + ")" + whose(*holder) : who + " (?)";
}

}  // namespace

std::vector<ListeningPort> listening_ports(pid_t pid, const WantedPort& wanted) {
  std::vector<ListeningPort> all;
  for (const char* table : {"/net/tcp", "/net/tcp6"}) {
    if (const auto text = read_proc_file(proc_of(pid) + table)) add_tcp(all, *text);
  }
  if (wanted) std::erase_if(all, std::not_fn(wanted));
  add_unix(all, pid, wanted);
  return all;
}

std::vector<ListeningPort> unix_ports_in(const std::string& table) {
  std::vector<ListeningPort> all;
  std::unordered_map<uint64_t, int> lines_of;
  std::istringstream lines(table);
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string number, references, protocol, flags, type, state, socket, path;
    fields >> number >> references >> protocol >> flags >> type >> state >> socket >> std::ws;
    std::getline(fields, path);
    const auto inode = number_in(socket, 10);
    if (!inode) continue;
    ++lines_of[*inode];
    if (flags == accepting_flags) add_path(all, path, *inode, nullptr);
  }
  std::erase_if(all, [&](const ListeningPort& one) { return lines_of.at(one.socket) > 1; });
  return all;
}

PortLook::PortLook() {
  std::size_t left = most_of_all;
  ours_ = sockets_of(::getpid(), left);
  if (auto all = spawner::all_processes()) processes_ = std::move(*all);
}

std::vector<ListeningPort> PortLook::own_ports_of(pid_t worker) const {
  std::size_t left = most_of_a_worker;
  std::set<uint64_t> theirs = sockets_of(worker, left);
  for (const ProcessEntry& one : spawner::tree_of(processes_, worker))
    theirs.merge(sockets_of(one.pid, left));
  std::erase_if(theirs, [&](uint64_t socket) { return ours_.contains(socket); });
  if (theirs.empty()) return {};
  std::vector<ListeningPort> ports =
      listening_ports(worker, [&theirs](const ListeningPort& one) { return theirs.contains(one.socket); });
  if (ports.size() > most_ports) ports.resize(most_ports);
  return ports;
}

std::string with_holder(const Error& error, const net::Endpoint& endpoint) {
  constexpr uint16_t first_for_all = 1024;
  if (error.code() == std::errc::permission_denied && error.step() == "bind" && endpoint.family() > 0 &&
      endpoint.port() < first_for_all) {
    return error.what() +
           std::string("; a port below 1024 takes root, CAP_NET_BIND_SERVICE, or a .socket unit of systemd");
  }
  if (error.code() != std::errc::address_in_use) return error.what();
  const std::string holder = holder_of(endpoint);
  return error.what() + (holder.empty() ? "" : "; " + holder);
}

std::string with_holder_in_time(const Error& error, const net::Endpoint& endpoint) {
  const auto text = std::make_shared<std::string>();
  const bool known = spawner::look_now(spawner::Lane::ports(), holder_patience,
                                       [=] { *text = with_holder(error, endpoint); });
  return known ? *text : error.what();
}

}  // namespace baton::supervisor
