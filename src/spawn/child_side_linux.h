#pragma once

#include <sys/types.h>

#include <cstddef>

#include "spawn/launch.h"

namespace baton::spawner {

/// The digits of the largest process id.
inline constexpr size_t pid_room = 10;

/// The steps of a child before its program runs, in their order.
enum class Step {
  none,
  session,
  lift,  ///< a source that would be overwritten is moved out of the way
  place,
  close_others,
  directory,
  groups,
  gid,
  uid,
  verify_ids,
  no_new_privs,
  execute,
  execute_shell,  ///< for a text without `#!`
};

/// Everything the child reads, laid out by the parent before the clone, and the report it leaves in the
/// shared memory. Raw pointers, because the child may call nothing that is instrumented or that allocates.
struct ChildJob {
  const char* const* candidates;  ///< ends with a null pointer
  char* const* arguments;
  char* const* environment;
  char* pid_text;                ///< where its process id goes, `pid_room` bytes and then a 0; null: nowhere
  const char** shell_arguments;  ///< slot 1 is for the script
  const char* directory;         ///< null: stay
  Placement* placements;         ///< ascending by target; the child changes the sources
  size_t placement_count;
  int descriptor_limit;
  const gid_t* groups;  ///< null: leave them
  size_t group_count;
  bool groups_may_stay;  ///< a refusal of setgroups is no failure
  bool set_uid, set_gid, set_umask, new_session, no_new_privs;
  uid_t uid;
  gid_t gid;
  mode_t umask;

  Step failed = Step::none;
  int error = 0;
  size_t subject = 0;  ///< index of the placement or candidate
};

/// Runs in the child, on a stack of its own in the parent's memory; `job` is a ChildJob. Does not return.
int child_main(void* job);

}  // namespace baton::spawner
