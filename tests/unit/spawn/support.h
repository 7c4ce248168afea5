#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "spawn/launch.h"
#include "spawn/pidfd_linux.h"

namespace baton::spawner::test {

/// A folder of the test's own, gone with it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "baton-spawn-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
    ::chmod(path_.c_str(), 0755);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }
  std::string file(const std::string& name, const std::string& content, mode_t mode = 0755) const {
    const std::string full = path_ + "/" + name;
    std::ofstream(full) << content;
    ::chmod(full.c_str(), mode);
    return full;
  }

 private:
  std::string path_;
};

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  Fd read;
  Fd write;
};

inline std::string read_all(const Fd& fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

struct Outcome {
  std::string output;
  ExitStatus status;
};

/// Runs a plan to its end with standard input from /dev/null, and both outputs collected.
inline Outcome run(LaunchPlan plan) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Pipe output;
  plan.descriptors = {{null.get(), 0}, {output.write.get(), 1}, {output.write.get(), 2}};
  auto child = launch(plan);
  if (!child) {
    ADD_FAILURE() << child.error().what();
    return {};
  }
  output.write.reset();
  std::string text = read_all(output.read);
  return {std::move(text), wait(child->pidfd.get())};
}

inline LaunchPlan shell(const std::string& script, const SpawnOptions& options = {}) {
  return make_plan("/bin/sh", {"-c", script}, options);
}

/// A script that lists the shell's descriptors below 256, without opening one to do it.
inline const std::string list_descriptors =
    "i=0; while [ $i -lt 256 ]; do [ -L /proc/$$/fd/$i ] && echo -n \"$i \"; i=$((i+1)); done; true";

/// What a launch that must fail says; "" if it did not fail.
inline std::string failure_of(const LaunchPlan& plan) {
  auto child = launch(plan);
  if (child) {
    wait(child->pidfd.get());
    return {};
  }
  return child.error().what();
}

}  // namespace baton::spawner::test
