#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "spawn/launch.h"

namespace baton::spawner {

/// The digits of the largest process id.
inline constexpr size_t pid_room = 10;

/// The steps of a child before its program runs, in their order.
enum class Step : uint32_t {
  begin,
  session,
  terminal,
  cgroup,
  lift,  ///< a source that would be overwritten is moved out of the way
  place,
  close_others,
  limit,
  nice,
  cpus,
  directory,
  groups,
  verify_groups,
  gid,
  uid,
  verify_ids,
  no_new_privs,
  parent_death,
  parent_gone,
  execute,
  execute_shell,  ///< for a text without `#!`
};

/// One of setrlimit(2), as the kernel's prlimit64 wants it.
struct ResourceLimit {
  int resource;
  uint64_t values[2];  ///< soft, hard
};

/// How far a child has come, in memory that the parent sees, and may look at while the child goes on.
struct Report {
  uint64_t place =
      0;          ///< the step, and in the lower half its subject: one word, so that they belong together
  int error = 0;  ///< errno of the step, if that has failed

  [[nodiscard]] Step step() const { return static_cast<Step>(place >> 32); }
  /// Index of the placement, limit or candidate that the step is about.
  [[nodiscard]] size_t subject() const { return place & UINT32_MAX; }
};

/// Everything the child reads, laid out by the parent before the clone. Raw pointers, because the child may
/// call nothing that is instrumented or that allocates.
struct ChildJob {
  Report* report;
  const char* const* candidates;  ///< ends with a null pointer
  char* const* arguments;
  char* const* environment;
  char* pid_text;                ///< where its process id goes, `pid_room` bytes and then a 0; null: nowhere
  const char** shell_arguments;  ///< slot 1 is for the script
  const char* directory;         ///< null: stay
  Placement* placements;         ///< ascending by target; the child changes the sources
  size_t placement_count;
  int descriptor_limit;
  int lifeline;  ///< stays open, unplaced, until the program begins; no target; -1: none
  int terminal;  ///< -1: none
  int cgroup;    ///< its cgroup.procs, open for writing; -1: none
  const ResourceLimit* limits;
  size_t limit_count;
  const unsigned long* cpus;  ///< a mask as sched_setaffinity(2) wants it; null: leave it
  size_t cpus_size;           ///< in bytes
  const gid_t* groups;        ///< ascending; null: leave them
  gid_t* groups_found;        ///< room for as many
  size_t group_count;
  bool groups_may_stay;  ///< a refusal of setgroups is no failure
  bool set_uid, set_gid, set_umask, set_nice, new_session, no_new_privs;
  uid_t uid;
  gid_t gid;
  mode_t umask;
  int nice;
  int parent_death_signal;  ///< 0: none
  pid_t parent;
};

/// Runs in the child, on a stack of its own, in the parent's memory or in a copy of it; `job` is a ChildJob.
/// Does not return.
int child_main(void* job);

}  // namespace baton::spawner
