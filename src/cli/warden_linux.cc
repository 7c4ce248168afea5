#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "baton/base/error.h"
#include "baton/spawn/sync.h"
#include "cli/stray_signals.h"
#include "cli/warden.h"
#include "spawn/own_children.h"
#include "spawn/pidfd_linux.h"
#include "spawn/proc_file_linux.h"
#include "spawn/process_table_linux.h"
#include "spawn/tree_signal_linux.h"
#include "supervisor/worker_mark.h"

namespace baton::cli {
namespace {

constexpr std::chrono::milliseconds pause_before_another{100};
constexpr std::chrono::seconds last_start{5};
constexpr int last_wait = 1000;                 // ms, for its end
constexpr int between_looks_at_primary = 1000;  // ms
// For trees that fork while they are killed.
constexpr int most_looks = 200;
constexpr std::chrono::milliseconds look_again{10};
// For those whose environment is empty, which is theirs for good or for as long as a program begins.
constexpr int most_unsure_looks = 50;
constexpr int most_unsure_orphans = 5;
constexpr pid_t kernel_threads = 2;  // their parent
constexpr std::chrono::seconds between_looks_at_orphans{2};
// Whoever kills them faster than this may have their numbers.
constexpr std::size_t most_dead = 64;

constexpr std::string_view begin_order = "!";
constexpr std::string_view keep_order = "=";
constexpr std::string_view warden_operation = "start the warden";

struct Leader {
  spawner::ProcessEntry process;
  uint64_t seen = spawner::started_now();

  // Its number may be a stranger's, who has started since.
  [[nodiscard]] bool is(const spawner::ProcessEntry& now) const {
    return now.is(process) && (now.held || now.started <= seen);
  }
};

struct Guarded {
  // Their sessions, by the number of their leader.
  std::map<pid_t, Leader> workers;
  // Whether there ever was one.
  bool any = false;
  // Whether it is known to `baton run`. Who starts it may be killed before it has told the number: then there
  // will be another one, and the end of its orders is no sign.
  bool begun = false;
  // Whether they live on.
  bool keeps = false;
};

void obey(std::string_view order, Guarded& guarded) {
  pid_t pid = 0;
  if (order == begin_order) guarded.begun = true;
  if (order == keep_order) guarded.keeps = true;
  if (order.size() < 2) return;
  std::from_chars(order.data() + 1, order.data() + order.size(), pid);
  guarded.workers.erase(pid);
  if (order.front() != '+') return;
  guarded.any = true;
  if (const auto leader = spawner::find_process(pid)) guarded.workers[pid] = {.process = *leader};
}

// Whether `baton run` has ended. A thread of it that the kernel holds keeps its descriptors open, the other
// end of our pipe too.
bool is_over(const std::optional<spawner::ProcessEntry>& primary) {
  if (!primary) return false;
  const auto now = spawner::find_process(primary->pid);
  if (!now) return spawner::is_gone(now.error());
  return !now->is(*primary) || now->ended();
}

// Until the other end is closed, which nobody but `baton run` has.
Guarded listen_to_orders(const std::optional<spawner::ProcessEntry>& primary) {
  Guarded guarded;
  std::string text;
  for (char piece[4096];;) {
    pollfd orders{STDIN_FILENO, POLLIN, 0};
    const int some = ::poll(&orders, 1, between_looks_at_primary);
    if (some == 0 && is_over(primary)) return guarded;
    if (some <= 0) continue;
    const ssize_t count = ::read(STDIN_FILENO, piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return guarded;
    text.append(piece, static_cast<std::size_t>(count));
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
      obey(std::string_view(text).substr(0, end), guarded);
      text.erase(0, end + 1);
    }
  }
}

enum class Mark : std::uint8_t { ours, none, unknown };

// Who left both session and parents says in its environment whose it is.
Mark mark_of(const spawner::ProcessEntry& process, const spawner::ProcessEntry& primary) {
  if (process.ended() || (!process.held && process.started < primary.started)) return Mark::none;
  // The kernel's own threads have no environment.
  if (process.pid == kernel_threads || process.parent == kernel_threads) return Mark::none;
  const auto mark = spawner::look_for_environment_value(process, supervisor::worker_mark,
                                                        {spawner::ReadFor::Purpose::tree, process.pid});
  if (!mark) return spawner::is_gone(mark.error()) ? Mark::none : Mark::unknown;
  const bool ours = *mark && (*mark)->starts_with(supervisor::mark_of_workers(primary.pid));
  return ours ? Mark::ours : Mark::none;
}

// A later mount covers an earlier one.
bool hides_processes() {
  std::ifstream mounts("/proc/self/mounts");
  bool hides = false;
  for (std::string device, place, kind, options, rest; mounts >> device >> place >> kind >> options;) {
    std::getline(mounts, rest);
    if (place != "/proc" || kind != "proc") continue;
    const std::size_t at = options.find("hidepid=");
    const std::string how = at == options.npos ? "0" : options.substr(at + 8, options.find(',', at) - at - 8);
    hides = how != "0" && how != "off";
  }
  return hides;
}

struct Left {
  std::vector<spawner::ProcessEntry> processes;
  // Whether there may be more: somebody could not be looked at, or is just beginning another program.
  bool unsure = false;
};

// Of them and those who descend from them. Nothing: nobody can say.
std::optional<Left> left_of(const Guarded& guarded, const std::optional<spawner::ProcessEntry>& primary) {
  const auto table = spawner::all_processes();
  if (!table) return std::nullopt;
  Left left;
  const auto add = [&left](const spawner::ProcessEntry& one) {
    if (!one.ended()) left.processes.push_back(one);
  };
  for (const auto& [pid, leader] : guarded.workers) {
    const auto now = std::ranges::find(*table, pid, &spawner::ProcessEntry::pid);
    // Once it was collected, and nobody is left of its session, its number may be a stranger's.
    if (now != table->end() && !leader.is(*now)) continue;
    if (now != table->end()) add(*now);
    std::ranges::for_each(spawner::tree_of(*table, pid), add);
  }
  if (!guarded.any || !primary) return left;
  std::vector<spawner::ProcessEntry> marked;
  for (const spawner::ProcessEntry& one : *table) {
    const Mark mark = mark_of(one, *primary);
    if (mark == Mark::ours) marked.push_back(one);
    if (mark == Mark::unknown) left.unsure = true;
  }
  std::ranges::for_each(spawner::tree_of(*table, 0, marked), add);
  return left;
}

// Whether there was one who may be killed.
bool kill_all(const std::vector<spawner::ProcessEntry>& processes) {
  bool somebody = false;
  for (const spawner::ProcessEntry& one : processes) {
    const auto sent = spawner::signal_process(one, SIGKILL);
    if (sent && *sent) somebody = true;
  }
  return somebody;
}

void kill_trees(const Guarded& guarded, const std::optional<spawner::ProcessEntry>& primary) {
  int unsure = 0;
  for (int i = 0; i < most_looks; ++i) {
    const auto left = left_of(guarded, primary);
    if (left && !kill_all(left->processes) && (!left->unsure || ++unsure > most_unsure_looks)) return;
    std::this_thread::sleep_for(look_again);
  }
}

void outlive_trees(const Guarded& guarded, const std::optional<spawner::ProcessEntry>& primary) {
  for (int unsure = 0;;) {
    const auto left = left_of(guarded, primary);
    if (left && left->processes.empty() && (!left->unsure || ++unsure > most_unsure_orphans)) return;
    std::this_thread::sleep_for(between_looks_at_orphans);
  }
}

}  // namespace

Warden::Warden(Loop& loop, std::string text, bool keeps, std::function<void()> changed)
    : loop_(loop), text_(std::move(text)), keeps_(keeps), changed_(std::move(changed)) {
  start();
}

Warden::~Warden() {
  const pid_t last = pid_;
  end();
  if (last > 0) collect(last);
  for (const pid_t pid : dead_) collect(pid);
}

void Warden::start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(errno, warden_operation, "pipe2");
  Fd theirs(ends[0]);
  orders_.reset(ends[1]);
  // A full pipe must not hold the service up.
  ::fcntl(orders_.get(), F_SETFL, O_NONBLOCK);
  auto options = SpawnOptions().arg0(text_).cwd("/").detached();
  options.pass(std::move(theirs), 0).stdio(2, Stdio::ignore());
  // It is to be ours when the one that starts it ends, whoever adopts orphans else.
  int adopts = 0;
  ::prctl(PR_GET_CHILD_SUBREAPER, &adopts);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto started =
      exec_file_sync("/proc/self/exe", {}, ExecOptions(std::move(options)).timeout(last_start));
  if (adopts == 0) ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  if (!started) throw Error(started.error());
  const std::string& answer = started->out();
  std::from_chars(answer.data(), answer.data() + answer.size(), pid_);
  // Nobody else collects it.
  if (pid_ > 0) spawner::remember_child(pid_);
  process_.reset(pid_ > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)) : -1);
  if (!process_) throw Error(ESRCH, warden_operation, "pidfd_open");
  watch_ = Poll(loop_, process_.get(), [this](int) { gone(); });
  watch_.unref();
  watch_.want(Poll::readable);
  order(std::string(begin_order));
  if (keeps_) order(std::string(keep_order));
  for (const pid_t worker : guarded_) tell('+', worker);
}

void Warden::end() noexcept {
  watch_.close();
  if (process_) {
    (void)spawner::send_signal(process_.get(), SIGKILL);
    pollfd ended{process_.get(), POLLIN, 0};
    (void)::poll(&ended, 1, last_wait);
  }
  process_.reset();
  orders_.reset();
  pid_ = 0;
}

void Warden::collect(pid_t pid) noexcept {
  ::waitpid(pid, nullptr, WNOHANG);
  spawner::forget_child(pid);
}

void Warden::gone() {
  if (pid_ > 0) dead_.push_back(pid_);
  end();
  if (dead_.size() > most_dead) {
    collect(dead_.front());
    dead_.pop_front();
  }
  again_ = Timer(loop_, pause_before_another, [this] {
    try {
      start();
    } catch (const Error&) {
      return gone();
    }
    changed_();
  });
  again_.unref();
}

void Warden::tell(char what, pid_t worker) { order(what + std::to_string(worker)); }

void Warden::order(std::string what) {
  if (!orders_) return;  // the next one is told of all
  what += '\n';
  (void)!::write(orders_.get(), what.data(), what.size());
}

void Warden::guard(pid_t worker) {
  guarded_.insert(worker);
  tell('+', worker);
}

void Warden::forget(pid_t worker) {
  guarded_.erase(worker);
  tell('-', worker);
}

std::string Warden::file() const { return "/proc/" + std::to_string(pid_) + "/cmdline"; }

bool Warden::can_be_read() const {
  const auto content = spawner::read_proc_file(file());
  return content && *content == text_ + std::string(1, '\0') && !(::geteuid() == 0 && hides_processes());
}

bool Warden::is_one(int argc, char** argv) {
  return argc == 1 && std::string_view(argv[0]).starts_with(mark);
}

int Warden::live() {
  ignore_stray_signals();
  std::optional<spawner::ProcessEntry> primary;
  if (const auto parent = spawner::find_process(::getppid())) primary = *parent;
  const pid_t child = ::fork();
  if (child != 0) {
    const std::string text = std::to_string(child);
    (void)!::write(STDOUT_FILENO, text.data(), text.size());
    return child < 0 ? 1 : 0;
  }
  ::setsid();
  ::prctl(PR_SET_NAME, "baton-warden");
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  const Guarded guarded = listen_to_orders(primary);
  if (!guarded.begun) return 0;
  guarded.keeps ? outlive_trees(guarded, primary) : kill_trees(guarded, primary);
  return 0;
}

}  // namespace baton::cli
