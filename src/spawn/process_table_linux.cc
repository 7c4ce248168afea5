#include "spawn/process_table_linux.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "spawn/own_children.h"
#include "spawn/patient_read_linux.h"
#include "spawn/proc_file_linux.h"

namespace baton::spawner {
namespace {

constexpr int deepest_family = 256;
constexpr size_t longest_environment = size_t{256} << 10;
constexpr std::chrono::milliseconds environment_patience(1000);
constexpr std::chrono::milliseconds stat_patience(100);
constexpr size_t longest_stat = 4096;

bool is(const Error& error, int code) {
  return error.code() == std::error_code(code, std::generic_category());
}

Result<std::vector<pid_t>> numbers_in(const std::string& folder_name) {
  const std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })> folder(
      ::opendir(folder_name.c_str()));
  if (!folder) return failure(errno, "read " + folder_name, "opendir");
  std::vector<pid_t> numbers;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr && errno != 0) return failure(errno, "read " + folder_name, "readdir");
    if (entry == nullptr) return numbers;
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) numbers.push_back(number);
  }
}

void append_numbers(std::string_view text, std::vector<pid_t>& numbers) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    pid_t number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec != std::errc()) return;
    numbers.push_back(number);
    at = parsed.ptr;
    while (at != end && *at == ' ') ++at;
  }
}

// Of each thread, as the kernel keeps them; nothing: this kernel does not tell.
Result<std::optional<std::vector<pid_t>>> own_children() {
  const auto threads = numbers_in("/proc/self/task");
  if (!threads) return std::unexpected(threads.error());
  std::optional<std::vector<pid_t>> children;
  for (const pid_t thread : *threads) {
    const auto text = read_proc_file("/proc/self/task/" + std::to_string(thread) + "/children");
    if (!text && !is_gone(text.error())) return std::unexpected(text.error());
    if (!text) continue;
    if (!children) children.emplace();
    append_numbers(*text, *children);
  }
  return children;
}

// What the kernel tells of a process without /proc.
Result<ProcessEntry> held_process(pid_t pid) {
  const pid_t session = ::getsid(pid);
  if (session < 0) return failure(errno, "find process " + std::to_string(pid), "getsid");
  siginfo_t info{};
  const bool ours = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  return ProcessEntry{.pid = pid,
                      .parent = ours ? ::getpid() : 0,
                      .session = session,
                      .state = ours && info.si_pid == pid ? 'Z' : '?',
                      .held = true};
}

std::vector<Result<ProcessEntry>> find_processes(const std::vector<pid_t>& pids) {
  std::vector<std::string> paths;
  paths.reserve(pids.size());
  for (const pid_t pid : pids) paths.push_back("/proc/" + std::to_string(pid) + "/stat");
  const auto stats = read_each_patiently(paths, longest_stat, stat_patience, {ReadFor::Purpose::table, 0});
  std::vector<Result<ProcessEntry>> found;
  found.reserve(pids.size());
  for (size_t i = 0; i < pids.size(); ++i) {
    if (!stats[i] && is(stats[i].error(), ETIMEDOUT)) {
      found.emplace_back(held_process(pids[i]));
    } else if (!stats[i]) {
      found.emplace_back(std::unexpected(stats[i].error()));
    } else if (const auto entry = parse_stat(*stats[i])) {
      found.emplace_back(*entry);
    } else {
      found.emplace_back(failure(ESRCH, "read " + paths[i]));
    }
  }
  return found;
}

// "NAME=value" of the text of /proc/PID/environ; empty if it is not there, or long.
std::string entry_in(std::string_view environment, std::string_view name) {
  for (std::string_view rest = environment; !rest.empty();) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    if (!entry.starts_with(name) || !entry.substr(name.size()).starts_with('=')) continue;
    return std::string(entry.size() - name.size() - 1 > longest_value ? std::string_view() : entry);
  }
  return {};
}

}  // namespace

bool handles_signal(pid_t pid, int signal_number) {
  constexpr int caught_signals = 34;  // the field with a bit for each
  const auto stat = read_proc_file("/proc/" + std::to_string(pid) + "/stat");
  if (!stat || signal_number < 1 || signal_number > 31) return false;
  const uint64_t caught = StatFields(*stat).number(caught_signals).value_or(0);
  return (caught >> static_cast<unsigned>(signal_number - 1) & 1) != 0;
}

uint64_t started_now() noexcept {
  static const auto per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * per_second +
         static_cast<uint64_t>(now.tv_nsec) * per_second / 1'000'000'000;
}

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

Result<ProcessEntry> find_process(pid_t pid) { return std::move(find_processes({pid}).front()); }

bool is_gone(const Error& error) { return is(error, ENOENT) || is(error, ESRCH); }

Result<std::vector<ProcessEntry>> all_processes() {
  const auto numbers = numbers_in("/proc");
  if (!numbers) return std::unexpected(numbers.error());
  std::vector<ProcessEntry> table;
  for (const auto& entry : find_processes(*numbers)) {
    const bool hidden = !entry && (is(entry.error(), EACCES) || is(entry.error(), EPERM));
    if (entry) {
      table.push_back(*entry);
    } else if (!hidden && !is_gone(entry.error())) {
      return std::unexpected(entry.error());
    }
  }
  // This process would be among them.
  if (table.empty()) return failure(ENOENT, "read /proc");
  return table;
}

std::vector<ProcessEntry> tree_of(const std::vector<ProcessEntry>& table, pid_t leader,
                                  const std::vector<ProcessEntry>& known) {
  std::unordered_map<pid_t, const ProcessEntry*> by_number;
  for (const ProcessEntry& one : known) by_number.emplace(one.pid, &one);
  const auto was_known = [&](const ProcessEntry& one) {
    const auto found = by_number.find(one.pid);
    return found != by_number.end() && found->second->is(one);
  };
  // To a container its outside is process 0.
  const bool leads = leader > 1;
  std::vector<ProcessEntry> tree;
  std::unordered_multimap<pid_t, const ProcessEntry*> others;  // by their parents
  for (const ProcessEntry& one : table) {
    if (one.pid == leader) continue;
    if ((leads && (one.session == leader || one.parent == leader)) || was_known(one)) {
      tree.push_back(one);
    } else {
      others.emplace(one.parent, &one);
    }
  }
  for (size_t i = 0; i < tree.size(); ++i) {
    const auto [first, last] = others.equal_range(tree[i].pid);
    for (auto child = first; child != last; ++child) tree.push_back(*child->second);
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

std::vector<std::optional<std::string>> environment_values(const std::vector<ProcessEntry>& processes,
                                                           std::string_view name,
                                                           std::chrono::milliseconds patience,
                                                           const ReadFor& whom) {
  std::vector<std::string> paths;
  paths.reserve(processes.size());
  for (const ProcessEntry& one : processes) paths.push_back("/proc/" + std::to_string(one.pid) + "/environ");
  const auto entries = read_each_patiently(
      paths, longest_environment, patience, whom,
      [name = std::string(name)](const std::string& text) { return entry_in(text, name); });
  std::vector<std::optional<std::string>> values(processes.size());
  for (size_t i = 0; i < processes.size(); ++i) {
    if (!entries[i] || entries[i]->empty()) continue;
    // The number may have been given to another meanwhile.
    const auto now = find_process(processes[i].pid);
    if (now && now->is(processes[i])) values[i] = entries[i]->substr(name.size() + 1);
  }
  return values;
}

std::optional<std::string> environment_value(const ProcessEntry& process, std::string_view name,
                                             const ReadFor& whom) {
  return std::move(environment_values({process}, name, environment_patience, whom).front());
}

Result<std::optional<std::string>> look_for_environment_value(const ProcessEntry& process,
                                                              std::string_view name, const ReadFor& whom) {
  // No entry of an environment is this.
  static constexpr std::string_view none_yet = "?";
  const std::string path = "/proc/" + std::to_string(process.pid) + "/environ";
  auto entry =
      std::move(read_each_patiently({path}, longest_environment, environment_patience, whom,
                                    [name = std::string(name)](const std::string& text) {
                                      return text.empty() ? std::string(none_yet) : entry_in(text, name);
                                    })
                    .front());
  if (!entry) return std::unexpected(std::move(entry).error());
  if (*entry == none_yet) return failure(EAGAIN, "look for " + std::string(name), "read " + path);
  const auto now = find_process(process.pid);
  if (!now || !now->is(process) || entry->empty()) return std::nullopt;
  return entry->substr(name.size() + 1);
}

bool is_adopted(const ProcessEntry& process) {
  const pid_t self = ::getpid();
  if (process.parent != self || is_own_child(process.pid)) return false;
  // A child of this session was started here by other means, and somebody waits for it. A process 1 is
  // everybody's heir.
  return self == 1 || process.session != ::getsid(0);
}

Result<std::vector<ProcessEntry>> adopted_children(size_t most_living) {
  std::vector<ProcessEntry> adopted;
  size_t living = 0;
  const auto consider = [&](const ProcessEntry& entry) {
    if (!is_adopted(entry)) return;
    adopted.push_back(entry);
    living += entry.ended() ? 0 : 1;
  };
  auto children = own_children();
  if (!children) return std::unexpected(children.error());
  if (!*children) {
    const auto table = all_processes();
    if (!table) return std::unexpected(table.error());
    std::ranges::for_each(*table, consider);
    return adopted;
  }
  std::erase_if(**children, [](pid_t pid) { return is_own_child(pid); });
  for (const auto& entry : find_processes(**children)) {
    if (living >= most_living) break;
    if (entry) {
      consider(*entry);
    } else if (!is_gone(entry.error())) {
      return std::unexpected(entry.error());
    }
  }
  return adopted;
}

}  // namespace baton::spawner
