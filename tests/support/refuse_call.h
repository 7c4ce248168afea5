#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>

namespace baton::test {

/// From now on a system call fails with `error` in this process and in what it starts, without being made;
/// with 0 it seems to succeed. As on an older kernel, or in a container that refuses it: always, or only if
/// its third argument is not 0. False if that cannot be had. There is no way back: for a process of its own.
inline bool refuse_call(long number, int error, bool only_with_third_argument = false) {
  const auto third = static_cast<unsigned>(offsetof(seccomp_data, args) + 2 * sizeof(__u64));
  const auto to_allow = static_cast<unsigned char>(only_with_third_argument ? 1 : 0);
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, third),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, to_allow, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{sizeof filter / sizeof *filter, filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace baton::test
