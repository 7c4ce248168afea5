#include "process/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "process/raw_channel.h"

namespace baton::test {
namespace {

struct Pipe {
  Fd read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  return {Fd(ends[0]), Fd(ends[1])};
}

[[noreturn]] void become(const std::string& path, const std::vector<std::string>& arguments,
                         const StartOptions& options, std::map<int, int> descriptors) {
  ::signal(SIGPIPE, SIG_DFL);
  for (auto& [number, ours] : descriptors) ours = ::fcntl(ours, F_DUPFD_CLOEXEC, 200);
  for (const auto& [number, ours] : descriptors) ::dup2(ours, number);
  for (const auto& [name, value] : options.variables()) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const auto& argument : options.through()) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(const_cast<char*>(path.c_str()));
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(argv.front(), argv.data());
  ::_exit(127);
}

}  // namespace

std::optional<std::string> Lines::next() {
  while (true) {
    const size_t end = partial_.find('\n', searched_);
    if (end != std::string::npos) {
      std::string line = partial_.substr(0, end);
      partial_.erase(0, end + 1);
      searched_ = 0;
      return line;
    }
    searched_ = partial_.size();
    pollfd waiting{pipe_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, patience_seconds * 1000) <= 0) {
      ADD_FAILURE() << "nothing comes any more after: " << partial_;
      return std::nullopt;
    }
    std::array<char, size_t{64} << 10> bytes;
    const ssize_t got = ::read(pipe_.get(), bytes.data(), bytes.size());
    if (got <= 0) {
      EXPECT_EQ(partial_, "") << "the last line is not finished";
      return std::nullopt;
    }
    partial_.append(bytes.data(), static_cast<size_t>(got));
  }
}

std::vector<std::string> Lines::rest() {
  std::vector<std::string> lines;
  while (auto line = next()) lines.push_back(std::move(*line));
  return lines;
}

Program::Program(const std::string& path, const std::vector<std::string>& arguments,
                 const StartOptions& options) {
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  std::map<int, int> descriptors = {{0, in.read.get()}, {1, out.write.get()}, {2, err.write.get()}};
  for (const auto& [number, ours] : options.descriptors()) descriptors[number] = ours;
  pid_ = ::fork();
  if (pid_ == 0) become(path, arguments, options, descriptors);
  input_ = std::move(in.write);
  output = Lines(std::move(out.read));
  errors = Lines(std::move(err.read));
}

Program& Program::operator=(Program&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(peak_memory_, other.peak_memory_);
  std::swap(input_, other.input_);
  std::swap(output, other.output);
  std::swap(errors, other.errors);
  return *this;
}

Program::~Program() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  end();
}

void Program::say_bytes(std::string_view bytes) {
  ASSERT_EQ(::write(input_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

std::string Program::end() { return collect(std::exchange(pid_, -1), &peak_memory_); }

std::string collect(pid_t pid, size_t* peak_memory) {
  int status = 0;
  rusage usage{};
  if (::wait4(pid, &status, 0, &usage) != pid) return "not a child";
  if (peak_memory != nullptr) *peak_memory = static_cast<size_t>(usage.ru_maxrss) << 10;
  return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
                           : "signal " + std::to_string(WTERMSIG(status));
}

std::vector<std::string> Program::descriptors() const {
  std::vector<std::string> names;
  DIR* folder = ::opendir(("/proc/" + std::to_string(pid_) + "/fd").c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder)) {
    char name[256];
    const ssize_t length = ::readlinkat(::dirfd(folder), entry->d_name, name, sizeof name);
    if (length > 0) names.emplace_back(name, static_cast<size_t>(length));
  }
  ::closedir(folder);
  std::ranges::sort(names);
  return names;
}

}  // namespace baton::test
