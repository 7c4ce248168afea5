#include "spawn/process_table_linux.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_set>

#include "baton/base/fd.h"
#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"
#include "spawn/proc_file_linux.h"

namespace baton::spawner {
namespace {

constexpr int deepest_family = 256;
// A tree that forks faster than it is looked at is left to the next look.
constexpr int most_rounds = 16;

template <class Visit>
void for_each_number_in(const char* folder_name, Visit visit) {
  const std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })> folder(
      ::opendir(folder_name));
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) visit(number);
  }
}

// Of each thread, as the kernel keeps them. False: this kernel does not tell.
bool read_children(std::vector<pid_t>& children) {
  bool told = false;
  for_each_number_in("/proc/self/task", [&](pid_t thread) {
    const auto text = read_proc_file("/proc/self/task/" + std::to_string(thread) + "/children");
    if (!text) return;
    told = true;
    const char* at = text->data();
    const char* const end = at + text->size();
    while (at != end) {
      pid_t pid = 0;
      const auto parsed = std::from_chars(at, end, pid);
      if (parsed.ec != std::errc()) return;
      children.push_back(pid);
      at = parsed.ptr;
      while (at != end && *at == ' ') ++at;
    }
  });
  return told;
}

}  // namespace

std::optional<ProcessEntry> parse_stat(std::string_view stat) {
  // The name stands in parentheses and may contain anything, parentheses too.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  ProcessEntry entry;
  if (std::from_chars(stat.data(), stat.data() + stat.size(), entry.pid).ec != std::errc())
    return std::nullopt;
  const StatFields fields(stat);
  const auto parent = fields.number(4);
  const auto session = fields.number(6);
  const auto started = fields.number(22);
  if (!parent || !session || !started) return std::nullopt;
  entry.state = fields.text(3).front();
  entry.parent = static_cast<pid_t>(*parent);
  entry.session = static_cast<pid_t>(*session);
  entry.started = *started;
  return entry;
}

std::optional<ProcessEntry> find_process(pid_t pid) {
  const auto stat = read_proc_file("/proc/" + std::to_string(pid) + "/stat");
  return stat ? parse_stat(*stat) : std::nullopt;
}

std::vector<ProcessEntry> all_processes() {
  std::vector<ProcessEntry> table;
  for_each_number_in("/proc", [&](pid_t pid) {
    if (const auto entry = find_process(pid)) table.push_back(*entry);
  });
  return table;
}

std::vector<ProcessEntry> tree_of(const std::vector<ProcessEntry>& table, pid_t leader,
                                  const std::vector<ProcessEntry>& known) {
  std::vector<ProcessEntry> tree;
  std::unordered_set<pid_t> pids;
  // To a container its outside is process 0.
  if (leader > 1) pids.insert(leader);
  std::vector<bool> taken(table.size());
  const auto was_known = [&](const ProcessEntry& one) {
    return std::ranges::any_of(known, [&](const ProcessEntry& other) { return one.is(other); });
  };
  const auto belongs = [&](const ProcessEntry& one) {
    return (leader > 1 && one.session == leader) || pids.contains(one.parent) || was_known(one);
  };
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < table.size(); ++i) {
      if (taken[i] || table[i].pid == leader || !belongs(table[i])) continue;
      taken[i] = more = true;
      pids.insert(table[i].pid);
      tree.push_back(table[i]);
    }
  }
  return tree;
}

bool descends_from(pid_t pid, pid_t ancestor) {
  for (int i = 0; i < deepest_family && pid > 1; ++i) {
    if (pid == ancestor) return true;
    const auto entry = find_process(pid);
    if (!entry) return false;
    if (entry->session == ancestor) return true;
    pid = entry->parent;
  }
  return false;
}

bool signal_process(const ProcessEntry& process, int signal_number) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return false;
  // The number may have been given to another meanwhile.
  const auto now = find_process(process.pid);
  if (!now || now->started != process.started) return false;
  return send_signal(pidfd.get(), signal_number).value_or(false);
}

namespace {

// Everybody of the tree and the leader, as often as it takes until nobody new is found.
std::vector<ProcessEntry> signal_until_nobody_is_new(pid_t leader, int signal_number) {
  std::vector<ProcessEntry> known;
  size_t before = 0;
  for (int i = 0; i < most_rounds && (i == 0 || known.size() > before); ++i) {
    before = known.size();
    const auto table = all_processes();
    std::vector<ProcessEntry> tree = tree_of(table, leader, known);
    const auto first = std::ranges::find(table, leader, &ProcessEntry::pid);
    if (first != table.end()) tree.insert(tree.begin(), *first);
    for (const ProcessEntry& one : tree) {
      const auto is_this = [&](const ProcessEntry& other) { return other.is(one); };
      if (one.ended() || std::ranges::any_of(known, is_this)) continue;
      if (signal_process(one, signal_number)) known.push_back(one);
    }
  }
  return known;
}

}  // namespace

size_t signal_tree(pid_t leader, int signal_number) {
  if (signal_number != SIGKILL) return signal_until_nobody_is_new(leader, signal_number).size();
  const auto stopped = signal_until_nobody_is_new(leader, SIGSTOP);
  for (const ProcessEntry& one : stopped) signal_process(one, SIGKILL);
  return stopped.size();
}

std::vector<ProcessEntry> adopted_children() {
  std::vector<pid_t> children;
  std::vector<ProcessEntry> adopted;
  const pid_t self = ::getpid();
  const pid_t own_session = ::getsid(0);
  const auto consider = [&](const ProcessEntry& entry) {
    if (entry.parent != self || is_own_child(entry.pid)) return;
    // A child of this session was started here by other means, and somebody waits for it. A process 1 is
    // everybody's heir.
    if (entry.session == own_session && self != 1) return;
    adopted.push_back(entry);
  };
  if (!read_children(children)) {
    std::ranges::for_each(all_processes(), consider);
    return adopted;
  }
  for (const pid_t pid : children) {
    if (is_own_child(pid)) continue;
    if (const auto entry = find_process(pid)) consider(*entry);
  }
  return adopted;
}

}  // namespace baton::spawner
