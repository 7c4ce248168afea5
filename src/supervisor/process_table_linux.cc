#include "supervisor/process_table_linux.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string>

#include "baton/base/fd.h"
#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"
#include "supervisor/proc_file_linux.h"

namespace baton::supervisor {
namespace {

constexpr int deepest_family = 256;

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

std::vector<ProcessEntry> tree_of(const std::vector<ProcessEntry>& table, pid_t leader) {
  std::vector<ProcessEntry> tree;
  // To a container its outside is process 0.
  if (leader <= 1) return tree;
  std::vector<bool> taken(table.size());
  const auto belongs = [&](const ProcessEntry& one) {
    return one.session == leader || one.parent == leader ||
           std::ranges::any_of(tree, [&](const ProcessEntry& known) { return known.pid == one.parent; });
  };
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < table.size(); ++i) {
      if (taken[i] || table[i].pid == leader || !belongs(table[i])) continue;
      taken[i] = more = true;
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
  return spawner::send_signal(pidfd.get(), signal_number).value_or(false);
}

std::vector<ProcessEntry> adopted_children() {
  std::vector<pid_t> children;
  std::vector<ProcessEntry> adopted;
  const pid_t self = ::getpid();
  const pid_t own_session = ::getsid(0);
  const auto consider = [&](const ProcessEntry& entry) {
    if (entry.parent != self || spawner::is_own_child(entry.pid)) return;
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
    if (spawner::is_own_child(pid)) continue;
    if (const auto entry = find_process(pid)) consider(*entry);
  }
  return adopted;
}

}  // namespace baton::supervisor
