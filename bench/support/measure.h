#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <utility>

/// What the measuring programs share, be they made with Baton or with nothing but the kernel.
namespace bench {

/// The one message of all measurements; Node has its twin in node/.
inline constexpr char small_frame[] = "{\"hello\":\"world\",\"n\":123}\n";

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// User and system time of RUSAGE_SELF or RUSAGE_CHILDREN.
inline double cpu_us(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

/// Keeps this process, and what it starts from here on, on one CPU.
inline void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}

/// Thousands of sockets are open at once.
inline void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// One line of JSON, as baton_bench reads it.
inline void print_figures(std::initializer_list<std::pair<const char*, double>> figures) {
  char before = '{';
  for (const auto& [name, value] : figures) {
    std::printf("%c\"%s\":%.4f", before, name, value);
    before = ',';
  }
  std::puts("}");
}

}  // namespace bench
