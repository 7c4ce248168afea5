#include "chaos/service.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "chaos/admin.h"

namespace baton::chaos {
namespace {

constexpr int patience_ms = 30'000;

[[noreturn]] void become(std::vector<std::string>& command, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  dup2(output, 1);
  dup2(output, 2);
  std::vector<char*> words;
  for (std::string& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  execvp(words[0], words.data());
  std::perror(words[0]);
  _exit(127);
}

// The child of `baton run` that is no worker, but watches over them.
bool is_warden(const Worker& child) {
  std::ifstream file("/proc/" + std::to_string(child.pid()) + "/cmdline");
  std::string beginning;
  std::getline(file, beginning, '\0');
  return beginning.starts_with("/* baton:");
}

std::uint64_t private_bytes_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::uint64_t kib = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t value = 0;
    if (words >> name >> value && (name == "Private_Clean:" || name == "Private_Dirty:")) kib += value;
  }
  return kib * 1024;
}

}  // namespace

Service::Service(std::vector<std::string> command, std::filesystem::path log, std::string admin)
    : log_(std::move(log)), log_file_(std::fopen(log_.c_str(), "we"), std::fclose), admin_(std::move(admin)) {
  if (!log_file_) throw std::system_error(errno, std::generic_category(), "chaos: " + log_.string());
  start(std::move(command));
  wait_until_it_listens();
}

Service::~Service() {
  if (pid_ < 0) return;
  kill();
}

void Service::kill() {
  const std::vector<Worker> left = Worker::of(pid_);
  signal(SIGKILL);
  wait_for_end(-1);
  for (const Worker& child : left) child.signal(SIGKILL);
}

void Service::start(std::vector<std::string> command) {
  for (const std::string& word : command) std::fprintf(log_file_.get(), "%s ", word.c_str());
  std::fputs("\n", log_file_.get());
  std::fflush(log_file_.get());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "chaos: pipe");
  said_ = Fd(ends[0]);
  const Fd theirs(ends[1]);
  fcntl(said_.get(), F_SETFL, O_NONBLOCK);
  fcntl(said_.get(), F_SETPIPE_SZ, 1 << 20);
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "chaos: fork");
  if (pid_ == 0) become(command, theirs.get());
  end_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
}

void Service::wait_until_it_listens() {
  while (port_ == 0) {
    std::array<pollfd, 2> waiting = {{{said_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    const bool came = poll(waiting.data(), waiting.size(), patience_ms) > 0;
    listen_to_it();
    if (port_ != 0) return;
    if (!came || !alive())
      throw std::runtime_error("the service does not listen; its log is " + log_.string());
  }
}

void Service::listen_to_it() {
  std::array<char, 65536> bytes;
  for (ssize_t got = 0; (got = read(said_.get(), bytes.data(), bytes.size())) > 0;) {
    std::fwrite(bytes.data(), 1, static_cast<std::size_t>(got), log_file_.get());
    partial_.append(bytes.data(), static_cast<std::size_t>(got));
  }
  std::fflush(log_file_.get());
  for (std::size_t end = 0; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1))
    heard(partial_.substr(0, end));
}

void Service::heard(const std::string& line) {
  const std::size_t listening = line.find("listening on ");
  const std::size_t after = line.find(" (", listening);
  if (port_ == 0 && listening != std::string::npos && after != std::string::npos)
    port_ = static_cast<std::uint16_t>(std::atoi(line.c_str() + line.rfind(':', after) + 1));
  if (line == "reload done") ++said_reloads_.done;
  if (line == "reload failed") ++said_reloads_.failed;
}

std::vector<Worker> Service::workers() const {
  std::vector<Worker> children = Worker::of(pid_);
  std::erase_if(children, is_warden);
  return children;
}

std::uint64_t Service::private_bytes() const {
  std::uint64_t sum = private_bytes_of(pid_);
  for (const Worker& child : Worker::of(pid_)) sum += private_bytes_of(child.pid());
  return sum;
}

void Service::signal(int number) const {
  if (pid_ > 1) syscall(SYS_pidfd_send_signal, end_.get(), number, nullptr, 0);
}

Reloads Service::reloads() {
  listen_to_it();
  return admin_.empty() ? said_reloads_ : reloads_told_by(admin_);
}

bool Service::alive() {
  if (pid_ < 0) return false;
  pollfd ended{end_.get(), POLLIN, 0};
  return poll(&ended, 1, 0) == 0;
}

bool Service::wait_for_end(int milliseconds) {
  // It must not stand still because nobody reads what it says.
  for (int left = milliseconds; milliseconds < 0 || left > 0; left -= 10) {
    pollfd ended{end_.get(), POLLIN, 0};
    const bool over = poll(&ended, 1, 10) > 0;
    listen_to_it();
    if (over) {
      int status = 0;
      waitpid(pid_, &status, 0);
      pid_ = -1;
      status_ = WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
                                  : "signal " + std::to_string(WTERMSIG(status));
      return true;
    }
  }
  return false;
}

std::string Service::stop() {
  if (pid_ < 0) return status_;
  signal(SIGTERM);
  if (wait_for_end(patience_ms)) return status_;
  kill();
  return "not in time";
}

}  // namespace baton::chaos
