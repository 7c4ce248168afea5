#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "spawn/begin_linux.h"
#include "spawn/child_side_linux.h"
#include "spawn/exec_search.h"
#include "spawn/launch.h"
#include "spawn/pidfd_linux.h"

namespace baton::spawner {
namespace {

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// What is wrong with a plan before any child exists; "" if nothing.
std::string objection(const LaunchPlan& plan) {
  if (has_nul(plan.file)) return "the file name contains a NUL byte";
  for (size_t i = 0; i < plan.arguments.size(); ++i) {
    if (has_nul(plan.arguments[i])) return "argument " + std::to_string(i) + " contains a NUL byte";
  }
  if (has_nul(plan.working_directory)) return "the working directory contains a NUL byte";
  for (const auto& variable : plan.environment.variables()) {
    const std::string& key = variable.key();
    if (key.empty()) return "a variable of the environment has an empty name";
    if (has_nul(key))
      return std::string("the environment variable ") + key.c_str() + " contains a NUL byte in its name";
    if (key.find('=') != std::string::npos)
      return "the name of the environment variable " + key + " contains '='";
    if (has_nul(variable.value())) return "the environment variable " + key + " contains a NUL byte";
  }
  if (has_nul(plan.pid_variable) || plan.pid_variable.contains('=')) {
    return "the name of the variable for the process id contains a NUL byte or '='";
  }
  std::vector<int> targets;
  for (const Placement& one : plan.descriptors) targets.push_back(one.target);
  std::ranges::sort(targets);
  if (!targets.empty() && targets.front() < 0) return "descriptor " + std::to_string(targets.front());
  auto twice = std::ranges::adjacent_find(targets);
  if (twice != targets.end()) return "descriptor " + std::to_string(*twice) + " is given twice";
  // To the kernel -1 means "leave it", which would run the program as who we are.
  if (plan.uid == static_cast<uid_t>(-1)) return "user id -1";
  if (plan.gid == static_cast<gid_t>(-1)) return "group id -1";
  if (has_nul(plan.cgroup)) return "the name of the cgroup contains a NUL byte";
  return {};
}

/// A block of C strings and the pointers to them, as execve(2) wants it.
class StringBlock {
 public:
  void add(std::string_view text) {
    offsets_.push_back(bytes_.size());
    bytes_.append(text).push_back('\0');
  }
  void add(std::string_view key, std::string_view value) {
    offsets_.push_back(bytes_.size());
    bytes_.append(key).append("=").append(value).push_back('\0');
  }
  /// Where the last string ends; after `pointers`.
  char* last_end() { return bytes_.data() + bytes_.size() - 1; }
  /// Nothing may be added after this.
  char** pointers() {
    pointers_.clear();
    for (size_t offset : offsets_) pointers_.push_back(bytes_.data() + offset);
    pointers_.push_back(nullptr);
    return pointers_.data();
  }

 private:
  std::string bytes_;
  std::vector<size_t> offsets_;
  std::vector<char*> pointers_;
};

bool keeps_identity(const LaunchPlan& plan) {
  uid_t uids[3] = {};
  gid_t gids[3] = {};
  if (::getresuid(&uids[0], &uids[1], &uids[2]) != 0 || ::getresgid(&gids[0], &gids[1], &gids[2]) != 0)
    return false;
  auto all_are = [](const auto& ids, auto id) { return std::ranges::count(ids, id) == 3; };
  return (!plan.uid || all_are(uids, *plan.uid)) && (!plan.gid || all_are(gids, *plan.gid));
}

std::string describe(const Placement& one) {
  return "dup " + std::to_string(one.source) + " as descriptor " + std::to_string(one.target);
}

// A number that is free here, and is opened for something of ours meanwhile, would be that.
Result<void> look_at_sources(const LaunchPlan& plan) {
  for (const Placement& one : plan.descriptors) {
    if (::fcntl(one.source, F_GETFD) < 0) return failure(errno, operation_of(plan), describe(one));
  }
  return {};
}

// What a process writes its number to, to be in that cgroup.
std::string cgroup_file(const LaunchPlan& plan) { return plan.cgroup + "/cgroup.procs"; }

/// The descriptors of a plan's cgroup; none without one.
struct Cgroup {
  Fd folder;
  Fd members;  ///< its cgroup.procs
};

Result<Cgroup> open_cgroup(const LaunchPlan& plan) {
  Cgroup cgroup;
  if (plan.cgroup.empty()) return cgroup;
  cgroup.members.reset(::open(cgroup_file(plan).c_str(), O_WRONLY | O_CLOEXEC));
  if (!cgroup.members) return failure(errno, operation_of(plan), "open " + cgroup_file(plan));
  cgroup.folder.reset(::open(plan.cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup.folder) return failure(errno, operation_of(plan), "open " + plan.cgroup);
  return cgroup;
}

/// Owns what a ChildJob points to.
class Preparation {
 public:
  Preparation(const LaunchPlan& plan, const Cgroup& cgroup)
      : candidates_(exec_candidates(plan.file, plan.environment)), placements_(plan.descriptors) {
    fill_strings(plan);
    fill_identity(plan);
    fill_limits(plan);
    job_.cgroup = cgroup.members.get();
    job_.terminal = plan.terminal;
    job_.parent_death_signal = plan.parent_death_signal.value_or(0);
    job_.parent = ::getpid();
    job_.directory = plan.working_directory.empty() ? nullptr : plan.working_directory.c_str();
    std::ranges::sort(placements_, {}, &Placement::target);
    asked_ = placements_;
    job_.placements = placements_.data();
    job_.placement_count = placements_.size();
    job_.descriptor_limit = static_cast<int>(std::clamp<long>(::sysconf(_SC_OPEN_MAX), 0, INT_MAX));
    job_.set_umask = plan.umask.has_value();
    job_.umask = plan.umask.value_or(0);
    job_.new_session = plan.new_session;
    job_.no_new_privs = plan.no_new_privs;
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  ChildJob& job() { return job_; }
  [[nodiscard]] const std::vector<std::string>& candidates() const { return candidates_; }
  /// As the plan had it, before the child moved sources out of the way.
  [[nodiscard]] const Placement& placement(size_t index) const { return asked_[index]; }

 private:
  void fill_strings(const LaunchPlan& plan) {
    for (const std::string& candidate : candidates_) candidate_pointers_.push_back(candidate.c_str());
    candidate_pointers_.push_back(nullptr);
    for (const std::string& argument : plan.arguments) arguments_.add(argument);
    for (const auto& variable : plan.environment.variables()) {
      if (variable.key() != plan.pid_variable) environment_.add(variable.key(), variable.value());
    }
    const bool tells_pid = !plan.pid_variable.empty();
    if (tells_pid) environment_.add(plan.pid_variable, std::string(pid_room, '0'));
    job_.candidates = candidate_pointers_.data();
    job_.arguments = arguments_.pointers();
    job_.environment = environment_.pointers();
    job_.pid_text = tells_pid ? environment_.last_end() - pid_room : nullptr;

    shell_arguments_ = {"/bin/sh", nullptr};
    for (size_t i = 1; i < plan.arguments.size(); ++i) shell_arguments_.push_back(job_.arguments[i]);
    shell_arguments_.push_back(nullptr);
    job_.shell_arguments = shell_arguments_.data();
  }

  void fill_identity(const LaunchPlan& plan) {
    static constexpr gid_t none = 0;
    job_.set_uid = plan.uid.has_value();
    job_.set_gid = plan.gid.has_value();
    job_.uid = plan.uid.value_or(0);
    job_.gid = plan.gid.value_or(0);
    if (plan.groups) groups_ = *plan.groups;
    // As the kernel keeps them.
    std::ranges::sort(groups_);
    groups_found_.resize(groups_.size());
    job_.groups_found = groups_found_.data();
    job_.group_count = groups_.size();
    const bool dropped = !plan.groups && (plan.uid || plan.gid);
    job_.groups = plan.groups || dropped ? (groups_.empty() ? &none : groups_.data()) : nullptr;
    // Somebody who asks for the identity that they have already, and may not drop groups, gains nothing by
    // keeping them.
    job_.groups_may_stay = dropped && keeps_identity(plan);
  }

  void fill_limits(const LaunchPlan& plan) {
    for (const auto& [resource, values] : plan.limits) {
      limits_.push_back({resource, {values.rlim_cur, values.rlim_max}});
    }
    job_.limits = limits_.data();
    job_.limit_count = limits_.size();
    job_.set_nice = plan.nice.has_value();
    job_.nice = plan.nice.value_or(0);
    for (const int number : plan.cpus) {
      const auto word = static_cast<size_t>(number) / bits_a_word;
      if (cpus_.size() <= word) cpus_.resize(word + 1);
      cpus_[word] |= 1UL << (static_cast<size_t>(number) % bits_a_word);
    }
    job_.cpus = cpus_.empty() ? nullptr : cpus_.data();
    job_.cpus_size = cpus_.size() * sizeof(unsigned long);
  }

  static constexpr size_t bits_a_word = 8 * sizeof(unsigned long);

  std::vector<std::string> candidates_;
  std::vector<const char*> candidate_pointers_;
  StringBlock arguments_;
  StringBlock environment_;
  std::vector<const char*> shell_arguments_;
  std::vector<Placement> placements_;
  std::vector<Placement> asked_;
  std::vector<gid_t> groups_;
  std::vector<gid_t> groups_found_;
  std::vector<ResourceLimit> limits_;
  std::vector<unsigned long> cpus_;
  ChildJob job_{};
};

std::string describe_execute(const LaunchPlan& plan, const Preparation& prepared, const Report& report) {
  if (report.error == ENOENT || report.error == EACCES) {
    for (const std::string& candidate : prepared.candidates()) {
      const std::string interpreter = missing_interpreter(candidate, plan.working_directory);
      if (!interpreter.empty()) return "execve " + candidate + " (interpreter " + interpreter + ")";
    }
  }
  if (report.error == ENOENT && !plan.file.empty() && plan.file.find('/') == std::string::npos) {
    return "execve " + plan.file + " (searched in " + search_path(plan.environment) + ")";
  }
  return "execve " + prepared.candidates()[report.subject()];
}

std::string name_of_limit(int resource) {
  static constexpr std::pair<int, const char*> names[] = {
      {RLIMIT_AS, "RLIMIT_AS"},         {RLIMIT_CORE, "RLIMIT_CORE"},   {RLIMIT_CPU, "RLIMIT_CPU"},
      {RLIMIT_DATA, "RLIMIT_DATA"},     {RLIMIT_FSIZE, "RLIMIT_FSIZE"}, {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"},
      {RLIMIT_NOFILE, "RLIMIT_NOFILE"}, {RLIMIT_NPROC, "RLIMIT_NPROC"}, {RLIMIT_STACK, "RLIMIT_STACK"},
      {RLIMIT_RTPRIO, "RLIMIT_RTPRIO"}, {RLIMIT_NICE, "RLIMIT_NICE"}};
  for (const auto& [number, name] : names) {
    if (number == resource) return name;
  }
  return std::to_string(resource);
}

std::string describe_step(const LaunchPlan& plan, const Preparation& prepared, const Report& report) {
  switch (report.step()) {
    case Step::begin:
      return plan.cgroup.empty() ? "begin" : "begin in " + plan.cgroup;
    case Step::session:
      return "setsid";
    case Step::terminal:
      return "ioctl TIOCSCTTY";
    case Step::cgroup:
      return "write " + cgroup_file(plan);
    case Step::lift:
    case Step::place:
      return describe(prepared.placement(report.subject()));
    case Step::close_others:
      return "close_range";
    case Step::limit:
      return "setrlimit " + name_of_limit(std::next(plan.limits.begin(), report.subject())->first);
    case Step::nice:
      return "setpriority " + std::to_string(plan.nice.value_or(0));
    case Step::cpus:
      return "sched_setaffinity";
    case Step::directory:
      return "chdir " + plan.working_directory;
    case Step::groups:
      return "setgroups";
    case Step::verify_groups:
      return "verify the supplementary groups";
    case Step::gid:
      return "setresgid " + std::to_string(plan.gid.value_or(0));
    case Step::uid:
      return "setresuid " + std::to_string(plan.uid.value_or(0));
    case Step::verify_ids:
      return "verify the user and group ids";
    case Step::no_new_privs:
      return "prctl PR_SET_NO_NEW_PRIVS";
    case Step::parent_death:
      return "prctl PR_SET_PDEATHSIG";
    case Step::parent_gone:
      return "getppid: the parent has ended";
    case Step::execute:
      return describe_execute(plan, prepared, report);
    case Step::execute_shell:
      return "execve /bin/sh " + prepared.candidates()[report.subject()];
  }
  return {};
}

}  // namespace

std::string operation_of(const LaunchPlan& plan) { return std::string("spawn ") + plan.file.c_str(); }

LaunchPlan make_plan(std::string file, std::vector<std::string> arguments, const SpawnOptions& options) {
  LaunchPlan plan;
  if (!options.shell().empty()) {
    if (!arguments.empty()) {
      throw std::invalid_argument("spawn " + file + ": a shell takes a command line and no arguments");
    }
    // Else a command that begins with '-' would be an option.
    arguments = {"-c", "--", std::move(file)};
    file = options.shell();
  }
  arguments.insert(arguments.begin(), options.arg0().value_or(file));
  plan.file = std::move(file);
  plan.arguments = std::move(arguments);
  plan.environment = options.environment();
  plan.pid_variable = options.pid_variable();
  plan.working_directory = options.cwd();
  plan.uid = options.uid();
  plan.gid = options.gid();
  plan.groups = options.groups();
  plan.umask = options.umask();
  plan.cgroup = options.cgroup();
  plan.limits = options.limits();
  plan.nice = options.nice();
  plan.cpus = options.cpus();
  plan.parent_death_signal = options.parent_death_signal();
  plan.new_session = options.detached() || options.whole_tree() || options.terminal();
  plan.no_new_privs = options.no_new_privs();
  return plan;
}

Result<Launched> launch(const LaunchPlan& plan) {
  const std::string operation = operation_of(plan);
  if (std::string wrong = objection(plan); !wrong.empty()) return failure(EINVAL, operation, wrong);
  if (auto open = look_at_sources(plan); !open) return std::unexpected(std::move(open).error());
  const auto cgroup = open_cgroup(plan);
  if (!cgroup) return std::unexpected(cgroup.error());
  Preparation prepared(plan, *cgroup);
  // A cgroup that is frozen would freeze this thread, too.
  const bool with_us = keeps_identity(plan) && plan.cgroup.empty();
  auto begun = with_us ? begin_in_our_memory(prepared.job(), operation)
                       : begin_apart(prepared.job(), cgroup->folder.get(), plan.patience, operation);
  if (!begun) return std::unexpected(std::move(begun).error());
  if (begun->in_time && begun->report.error == 0) return std::move(begun->child);
  if (!begun->in_time) (void)send_signal(begun->child.pidfd.get(), SIGKILL);
  collect(std::move(begun->child));
  const std::string step = describe_step(plan, prepared, begun->report);
  return begun->in_time ? failure(begun->report.error, operation, step)
                        : failure(Errc::timed_out, operation, step);
}

}  // namespace baton::spawner
